"""Promise: the workspace's own tests pass against a real PostgreSQL and a real Redis, which one command brings up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Project
from tools.projects import FOR_CARGO

from .conftest import Site, docker

pytestmark = [pytest.mark.docker, pytest.mark.rust]


def test_integration_tests_have_their_servers(project: Project, tmp_path: Path) -> None:
    # A test whose server is not named says so, and nothing else: what cargo's tests print must be seen.
    site = Site(tmp_path / "road", 0, FOR_CARGO | {"RUST_TEST_NOCAPTURE": "1"})
    shutil.copytree(project(services=["postgres", "redis"], components=["frontend", "cli", "worker"]), site.folder)
    output = site.succeed("test", "--only", "integration")
    assert "skipped" not in output
    assert output.count("test result: ok.") == 4
    left = docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=acme-notes-test").stdout
    assert left == ""
