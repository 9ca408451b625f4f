"""Promise: `inv up` brings the whole stack up from nothing but a checkout, and `inv down` takes it away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from demo.native import free_port

from .conftest import PLATFORMS, Site, docker

pytestmark = pytest.mark.docker


@pytest.fixture
def stack(built: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A checkout of the project, with a port of its own. It compiles for all platforms, as the shared build did."""
    monkeypatch.setenv("BUILD_PLATFORM", ",".join(PLATFORMS))
    site = Site(tmp_path / "road", free_port())
    shutil.copytree(built.folder, site.folder)
    (site.folder / ".env").write_text(f"HTTP_PORT={site.port}\nBOARD_PORT={free_port()}\n")
    try:
        yield site
    finally:
        site.inv("down", "--volumes")


def test_up_and_down(stack: Site) -> None:
    output = stack.succeed("up")
    assert f"The stack is up at http://localhost:{stack.port}" in output
    assert requests.post(stack.url("/api/notes"), json={"text": "developed"}, timeout=5).status_code == 201
    assert stack.notes() == ["developed"]
    assert "The schema is up to date" in stack.succeed("db.migrate")
    # Again: what runs stays, and so do its data and secrets.
    stack.succeed("up", folder=stack.folder / "crates")
    assert stack.notes() == ["developed"]
    stack.succeed("down")
    assert not docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=road-dev").stdout
    assert "road-dev_postgres" in docker("volume", "ls", "--quiet").stdout
