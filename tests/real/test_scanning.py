"""Promise: the real scanner finds what is vulnerable in a lock file and in an image that is nothing but a binary."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests import scanning

from .conftest import Site, compile_nothing
from .test_signing import keep_only

pytestmark = [pytest.mark.docker, pytest.mark.trivy, pytest.mark.xdist_group("images")]


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Site:
    """The project with the backend's image for this machine, and a database in which axum is vulnerable."""
    programs = tmp_path / "bin"
    programs.mkdir()
    scanning.install(programs, tmp_path / "databases", "axum")
    copy = Site(tmp_path / "road", 0, {"PATH": f"{programs}:{os.environ['PATH']}", "FINDS": "axum"})
    shutil.copytree(built.folder, copy.folder)
    compile_nothing(copy, built)
    keep_only(copy, "backend")
    copy.succeed("build")
    return copy


def test_a_vulnerable_crate_is_found_in_the_lock_file_and_in_the_image(site: Site) -> None:
    for kind, place in (("dependencies", "Cargo.lock"), ("images", "usr/local/bin/backend")):
        result = site.inv("scan", "--only", kind)
        assert result.code == 1
        assert f"in {place}" in result.output
        assert "axum does what it should not: update it to 99" in result.output
    (report,) = (site.folder / ".slipway/scan").glob("backend-*.sarif")
    (run,) = json.loads(report.read_text())["runs"]
    assert [found["ruleId"] for found in run["results"]] == ["CVE-2030-0001"]


def test_what_is_ignored_is_found_again_after_its_date(site: Site) -> None:
    ignored = site.folder / ".trivyignore.yaml"
    entry = "vulnerabilities:\n  - id: CVE-2030-0001\n    statement: Not used.\n    expired_at: {}\n"
    ignored.write_text(entry.format("2999-01-01"))
    site.succeed("scan", "--only", "images,dependencies")
    assert site.images()["backend"]["scanned"]
    ignored.write_text(entry.format("2020-01-01"))
    assert site.inv("scan", "--only", "images").code == 1
    assert not site.images()["backend"]["scanned"]


def test_a_fresh_project_has_nothing_to_find(site: Site, built: Site) -> None:
    shutil.copy(built.folder / "Dockerfile", site.folder)
    site.environment["FINDS"] = ""
    site.succeed("scan", "--only", "config,secrets,dependencies")
