"""Promise: one command makes one index of three platforms, each proven; an edit compiles only the workspace."""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from .conftest import BINARIES, PLATFORMS, Site, docker, eventually, index_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

LIMIT = 25_000_000


def compiled(output: str) -> set[str]:
    """Return the names of the crates that a build's log says were compiled."""
    return set(re.findall(r"Compiling (\S+) v", output))


def platforms_of(reference: str) -> list[str]:
    """Return the platforms in a registry's index, in its order."""
    named = [part["platform"] for part in index_of(reference)["manifests"]]
    return ["/".join(filter(None, map(one.get, ("os", "architecture", "variant")))) for one in named]


def test_the_record(built: Site) -> None:
    images = built.images()
    assert sorted(images) == sorted([*BINARIES, "nginx"])
    assert re.fullmatch("sha256:[0-9a-f]{64}", images["nginx"]["digest"])
    for image in (images[name] for name in BINARIES):
        assert re.fullmatch("sha256:[0-9a-f]{64}", image["digest"])
        assert list(image["platforms"]) == PLATFORMS
        assert image["seconds"] > 0
        for part in image["platforms"].values():
            assert 0 < part["size_bytes"] <= LIMIT


@pytest.mark.parametrize("binary", BINARIES)
def test_the_registry_has_one_index_of_three(built: Site, binary: str) -> None:
    index = index_of(built.reference(binary))
    assert platforms_of(built.reference(binary)) == PLATFORMS
    digests = [part["digest"] for part in index["manifests"]]
    assert digests == [part["digest"] for part in built.images()[binary]["platforms"].values()]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_pulled_by_digest_each_starts(built: Site, platform: str) -> None:
    done = docker("run", "--rm", "--platform", platform, built.reference("backend"), "--version")
    assert re.fullmatch(r"backend 0\.1\.0 \([0-9a-f]{40}\)\n", done.stdout)


def test_what_is_in_an_image(built: Site) -> None:
    reference = built.reference("backend")
    (image,) = json.loads(docker("image", "inspect", reference).stdout)
    assert image["Config"]["User"] == "65532:65532"
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "backend"
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch("[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert "org.opencontainers.image.source" in labels
    assert labels["image.platform"] == "linux/amd64"
    container = docker("create", reference).stdout.strip()
    exported = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        there = {member.name for member in archive if not member.isdir()}
    # What the engine itself puts into every container is not the image's.
    added = {".dockerenv", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "dev/console"}
    assert there - added == {
        "etc/group",
        "etc/nsswitch.conf",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/local/bin/backend",
    }


def test_as_pid_1_it_ends_well(built: Site) -> None:
    container = docker("run", "--detach", "--env", "DRAIN_DELAY=100ms", built.reference("backend")).stdout.strip()
    try:
        # Before it listens, the first process of a container heeds nothing.
        eventually(lambda: "listening" in docker("logs", container).stdout)
        docker("stop", "--time", "20", container)
        (state,) = json.loads(docker("inspect", container).stdout)
        assert state["State"]["ExitCode"] == 0, docker("logs", container).stdout
    finally:
        docker("rm", "--force", container)


def test_the_root_can_be_read_only(built: Site) -> None:
    done = docker(
        "run", "--rm", "--read-only", "--cap-drop", "ALL", built.reference("cli"), "config", "check", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_changed_is_the_same_images(built: Site, tmp_path: Path) -> None:
    again = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, again.folder)
    before = built.images()
    output = again.succeed("build", "--platforms", "all", "--only", ",".join(BINARIES))
    assert not compiled(output)
    assert output.count("as before") == len(BINARIES)
    assert {name: image["digest"] for name, image in again.images().items()} == {
        name: image["digest"] for name, image in before.items()
    }


def test_an_archive_is_pushed_as_it_is(built: Site, registry: str, tmp_path: Path) -> None:
    # What a builder that keeps no images leaves behind; the record names an image that the engine does not have.
    other = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, other.folder)
    saved = subprocess.run(["docker", "save", built.reference("cli")], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        archive.extractall(other.folder / ".slipway/layouts/cli", filter="data")
    record = {
        "version": 1,
        "images": {"cli": built.images()["cli"] | {"digest": "sha256:" + "0" * 64, "tag": "archived"}},
    }
    (other.folder / ".slipway/images.json").write_text(json.dumps(record))
    other.succeed("push", "--registry", f"{registry}/archive")
    assert platforms_of(other.reference("cli")) == PLATFORMS


def test_a_wrong_program_in_an_image_is_caught(built: Site, tmp_path: Path) -> None:
    sabotaged = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, sabotaged.folder)
    shutil.rmtree(sabotaged.folder / ".slipway")
    sabotaged.edit("Dockerfile", 'cp -r "/out/${TARGETPLATFORM}" /picked', "cp -r /out/linux/amd64 /picked")
    result = sabotaged.inv("build", "--platforms", "all", "--only", "cli", "--push")
    assert result.code == 1
    assert "error: cli for linux/arm64 holds a program for linux/amd64" in result.output
    assert "docker push" not in result.output
    assert not (sabotaged.folder / ".slipway/images.json").exists()


def test_an_edit_compiles_the_workspace_alone(built: Site, tmp_path: Path) -> None:
    edited = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, edited.folder)
    # The images may be known to an engine that no longer has what the dependencies became, which an edit starts from.
    docker("buildx", "build", "--target", "cook", "--output", "type=cacheonly", str(edited.folder))
    # New in each run, so that no layer has it. Its time is years back: only the content says that it is new.
    mark = secrets.token_hex(4)
    edited.edit("crates/common/src/about.rs", 'format!("{} ({})"', f'format!("{{}} {mark} ({{}})"')
    output = edited.succeed("build", "--platforms", "all", "--only", "backend")
    assert compiled(output) == {"common", *BINARIES}
    for platform in PLATFORMS:
        image = edited.images()["backend"]
        done = docker("run", "--rm", "--platform", platform, f"{image['repository']}:{image['tag']}", "--version")
        assert mark in done.stdout
