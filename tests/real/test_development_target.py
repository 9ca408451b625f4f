"""Promise: in the development image, a changed source file is built and served without a hand."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from demo.native import free_port
from tests.conftest import Project

from .conftest import Site, docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.proof]

# A first debug build inside the container, on a small machine.
PATIENCE = 900


def test_a_changed_line_is_served(project: Project, tmp_path: Path) -> None:
    site = Site(tmp_path / "acme-notes", 0)
    shutil.copytree(project(), site.folder)
    docker("build", "--target", "development", "--tag", "slipway-development", str(site.folder))
    mount = ["--volume", f"{site.folder}:/src", "--env", "CARGO_TARGET_DIR=/target", "--env", "DRAIN_DELAY=0s"]
    container = docker(
        "run", "--detach", "--init", "--publish", "127.0.0.1:0:8080", *mount, "slipway-development"
    ).stdout.strip()
    try:
        address = docker("port", container, "8080").stdout.split()[0]

        def revision() -> str:
            answer: str = requests.get(f"http://{address}/version", timeout=2).json().get("revision", "")
            return answer

        eventually(lambda: revision() == "unknown", PATIENCE)
        path = site.folder / "crates/common/src/about.rs"
        path.write_text(path.read_text().replace('"unknown"', '"changed"'))
        eventually(lambda: revision() == "changed", 120)
        (site.folder / "crates/common/src/extra.rs").write_text("//! A file that came later.\n")
        path.write_text(path.read_text().replace('"changed"', '"changed again"'))
        eventually(lambda: revision() == "changed again", 120)
    finally:
        print(docker("logs", container, check=False).stderr[-2000:])
        docker("rm", "--force", "--volumes", container, check=False)


def test_the_stack_runs_from_source(
    project: Project, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    site = Site(tmp_path / "hot", free_port())
    shutil.copytree(project(project_name="hot", services=["postgres"], components=["frontend", "worker"]), site.folder)
    debugger = free_port()
    ports = {"HTTP_PORT": site.port, "DEBUG_PORT": debugger}
    ports |= {name: free_port() for name in ("BOARD_PORT", "FRONTEND_DEBUG_PORT", "WORKER_DEBUG_PORT")}
    (site.folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
    try:
        assert f"http://localhost:{site.port}" in site.succeed("up", "--hot")
        assert site.notes() == []

        def revision() -> str:
            answer: str = requests.get(site.url("/version"), timeout=2).json().get("revision", "")
            return answer

        path = site.folder / "crates/common/src/about.rs"
        path.write_text(path.read_text().replace('"unknown"', '"changed"'))
        saved = time.monotonic()
        eventually(lambda: revision() == "changed", 60)
        record_property("seconds from a saved file to its answer", f"{time.monotonic() - saved:.1f}")
        command = ("docker", "compose", "--project-name", "hot-dev", "exec", "--no-TTY", "backend")

        def processes() -> list[str]:
            found = subprocess.run([*command, "pidof", "backend"], cwd=site.folder, capture_output=True, text=True)
            return found.stdout.split()

        # It was the frontend that told its version: the backend may still be compiled.
        running = eventually(processes, PATIENCE)
        # A later process of that name is a health check.
        attach = ["gdbserver", "--once", "--attach", ":2345", min(running, key=int)]
        with subprocess.Popen([*command, *attach], cwd=site.folder, stderr=subprocess.PIPE, text=True) as server:
            said: list[str] = []
            for line in server.stderr or ():
                said.append(line)
                if "Listening on port 2345" in line:
                    break
            assert said[-1:] == ["Listening on port 2345\n"], "".join(said)
            socket.create_connection(("127.0.0.1", debugger), 5).close()
            assert server.wait(60) == 0
    finally:
        site.inv("down", "--volumes")
