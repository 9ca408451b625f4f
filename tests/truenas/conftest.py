"""What the tests of TrueNAS share: a NAS that is none, and a desk whose environment `nas` is ready for a deploy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import DIGEST, Desk, at_a_desk

from .server import KEY, USER, Nas, Pretended

SECRETS = "/mnt/tank/acme-notes/secrets"
DATA = "/mnt/tank/acme-notes/data"
NAMES = ("postgres_password", "database_url", "redis_password", "redis_url")
BAD = "sha256:" + "d" * 64


def stack(digest: str = DIGEST, **more: Any) -> dict[str, Any]:
    """Return a resolved stack, as compose prints it for the NAS."""
    health = {"test": ["CMD", "/usr/local/bin/backend", "healthcheck"]}
    mount = {"type": "bind", "source": f"{DATA}/postgres", "target": "/var/lib/postgresql"}
    backend = {
        "image": f"ghcr.io/acme/acme-notes-backend@{digest}",
        "environment": {"LOG_LEVEL": "info", "NOTE": "$$5 at 8E1"},
        "depends_on": {"migrate": {"condition": "service_completed_successfully", "required": True}},
        "healthcheck": health,
        "ports": [{"published": "8000", "target": 8000, "protocol": "tcp", "mode": "ingress"}],
        "build": {"context": "/home/ann/acme-notes"},
    }
    services = {
        "backend": backend,
        "migrate": {"image": backend["image"], "command": ["migrate"]},
        "cli": {"image": f"ghcr.io/acme/acme-notes-cli@{digest}", "profiles": ["cli"]},
        "postgres": {
            "image": "postgres:18",
            "user": "568:568",
            "volumes": [mount],
            "healthcheck": health,
            "secrets": [{"source": "postgres_password"}],
        },
    }
    secrets = {name: {"name": f"ix-acme-notes_{name}", "file": f"{SECRETS}/{name}"} for name in NAMES}
    return {"name": "ix-acme-notes", "services": services, "secrets": secrets, "volumes": {"postgres": {}}} | more


@pytest.fixture
def engine() -> Pretended:
    """An engine where every folder and secret is there, and what is deployed becomes healthy; BAD images do not."""
    made = Pretended(becomes=lambda _name, one: "starting" if BAD in one["image"] and one.get("healthcheck") else "")
    made.files = {f"{SECRETS}/{name}": {"size": 40, "mode": 0o100444, "uid": 0, "gid": 0} for name in NAMES}
    made.files |= {
        f"{DATA}/{name}": {"size": 2, "mode": 0o40700, "uid": 568, "gid": 568} for name in ("postgres", "redis")
    }
    return made


@pytest.fixture
def nas(engine: Pretended) -> Iterator[Nas]:
    """A NAS on this machine."""
    with Nas(engine) as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path, project: Callable[..., Path], nas: Nas) -> Desk:
    """A project whose only environment is that NAS."""
    rendered = project(registry="ghcr.io/acme", services=["postgres", "redis"], deploy=["compose", "truenas"])
    made = at_a_desk(tmp_path, rendered)
    facts = made.project / "invoke.yaml"
    head = facts.read_text().partition("\nenvironments:")[0]
    settings = {
        "method": "truenas",
        "host": f"127.0.0.1:{nas.port}",
        "username": USER,
        "certificate": "nas.pem",
        "app": "acme-notes",
        "secrets": SECRETS,
        "data": DATA,
        "timeout": 2,
    }
    lines = "".join(f"    {name}: {value}\n" for name, value in settings.items())
    facts.write_text(f"{head}\nenvironments:\n  nas:\n{lines}")
    (made.project / "nas.pem").write_text(nas.authority)
    made.environment["TRUENAS_API_KEY"] = KEY
    made.record_images("backend", "frontend", "cli", "nginx")
    renders(made, stack())
    platforms = [{"digest": DIGEST, "platform": {"os": "linux", "architecture": "amd64"}}]
    made.says("imagetools inspect", json.dumps({"digest": DIGEST, "manifests": platforms}))
    return made


def renders(desk: Desk, made: dict[str, Any]) -> None:
    """Let compose resolve the stack to this one from now on."""
    desk.says("config --format json", json.dumps(made))


def setting(desk: Desk, name: str, value: str | None) -> None:
    """Change a setting of the environment, or take it away."""
    facts = desk.project / "invoke.yaml"
    kept = [line for line in facts.read_text().splitlines() if not line.startswith(f"    {name}:")]
    facts.write_text("\n".join([*kept, *([f"    {name}: {value}"] if value is not None else [])]) + "\n")
