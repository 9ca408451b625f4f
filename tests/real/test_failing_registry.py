"""Promise: what a registry in trouble does not take is sent again, and then told; the record says where images are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Site, running_registry

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]


def test_a_full_one(built: Site, tmp_path: Path) -> None:
    site = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, site.folder)
    before = site.images()
    with running_registry("--tmpfs", "/var/lib/registry:size=4k") as full:
        result = site.inv("push", "--registry", f"{full}/acme")
    assert result.code == 1
    assert result.output.count("trying again …") == 2
    assert "error: the registry failed on its side" in result.output
    assert "fix: run the same command again" in result.output
    assert site.images() == before
