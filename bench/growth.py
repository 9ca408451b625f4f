"""Measures how the cost of an edit's build grows: with binaries, with platforms, with small crates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import changes
from bench.builds import timed
from bench.cases import ALL, ONE


@dataclass(frozen=True)
class Step:
    """What grows, to how many, and how the workspace becomes so."""

    what: str
    count: int
    prepare: Callable[[Path], None] = lambda _: None
    platforms: str = ONE


STEPS = [
    *(Step("binaries", count, partial(changes.keep_binaries, count=count)) for count in (1, 3, 4)),
    Step("platforms", 1),
    Step("platforms", 3, platforms=ALL),
    *(Step("crates", count, partial(changes.add_crates, count=count)) for count in (1, 20)),
]


def measure(project: Path, keep: Callable[[dict[str, Any]], None]) -> None:
    """Build once to warm up, change a line, and time the build of the backend: all binaries are compiled for it."""
    for step in STEPS:
        copy = project.parent / f"growth-{step.what}-{step.count}"
        shutil.copytree(project, copy)
        step.prepare(copy)
        build(copy, step.platforms)
        changes.edit(copy)
        keep({"what": step.what, "count": step.count, "seconds": build(copy, step.platforms)})


def build(folder: Path, platforms: str) -> float:
    """Build the backend's image and return the seconds."""
    command = ["docker", "buildx", "build", "--progress", "plain", "--platform", platforms, "--output", "type=image"]
    command += ["--build-arg", f"PLATFORMS={platforms}", "--target", "backend", "--tag", "slipway-bench:growth", "."]
    return timed(command, folder)
