"""What tests share: rendered projects, each made once a session, and skips for what a machine does not have."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from demo.containers import remove_images
from tools.answers import preset
from tools.rendering import EVERYTHING_ON, render, snapshot

# Projects and the template are compared file by file after their code ran: no process of the tests writes bytecode.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

Project = Callable[..., Path]

# What a machine may lack: each is a marker of pyproject.toml, and the program it stands for.
PARTS = {
    "cluster": "kubectl",
    "docker": "docker",
    "compose": "docker",
    "rust": "cargo",
    "deny": "cargo-deny",
    "kubectl": "kubectl",
    "helm": "helm",
    "terraform": "terraform",
    "pulumi": "pulumi",
    "chromium": "chromium",
    "workflows": "actionlint",
    "cosign": "cosign",
    "syft": "syft",
    "trivy": "trivy",
}

# The folder of a run that says which registry it started, if any.
REGISTRY = "registry"


@dataclass
class Result:
    """How a task of a project ended, and everything that it printed."""

    code: int
    output: str


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Let the first worker that wants a folder make it, and the others wait."""
    done = folder.with_name(f"{folder.name}.done")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def checkout(shared: Path) -> Path:
    """Give this checkout as it stood when the run began: nothing that is edited meanwhile disturbs a test."""
    return once(shared / "checkout", snapshot)


@pytest.fixture(scope="session")
def project(shared: Path, checkout: Path) -> Project:
    """Give the project of some answers, `project(components=["cli"])`: shared by all tests, so only to be read."""

    def rendered(**answers: Any) -> Path:
        key = hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:12]
        folder = shared / "projects" / key / "acme-notes"
        return once(folder, lambda destination: render(answers, destination, template=checkout))

    return rendered


@pytest.fixture(scope="session")
def everything(project: Project) -> Path:
    """Give a project with everything chosen."""
    return project(**preset(EVERYTHING_ON))


@cache
def missing(part: str) -> str:
    """Say why a part of this machine cannot be used; empty when it can."""
    if not shutil.which(PARTS[part]):
        return f"{PARTS[part]} is not installed"
    if part == "docker" and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "Docker is installed but its engine does not answer"
    if (
        part == "compose"
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        return "Docker has no compose plugin"
    if part == "cluster" and subprocess.run(["kubectl", "get", "nodes"], capture_output=True, check=False).returncode:
        return "kubectl's current context reaches no cluster"
    return ""


# First, because pytest-xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave proofs out unless asked for; keep the tests of one scarce part on one worker, one after the other."""
    if "proof" not in config.option.markexpr:
        proofs = [item for item in items if item.get_closest_marker("proof")]
        config.hook.pytest_deselected(items=proofs)
        items[:] = [item for item in items if item not in proofs]
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        for part in PARTS:
            if item.get_closest_marker(part):
                item.add_marker(pytest.mark.xdist_group(part))
                break


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run; fail instead where SLIPWAY_REQUIRE=docker,rust demands it."""
    if "PYTEST_XDIST_WORKER" in os.environ and item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
        pytest.fail("this pytest and pytest-xdist do not keep groups on one worker: see pyproject.toml")
    required = os.environ.get("SLIPWAY_REQUIRE", "").split(",")
    for part in PARTS:
        if item.get_closest_marker(part) and (reason := missing(part)):
            if part in required:
                pytest.fail(f"SLIPWAY_REQUIRE asks for {part}, but {reason}.")
            pytest.skip(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take away, after all workers' tests, the run's registry and the images that the engine has of it."""
    base: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    if "PYTEST_XDIST_WORKER" in os.environ or not (base / REGISTRY / "address").exists():
        return
    container = (base / REGISTRY / "container").read_text()
    subprocess.run(["docker", "rm", "--force", "--volumes", container], capture_output=True, check=False)
    remove_images((base / REGISTRY / "address").read_text())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured: numbers that are told, not judged."""
    for report in terminalreporter.getreports("passed"):
        for name, value in getattr(report, "user_properties", ()):
            if report.when == "call":
                terminalreporter.write_line(f"measured: {name}: {value}")
