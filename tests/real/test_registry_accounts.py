"""Promise: a registry that asks who one is takes images after `inv login`, and says before it what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from .conftest import Site, running_registry

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

USER = "ann"
TOKEN = "correct horse battery staple"  # noqa: S105  # Of a registry that is gone after the test.
# The token as the registry keeps it: bcrypt.
ACCOUNTS = f"{USER}:$2b$05$h9RVtss5fOSGq7iKPOtv9udaYQEJ1ckF8S9ldmpYzvMr2v/H9475i\n"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """A registry with one account, gone afterwards."""
    accounts = tmp_path / "accounts"
    accounts.write_text(ACCOUNTS)
    asks = {"REGISTRY_AUTH_HTPASSWD_REALM": "test", "REGISTRY_AUTH_HTPASSWD_PATH": "/accounts"}
    settings = [argument for name, value in asks.items() for argument in ("--env", f"{name}={value}")]
    with running_registry(*settings, "--volume", f"{accounts}:/accounts:ro", status=401) as address:
        yield address


def test_who_is_logged_in_can_push(built: Site, guarded: str, tmp_path: Path) -> None:
    site = Site(tmp_path / "road", 0, {"DOCKER_CONFIG": str(tmp_path / "docker"), "REGISTRY_USERNAME": USER})
    shutil.copytree(built.folder, site.folder)
    before = site.images()

    refused = site.inv("push", "--registry", f"{guarded}/acme")
    assert refused.code == 1
    assert "the registry refuses" in refused.output
    assert "inv login" in refused.output
    assert site.images() == before

    unnamed = site.inv("login", "--registry", guarded)
    assert unnamed.code == 1
    assert "REGISTRY_TOKEN not set" in unnamed.output

    site.environment |= {"REGISTRY_TOKEN": "wrong"}
    wrong = site.inv("login", "--registry", guarded)
    assert wrong.code == 1
    assert "fix: see that REGISTRY_TOKEN is an account of that registry" in wrong.output

    site.environment |= {"REGISTRY_TOKEN": TOKEN}
    said = site.succeed("login", "--registry", guarded)
    assert f"Logged in to {guarded} as {USER}" in said
    pushed = site.succeed("push", "--registry", f"{guarded}/acme")
    assert TOKEN not in said + pushed
    for image in site.images().values():
        listed = requests.get(
            f"http://{guarded}/v2/{image['repository'].partition('/')[2]}/manifests/{image['digest']}",
            auth=(USER, TOKEN),
            headers={"Accept": "application/vnd.oci.image.index.v1+json"},
            timeout=5,
        )
        assert listed.status_code == 200, image
