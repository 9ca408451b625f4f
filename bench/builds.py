"""Measures image builds: every case, one scenario after the other, each on its own copy of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import changes
from bench.cases import Case, cases

Rows = list[dict[str, Any]]


# Where the kernel counts the processor time of what BuildKit runs for Docker: control groups 1 and 2.
_COUNTERS = (
    (Path("/sys/fs/cgroup/cpuacct/docker/buildkit/cpuacct.usage"), 1e9),
    (Path("/sys/fs/cgroup/docker/buildkit/cpu.stat"), 1e6),
)


def processor_seconds() -> float:
    """Return the processor time of all builds so far; 0 where this machine does not count it."""
    for path, unit in _COUNTERS:
        if path.exists():
            return int(re.findall(r"\d+", path.read_text())[0]) / unit
    return 0


def timed(command: list[str], folder: Path) -> float:
    """Run a command, show its log only when it fails, and return its seconds."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)}\n{done.stdout[-4000:]}")
    return round(time.monotonic() - began, 1)


def measure(project: Path, only: str, scenarios: list[str], keep: Callable[[dict[str, Any]], None]) -> None:
    """Measure the cases whose name contains `only`, and pass each number on as soon as it is there."""
    for case in cases():
        if only in f"{case.name} {len(case.platforms.split(','))}":
            _one(case, project, scenarios, keep)


def _one(case: Case, project: Path, scenarios: list[str], keep: Callable[[dict[str, Any]], None]) -> None:
    copy = project.parent / f"{case.name}-{len(case.platforms.split(','))}"
    shutil.copytree(project, copy)
    command = case.command(f"slipway-bench:{case.name}")
    row: dict[str, Any] = {"name": case.name, "platforms": len(case.platforms.split(","))}
    for scenario in scenarios:
        if scenario == "edit":
            changes.edit(copy)
        if scenario == "dependency":
            changes.add_dependency(copy, "itoa")
        row |= build(scenario, command, copy)
        print(f"{case.name:12} {row['platforms']} platforms  {scenario:12} {row[scenario]:7.1f} s", file=sys.stderr)
        row["megabytes"] = size(f"slipway-bench:{case.name}")
        keep(dict(row))


def build(scenario: str, command: list[str], folder: Path) -> dict[str, float]:
    """Return the seconds and the processor seconds of a scenario's build; a cold one takes nothing from the cache."""
    extra = ["--no-cache"] if scenario == "cold" else []
    before = processor_seconds()
    seconds = timed([*command[:3], *extra, *command[3:]], folder)
    return {scenario: seconds, f"{scenario}_processor": round(processor_seconds() - before, 1)}


def size(tag: str) -> float:
    """Return the compressed size of one platform's image, in megabytes."""
    saved = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=True).stdout
    size: int = json.loads(saved)[0]["Size"]
    return round(size / 1e6, 1)
