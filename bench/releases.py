"""Measures the default project of the oldest release beside this checkout's: whether it became worse meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import builds, changes
from bench.cases import ONE, Case
from bench.local import start
from tools.answers import CHECKOUT
from tools.history import RELEASES
from tools.rendering import commit, render


def measure(keep: Callable[[dict[str, Any]], None]) -> None:
    """Measure both projects in turn, so that what else the machine does meets both; the least of each counts."""
    oldest = next(iter(RELEASES))
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        versions = {oldest: RELEASES[oldest], "this one": "HEAD"}
        projects = {name: _Project(version, Path(folder) / name / "acme-notes") for name, version in versions.items()}
        rows: dict[str, dict[str, Any]] = {name: {"release": name} for name in projects}
        for project in projects.values():
            commit(render({}, project.folder, version=project.version), "Start")
        for step, times in {_image: 1, _edit: 3, _copy: 3, _source: 2}.items():
            for name, project in [*projects.items()] * times:
                row, measured = rows[name], step(project)
                rows[name] = row | {what: min(value, row.get(what, value)) for what, value in measured.items()}
                print(f"{name:12} {measured}", file=sys.stderr)
                keep(rows[name])


@dataclass(frozen=True)
class _Project:
    """A version's default project."""

    version: str
    folder: Path

    @property
    def tag(self) -> str:
        """What its image is called."""
        return f"slipway-bench:{self.version.lower()}"

    @property
    def build(self) -> list[str]:
        """The command that builds its image."""
        return Case("slipway", None, ONE).command(self.tag)


def _image(project: _Project) -> dict[str, Any]:
    """Build the backend's image as if nothing had been built before, and start the program in it."""
    row = builds.build("cold", project.build, project.folder)
    program = project.folder.with_name("backend")
    container = _docker("create", project.tag)
    _docker("cp", f"{container}:/usr/local/bin/backend", str(program))
    _docker("rm", container)
    started = min((start(program) for _ in range(5)), key=lambda one: int(one["milliseconds"]))
    return row | {"megabytes": builds.size(project.tag), "milliseconds": started["milliseconds"]}


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def _edit(project: _Project) -> dict[str, Any]:
    """Build the image again after an edited line."""
    changes.edit(project.folder)
    seconds = builds.timed(project.build, project.folder)
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=project.folder, check=True)
    return {"edit": seconds}


def _copy(project: _Project) -> dict[str, Any]:
    """Make the project again, as its user would."""
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", project.version]
    with tempfile.TemporaryDirectory() as folder:
        return {"copy": builds.timed([*command, str(CHECKOUT), folder], CHECKOUT)}


def _source(project: _Project) -> dict[str, Any]:
    """Compile the project for the first time, as its user would before `cargo run`."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as target:
        os.environ["CARGO_TARGET_DIR"] = target
        return {"source": builds.timed(["cargo", "build", "--locked"], project.folder)}
