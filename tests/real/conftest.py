"""What the real tests share: a throw-away registry, and one project with everything on that is built once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from demo.native import free_port
from tests.conftest import REGISTRY, Result, once
from tools.rendering import IDENTITY

BINARIES = ["backend", "cli", "frontend", "worker"]
# The compose project of the environment that tests deploy.
PRODUCTION = "road-production"
# Stands before docker, and lets one build run at a time: two of the same Dockerfile at once end Docker Engine 26.1, by
# a panic in its BuildKit.
ONE_BUILD = """#!/bin/sh
case " $* " in
  *" bake "*|*" build "*) exec 9>{lock}; flock 9;;
esac
exec {docker} "$@"
"""
PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def docker(*arguments: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run docker and return what it said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, input=stdin, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture(scope="session", autouse=True)
def one_build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep builds apart, whoever asks for them: this process, another worker's, a project's task, a guide's reader."""
    if (program := shutil.which("docker")) is None:
        yield
        return
    wrapper = tmp_path_factory.mktemp("bin") / "docker"
    wrapper.write_text(ONE_BUILD.format(lock=Path(tempfile.gettempdir()) / "slipway-building.lock", docker=program))
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        yield


@dataclass
class Site:
    """A project's folder, and the port its deployed app answers on."""

    folder: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def shell(self) -> dict[str, str]:
        """The variables of the shell that a user would use there."""
        return os.environ | self.environment

    def inv(self, *arguments: str, folder: Path | None = None, stdin: str = "") -> Result:
        """Run one of the project's tasks as a user would; a traceback is a failure of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=folder or self.folder,
            env=self.shell,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        assert "Traceback" not in done.stdout
        return Result(done.returncode, done.stdout)

    def succeed(self, *arguments: str, folder: Path | None = None) -> str:
        """Run a task that must succeed, and return what it printed."""
        result = self.inv(*arguments, folder=folder)
        assert result.code == 0, result.output
        return result.output

    def images(self) -> dict[str, Any]:
        """The record of what was built."""
        record: dict[str, Any] = json.loads((self.folder / ".slipway/images.json").read_text())
        assert record["version"] == 1
        images: dict[str, Any] = record["images"]
        return images

    def reference(self, binary: str) -> str:
        """The name of exactly the recorded image."""
        image = self.images()[binary]
        return f"{image['repository']}@{image['digest']}"

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a file; its time is set back, as archives and copies do."""
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        os.utime(path, (1_000_000_000, 1_000_000_000))

    def commit(self, message: str) -> None:
        """Commit everything."""
        subprocess.run(["git", "add", "--all"], cwd=self.folder, check=True)
        subprocess.run(["git", *IDENTITY, "commit", "--quiet", "--message", message], cwd=self.folder, check=True)

    def head(self) -> str:
        """The newest commit."""
        command = ["git", "rev-parse", "HEAD"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()

    def url(self, path: str) -> str:
        """The address of a path of the deployed app."""
        return f"http://127.0.0.1:{self.port}{path}"

    def notes(self) -> list[str]:
        """The texts of all notes, through the frontend."""
        answer = requests.get(self.url("/api/notes"), timeout=5)
        answer.raise_for_status()
        return [note["text"] for note in answer.json()["notes"]]


T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = 30) -> T:
    """Wait until a condition holds, and return what it gave; connections that fail meanwhile count as not yet."""
    until = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except requests.RequestException:
            pass
        assert time.monotonic() < until, "it did not become so in time"
        time.sleep(0.2)


def containers(project: str, service: str) -> list[str]:
    """The ids of a service's containers."""
    labels = [f"label=com.docker.compose.project={project}", f"label=com.docker.compose.service={service}"]
    filters = [argument for label in labels for argument in ("--filter", label)]
    return docker("ps", "--all", "--quiet", *filters).stdout.split()


def container(project: str, service: str) -> dict[str, Any]:
    """A service's container, as docker knows it: its name counts up with each release."""
    (found,) = containers(project, service)
    known: list[dict[str, Any]] = json.loads(docker("inspect", found).stdout)
    return known[0]


def index_of(reference: str) -> dict[str, Any]:
    """The index, or the manifest, that a registry has under a name, with its digest."""
    said = docker("buildx", "imagetools", "inspect", reference, "--format", "{{json .Manifest}}")
    index: dict[str, Any] = json.loads(said.stdout)
    return index


def sql(statement: str) -> str:
    """What the shell of production's database says, without a table's frame."""
    name = str(container(PRODUCTION, "postgres")["Id"])
    command = ["psql", "--username", "app", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    return docker("exec", "--interactive", name, *command, stdin=statement).stdout.strip()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1") -> Iterator[str]:
    """Answer requests on a free port, and give the address."""
    with ThreadingHTTPServer((host, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running_registry(*settings: str, status: int = 200) -> Iterator[str]:
    """Run a registry that is gone afterwards, and give its address once it answers with a status."""
    container, address = start_registry(*settings)
    try:
        answers(address, status)
        yield address
    finally:
        docker("rm", "--force", "--volumes", container, check=False)


def start_registry(*settings: str) -> tuple[str, str]:
    """Start a registry, and return its container and its address, where it will answer."""
    command = ["run", "--detach", "--rm", "--publish", "127.0.0.1:0:5000", *settings, "registry:3"]
    container = docker(*command).stdout.strip()
    address = docker("port", container, "5000").stdout.split()[0].replace("127.0.0.1", "localhost")
    return container, address


def answers(address: str, status: int = 200) -> None:
    """Wait until a registry answers with a status."""
    eventually(lambda: requests.get(f"http://{address}/v2/", timeout=2).status_code == status)


@pytest.fixture(scope="session")
def registry(shared: Path) -> str:
    """The run's own registry; tests/conftest.py takes it away after the last test, with the engine's images of it."""

    def start(folder: Path) -> None:
        folder.mkdir()
        container, address = start_registry()
        (folder / "container").write_text(container)
        (folder / "address").write_text(address)
        answers(address)

    return (once(shared / REGISTRY, start) / "address").read_text()


@pytest.fixture(scope="session")
def built(project: Callable[..., Path], registry: str, shared: Path) -> Site:
    """The project, built for all platforms and pushed: the run's one cold build. Who edits it copies it first."""
    rendered = project(
        project_name="road",
        registry=f"{registry}/acme",
        services=["postgres", "redis"],
        components=["frontend", "cli", "worker"],
        deploy=["compose", "truenas", "helm", "kubernetes", "terraform", "pulumi"],
    )

    def build(folder: Path) -> None:
        site = Site(folder, 0)
        shutil.copytree(rendered, site.folder)
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=site.folder, check=True)
        site.commit("Start")
        site.succeed("build", "--platforms", "all", "--only", ",".join(BINARIES), "--push")
        # Others' images may be there for this machine's platform only.
        site.succeed("build", "--only", "nginx", "--push")

    return Site(once(shared / "built" / "road", build), 0)


def publish_here(site: Site) -> None:
    """Let production publish its ports on this machine only, where they are free."""
    values = "deploy/environments/production.env"
    site.edit(values, "HTTP_PORT=8000", f"HTTP_PORT={site.port}")
    site.edit(values, "HTTP_BIND=0.0.0.0", "HTTP_BIND=127.0.0.1")
    with (site.folder / values).open("a") as file:
        file.write(f"BOARD_PORT={free_port()}\n")


def compile_nothing(site: Site, built: Site) -> None:
    """Let a copy of the built project take its binaries from the images that are there, for every platform."""
    stages = [f"FROM {built.reference(name)} AS {name}\nARG PLATFORMS VERSION REVISION\n" for name in BINARIES]
    (site.folder / "Dockerfile").write_text("\n".join(stages))


def on_this_machine(built: Site, home: Path) -> Site:
    """Copy the built project, with production as its only environment: here, on a free port, its secrets in `home`."""
    site = Site(home / "road", free_port())
    shutil.copytree(built.folder, site.folder)
    # Without the other environments, there is no need to say which.
    facts = site.folder / "invoke.yaml"
    facts.write_text(facts.read_text().partition("\n  staging:")[0] + "\n")
    site.edit("invoke.yaml", "~/.config/road/production", str(home / "secrets"))
    publish_here(site)
    return site


@contextmanager
def production(site: Site) -> Iterator[str]:
    """Deploy production for the first time, and take it away at the end; what the deploy printed."""
    with empty_production(site):
        yield site.succeed("deploy", "--env", "production", "--yes")


@contextmanager
def empty_production(site: Site) -> Iterator[None]:
    """Let production have its secrets and nothing else, and take away at the end what was deployed to it."""
    # What a run that was ended from outside may have left.
    docker("rm", "--force", f"{PRODUCTION}-deploy-lock", check=False)
    destroy = ("destroy", "--env", "production", "--yes", "--data")
    site.succeed(*destroy)
    try:
        site.succeed("secrets.init", "--env", "production")
        yield
    finally:
        site.inv(*destroy)


@pytest.fixture(scope="module")
def deployed(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app, deployed for the first time, with one note stored through the frontend."""
    site = on_this_machine(built, tmp_path_factory.mktemp("deployed"))
    site.commit("Deploy to this machine")
    with production(site) as output:
        assert f"Release 1 is healthy at http://localhost:{site.port}" in output
        assert "inv rollback --env production" in output
        answer = requests.post(site.url("/api/notes"), json={"text": "kept"}, timeout=5)
        assert answer.status_code == 201
        yield site
