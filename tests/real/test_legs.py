"""Promise: what a leg per platform pushed gets its tag last, as one index, when all of it is there."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests import scanning

from .conftest import PLATFORMS, Site, compile_nothing, docker, index_of
from .test_images import platforms_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Site:
    """The project, at a commit of its own; what it compiles is taken from the images that are built already."""
    programs = tmp_path / "bin"
    programs.mkdir()
    scanning.install(programs, tmp_path / "databases")
    copy = Site(tmp_path / "road", 0, {"PATH": f"{programs}:{os.environ['PATH']}"})
    shutil.copytree(built.folder, copy.folder)
    compile_nothing(copy, built)
    # Others' images may be there for this machine's platform only.
    copy.edit("invoke.yaml", "  configured: [nginx", "  configured: []  # [nginx")
    copy.commit("Build in legs")
    return copy


def leg(site: Site, platform: str, records: Path) -> None:
    """Build and push for one platform, as one of several machines would, and keep its record."""
    shutil.rmtree(site.folder / ".slipway")
    site.succeed("build", "--platforms", platform)
    site.succeed("scan", "--only", "images")
    site.succeed("push", "--leg")
    folder = records / platform.replace("/", "-")
    folder.mkdir(parents=True)
    shutil.copy(site.folder / ".slipway/images.json", folder)


def has(reference: str) -> bool:
    """Say whether a registry has a reference."""
    return docker("buildx", "imagetools", "inspect", reference, check=False).returncode == 0


def test_the_tag_comes_last(site: Site, tmp_path: Path) -> None:
    records = tmp_path / "records"
    first, *others = PLATFORMS
    leg(site, first, records)
    image = site.images()["backend"]
    tagged = f"{image['repository']}:{image['tag']}"
    assert has(f"{image['repository']}@{image['digest']}")

    early = site.inv("ci.index", str(records))
    assert early.code == 1
    assert "no leg built backend for linux/arm64, linux/arm/v7" in early.output
    assert not has(tagged)

    for platform in others:
        leg(site, platform, records)
        assert not has(tagged)
    passed = records / "linux-arm64" / "images.json"
    text = passed.read_text()
    passed.write_text(re.sub(r'"scanned": ".+"', '"scanned": ""', text))
    unscanned = site.inv("ci.index", str(records))
    assert unscanned.code == 1
    assert "no scan has passed" in unscanned.output
    assert not has(tagged)
    passed.write_text(text)
    shutil.rmtree(site.folder / ".slipway")
    site.succeed("ci.index", str(records), "--latest")
    for name, joined in site.images().items():
        assert platforms_of(f"{joined['repository']}:latest") == PLATFORMS
        assert index_of(f"{joined['repository']}:latest")["digest"] == joined["digest"]
        parts = [part["digest"] for part in index_of(f"{joined['repository']}@{joined['digest']}")["manifests"]]
        legs = [json.loads((records / one.replace("/", "-") / "images.json").read_text()) for one in PLATFORMS]
        assert parts == [one["images"][name]["digest"] for one in legs]
    for platform in PLATFORMS:
        done = docker("run", "--rm", "--platform", platform, site.reference("cli"), "--version")
        assert done.stdout.startswith("cli 0.1.0")

    site.edit("README.md", "# ", "#  ")
    site.commit("Overtake the run")
    latest = f"{image['repository']}:latest"
    label = f"org.opencontainers.image.revision={site.head()}"
    docker("buildx", "build", "--push", "--label", label, "--tag", latest, "-", stdin="FROM scratch\n")
    other = index_of(latest)
    overtaken = site.succeed("ci.index", str(records), "--latest")
    assert f"`latest` stays where it is: at the later commit {site.head()}" in overtaken
    assert index_of(latest) == other


def test_legs_of_two_commits_are_refused(site: Site, tmp_path: Path) -> None:
    records = tmp_path / "records"
    leg(site, PLATFORMS[0], records)
    site.edit("README.md", "# ", "#  ")
    site.commit("Change something")
    leg(site, PLATFORMS[1], records)
    result = site.inv("ci.index", str(records))
    assert result.code == 1
    assert "the legs built backend from different commits" in result.output
