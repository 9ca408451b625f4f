"""Promise: each guide to Kubernetes works as it stands, from the top to the bottom, in minutes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kubernetes.guides import commands, script

from .cluster import database, for_the_cluster, kubectl
from .conftest import Site

pytestmark = [pytest.mark.docker, pytest.mark.cluster]

NAMESPACE = "road-staging"
GUIDES = {"helm": "helm", "kubectl": "kubernetes", "terraform": "terraform", "pulumi": "pulumi"}


@pytest.fixture
def namespace() -> Iterator[str]:
    """The guide's namespace, which it makes itself: not there before, gone afterwards."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")


def replace(path: Path, before: str, after: str) -> None:
    """Change a text that a file must have."""
    text = path.read_text()
    assert before in text, path
    path.write_text(text.replace(before, after))


def timed(text: str, times: Path) -> str:
    """Let a guide's script write down when images are built and the first deploy is healthy."""
    for command in (r"^inv build .*$", r"^inv deploy .* --yes$"):
        text, count = re.subn(command, rf"\g<0>\ndate +%s.%N >> {times}", text, count=1, flags=re.MULTILINE)
        assert count == 1, command
    return text


@pytest.mark.parametrize("guide", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in GUIDES])
@pytest.mark.usefixtures("namespace")
def test_a_guide_works_from_the_top(
    built: Site, registry: str, tmp_path: Path, guide: str, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "road"
    shutil.copytree(built.folder, folder)
    placed = for_the_cluster(registry, "postgres:18", "redis:8-trixie")
    context = kubectl("config", "current-context").strip()
    # What a reader is told to write: the context. And where this cluster gets the cache's image from.
    replace(folder / "deploy/pulumi/Pulumi.staging.yaml", "docker-desktop", context)
    replace(folder / "invoke.yaml", "docker-desktop", context)
    replace(folder / "invoke.yaml", "method: helm", f"method: {GUIDES[guide]}")
    image = f"image: {{ repository: {placed['redis:8-trixie'].rpartition(':')[0]} }}"
    replace(folder / "deploy/environments/staging.yaml", "mode: internal", f"mode: internal\n  {image}")
    environment = os.environ | {
        "CONTEXT": context,
        "STAGING_DATABASE_URL": database(placed["postgres:18"], "guide"),
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Reader",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "reader@example.com",
    }
    page = folder / f"docs/deployment/{guide}-guide.md"
    assert len(commands(page)) > 15
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", timed(script(page), times := tmp_path / "times")],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:]
    took = time.monotonic() - began
    record_property(f"the {guide} guide, all of it", f"{took:.0f} s")
    built_at, healthy_at = (float(line) for line in times.read_text().split())
    record_property(f"the {guide} guide, from the build to healthy", f"{healthy_at - built_at:.0f} s")
    assert not kubectl("--namespace", NAMESPACE, "get", "deployments", "--output=name")
