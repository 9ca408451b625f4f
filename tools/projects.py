"""Renders projects and runs each one's own checks, as its users' pipeline would: presets, or all combinations."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.answers import CHECKOUT, choices, preset_names, subsets
from tools.rendering import render, start_project

FOLDER = CHECKOUT / "build" / "projects"
# Dependencies are compiled once for all projects, in one folder, and nobody debugs what is checked once. Tests of jobs
# wait more than they reckon: more of them run at once than there are processors.
FOR_CARGO = {
    "CARGO_TARGET_DIR": str(FOLDER / "target"),
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_INCREMENTAL": "0",
    "RUST_TEST_THREADS": "8",
}

FORM = [
    ["cargo", "fmt", "--check"],
    ["cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings"],
]
TESTS = [["cargo", "test", "--locked"]]
# Advisories need a network, and change by themselves.
DENY = [["cargo", "deny", "check", "bans", "licenses", "sources"]]


def check(project: Path, checks: list[list[str]]) -> list[str]:
    """Run checks in a project and name those that failed."""
    environment = FOR_CARGO | os.environ
    failed = []
    for command in checks:
        print(f"    {' '.join(command)}", flush=True)
        if subprocess.run(command, cwd=project, env=environment, check=False).returncode:
            failed.append(f"{project.name}: {' '.join(command)}")
    return failed


def presets(names: list[str]) -> list[str]:
    """Check the form of presets, and run their tests."""
    failed = []
    for name in names:
        began = time.monotonic()
        print(f"==> {name}", flush=True)
        failed += check(start_project(name, FOLDER / name), FORM + TESTS)
        print(f"<== {name}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


def combinations() -> list[str]:
    """Check the form of each combination of components and services, and with cargo-deny what it is built from."""
    checks = FORM + (DENY if shutil.which("cargo-deny") else [])
    failed = []
    for components, services in itertools.product(*(subsets(choices()[name]) for name in ("components", "services"))):
        name = "-".join(["with", *components, *services])
        print(f"==> {name}", flush=True)
        shutil.rmtree(FOLDER / "combination", ignore_errors=True)
        answers = {"components": components, "services": services}
        failed += [f"{name}: {reason}" for reason in check(render(answers, FOLDER / "combination"), checks)]
    return failed


def main(arguments: list[str]) -> None:
    """Check the named presets, or all presets; with --all, all combinations too."""
    names = [name for name in arguments if name != "--all"]
    failed = presets(names or preset_names())
    if "--all" in arguments:
        failed += combinations()
    if failed:
        sys.exit("Failed:\n  " + "\n  ".join(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
