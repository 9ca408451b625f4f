"""The half that needs Docker: build, push to a throw-away registry, deploy, show it healthy, remove it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.native import free_port, get
from demo.screen import run, say, step
from tools.rendering import commit

REGISTRY_IMAGE = "registry:3"
START_LIMIT = 30


def missing() -> str:
    """Say why this half cannot be shown on this machine; empty when it can."""
    if not shutil.which("docker"):
        return "Docker is not installed"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "Docker is installed but its engine does not answer"
    return ""


def show(project: Path) -> None:
    """Build, push and deploy the project, ask it, and leave nothing behind but cached layers."""
    inv = [sys.executable, "-m", "invoke"]
    port = free_port()
    settle(project, port)
    with registry() as address:
        with step("Build the images, prove them, and push them to a registry of the demo's own"):
            run([*inv, "build", "--push", "--registry", f"{address}/demo"], project)
        try:
            with step("Deploy it with Docker Compose"):
                run([*inv, "secrets.init", "--env", "production"], project)
                run([*inv, "deploy", "--env", "production", "--yes"], project)
            with step("Ask it"):
                for path in ("/readyz", "/version", "/api/notes"):
                    say(f"$ curl http://localhost:{port}{path}")
                    say("{} {}".format(*get(f"http://localhost:{port}{path}")))
                run([*inv, "status", "--env", "production"], project)
        finally:
            with step("Remove it, with its data"):
                run([*inv, "destroy", "--env", "production", "--yes", "--data"], project)


def settle(project: Path, port: int) -> None:
    """Let the project deploy to this machine without touching anything of its user: another port, its own secrets."""
    values = project / "deploy/environments/production.env"
    values.write_text(re.sub("HTTP_PORT=.*", f"HTTP_PORT={port}", values.read_text()).replace("0.0.0.0", "127.0.0.1"))  # noqa: S104
    facts = project / "invoke.yaml"
    facts.write_text(re.sub("secrets: .*", f"secrets: {project.parent / 'secrets'}", facts.read_text()))
    commit(project, "Deploy to this machine")


@contextmanager
def registry() -> Iterator[str]:
    """Run a registry on a free port and give its address; it and all that it holds are gone afterwards."""
    command = ["docker", "run", "--detach", "--rm", "--publish", "127.0.0.1:0:5000", REGISTRY_IMAGE]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    if started.returncode:
        raise SystemExit(f"demo: the registry does not start: {started.stderr.strip()}")
    container = started.stdout.strip()
    try:
        printed = subprocess.run(
            ["docker", "port", container, "5000"], check=True, capture_output=True, text=True
        ).stdout
        address = printed.split()[0].replace("127.0.0.1", "localhost")
        wait_for(address)
        yield address
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", container], capture_output=True, check=False)
        remove_images(address)


def remove_images(address: str) -> None:
    """Remove the images of a registry that is gone; their layers stay in the build cache."""
    listing = ["docker", "image", "ls", "--quiet", "--filter", f"reference={address}/*/*"]
    left = set(subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split())
    if left:
        subprocess.run(["docker", "image", "rm", "--force", *sorted(left)], capture_output=True, check=False)


def wait_for(address: str) -> None:
    """Wait until a registry answers, or end the demo."""
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        try:
            if get(f"http://{address}/v2/")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"demo: the registry did not answer within {START_LIMIT} s.")
