"""Renders presets and runs each project's own checks, as its users' pipeline would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tools.answers import CHECKOUT, preset_names
from tools.rendering import start_project

FOLDER = CHECKOUT / "build" / "projects"

CHECKS = [
    ["cargo", "fmt", "--check"],
    ["cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings"],
    ["cargo", "test", "--locked"],
]


def check(project: Path) -> list[str]:
    """Run every check in a project and name those that failed."""
    # Dependencies are the same for all presets: compiled once, in one folder.
    environment = {"CARGO_TARGET_DIR": str(FOLDER / "target")} | os.environ
    failed = []
    for command in CHECKS:
        print(f"    {' '.join(command)}", flush=True)
        if subprocess.run(command, cwd=project, env=environment, check=False).returncode:
            failed.append(f"{project.name}: {' '.join(command)}")
    return failed


def main(names: list[str]) -> None:
    """Check the named presets, or all."""
    failed = []
    for name in names or preset_names():
        began = time.monotonic()
        print(f"==> {name}", flush=True)
        failed += check(start_project(name, FOLDER / name))
        print(f"<== {name}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        sys.exit("Failed:\n  " + "\n  ".join(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
