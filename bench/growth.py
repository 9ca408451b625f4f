"""Measures how the cost of an edit's build grows: with binaries, with platforms, with small crates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import changes
from bench.builds import timed
from bench.cases import ALL, ONE

Step = tuple[str, int, list[str], str, int]

# What grows, to how many, the targets, the platforms, and how many crates are added.
STEPS: list[Step] = [
    ("binaries", 1, ["backend"], ONE, 0),
    ("binaries", 3, ["backend", "frontend", "cli"], ONE, 0),
    ("platforms", 1, ["backend"], ONE, 0),
    ("platforms", 3, ["backend"], ALL, 0),
    ("crates", 1, ["backend"], ONE, 1),
    ("crates", 20, ["backend"], ONE, 20),
]


def measure(project: Path, keep: Callable[[dict[str, Any]], None]) -> None:
    """Build once to warm up, change a line, and time the build of each step's targets."""
    for number, (what, count, targets, platforms, crates) in enumerate(STEPS):
        copy = project.parent / f"growth-{number}"
        shutil.copytree(project, copy)
        if crates:
            changes.add_crates(copy, crates)
        build(copy, targets, platforms)
        changes.edit(copy, 1)
        keep({"what": what, "count": count, "seconds": build(copy, targets, platforms)})


def build(folder: Path, targets: list[str], platforms: str) -> float:
    """Build targets one after the other and return the seconds in all."""
    command = ["docker", "buildx", "build", "--progress", "plain", "--platform", platforms, "--output", "type=image"]
    command += ["--build-arg", f"PLATFORMS={platforms}"]
    return round(
        sum(
            timed([*command, "--target", target, "--tag", f"slipway-bench:{target}", "."], folder) for target in targets
        ),
        1,
    )
