"""Scanners, in tests: the real one with a small database, or recorded reports where it is missing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.scanning import database

# A shell script's way to the recorded reports.
RECORDED = f'exec {sys.executable} -S {Path(__file__).with_name("trivy.py")} "$@"'


def script(folder: Path, package: str) -> str:
    """Return a shell script to call as trivy: it finds a vulnerability in a package when FINDS is not empty.

    The real trivy keeps its databases in `folder`; where it is not installed, trivy.py says what FINDS means.
    """
    real = shutil.which("trivy")
    if not real:
        return RECORDED
    database.write(folder / "clean", "a-package-that-nobody-has", "1")
    database.write(folder / "vulnerable", package, "99")
    # What is in a Java archive would be known by another database.
    settings = "export TRIVY_SKIP_DB_UPDATE=true TRIVY_SKIP_FILES='**/*.jar'"
    return f'{settings} TRIVY_CACHE_DIR={folder}/$([ "$FINDS" ] && echo vulnerable || echo clean)\nexec {real} "$@"'


def install(folder: Path, cache: Path, package: str = "") -> None:
    """Put such a script into a folder of programs."""
    program = folder / "trivy"
    program.write_text(f"#!/bin/sh\n{script(cache, package)}\n")
    program.chmod(0o755)
