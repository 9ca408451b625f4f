"""Promise: the workspace's own tests pass against a real PostgreSQL and a real Redis."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Project
from tools.projects import FOLDER

from .conftest import docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.rust]


@contextmanager
def server(port: int, ready: list[str], *arguments: str) -> Iterator[str]:
    """Run a server in a container that is gone afterwards, and give the address it answers on."""
    container = docker("run", "--detach", "--rm", "--publish", f"127.0.0.1:0:{port}", *arguments).stdout.strip()
    try:
        eventually(lambda: docker("exec", container, *ready, check=False).returncode == 0)
        yield docker("port", container, str(port)).stdout.split()[0]
    finally:
        docker("rm", "--force", "--volumes", container, check=False)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The variables that tell the tests where a PostgreSQL and a Redis are."""
    postgres = ["--env", "POSTGRES_PASSWORD=test", "postgres:18"]
    answers = ["pg_isready", "--host", "127.0.0.1", "--username", "postgres"]
    with server(5432, answers, *postgres) as database, server(6379, ["redis-cli", "ping"], "redis:8-trixie") as cache:
        yield {
            "TEST_DATABASE_URL": f"postgres://postgres:test@{database}/postgres",
            "TEST_REDIS_URL": f"redis://{cache}",
        }


def test_the_backend_on_real_servers(project: Project, servers: dict[str, str], tmp_path: Path) -> None:
    root = project(services=["postgres", "redis"], components=["frontend", "cli", "worker"])
    # Dependencies compiled for rendered projects serve here too.
    environment = {"CARGO_TARGET_DIR": str(FOLDER / "target")} | os.environ | servers
    packages = ["--package", "backend", "--package", "worker"]
    command = ["cargo", "test", "--locked", *packages, "--test", "postgres", "--test", "redis"]
    done = subprocess.run(
        [*command, "--", "--nocapture"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (tmp_path / "log").write_text(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
    assert done.stdout.count("test result: ok.") == 4
