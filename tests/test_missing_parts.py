"""Promise: on a machine without Docker or cargo the tests pass and say what they skipped; CI can forbid skipping."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.answers import CHECKOUT

ONE_TEST = "tests/test_lock_file.py::test_cargo_accepts_the_lock_file[nothing]"


def run_without_cargo(bare: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test that needs cargo on a machine without it: nothing is on PATH."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", ONE_TEST]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SLIPWAY"))}
    return subprocess.run(
        command, cwd=CHECKOUT, env=kept | {"PATH": str(bare)} | environment, capture_output=True, text=True, check=False
    )


def test_what_is_missing_is_skipped_with_its_reason(tmp_path: Path) -> None:
    ended = run_without_cargo(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "cargo is not installed" in ended.stdout
    assert "1 skipped" in ended.stdout


def test_what_is_required_must_be_there(tmp_path: Path) -> None:
    ended = run_without_cargo(tmp_path, SLIPWAY_REQUIRE="docker,rust")
    assert ended.returncode == 1
    assert "SLIPWAY_REQUIRE asks for rust, but cargo is not installed." in ended.stdout
