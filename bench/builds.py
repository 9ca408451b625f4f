"""Measures image builds: every case, one scenario after the other, each on its own copy of the project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import changes
from bench.cases import SCENARIOS, Case, cases

Rows = list[dict[str, Any]]


def timed(command: list[str], folder: Path) -> float:
    """Run a command, show its log only when it fails, and return its seconds."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)}\n{done.stdout[-4000:]}")
    return round(time.monotonic() - began, 1)


def measure(project: Path, only: str, keep: Callable[[dict[str, Any]], None]) -> None:
    """Measure the cases whose name contains `only`, and pass each number on as soon as it is there."""
    for case in cases():
        if only in f"{case.name} {len(case.platforms.split(','))}":
            _one(case, project, keep)


def _one(case: Case, project: Path, keep: Callable[[dict[str, Any]], None]) -> None:
    copy = project.parent / f"{case.name}-{len(case.platforms.split(','))}"
    shutil.copytree(project, copy)
    command = case.command(f"slipway-bench:{case.name}")
    row: dict[str, Any] = {"name": case.name, "platforms": len(case.platforms.split(","))}
    for scenario in SCENARIOS:
        if scenario == "edit":
            changes.edit(copy, 1)
        if scenario == "dependency":
            changes.add_dependency(copy, "itoa")
        extra = ["--no-cache"] if scenario == "cold" else []
        row[scenario] = timed([*command[:3], *extra, *command[3:]], copy)
        print(f"{case.name:12} {row['platforms']} platforms  {scenario:12} {row[scenario]:7.1f} s", file=sys.stderr)
        row["megabytes"] = _size(f"slipway-bench:{case.name}")
        keep(dict(row))


def _size(tag: str) -> float:
    """Return the compressed size of one platform's image, in megabytes."""
    saved = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=True).stdout
    size: int = json.loads(saved)[0]["Size"]
    return round(size / 1e6, 1)
