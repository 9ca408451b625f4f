"""Promise: `inv render` makes a preset's project, and never replaces a folder that is something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.answers import CHECKOUT
from tools.rendering import start_project


def inv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a maintainers' task."""
    command = [sys.executable, "-m", "invoke", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_render_makes_a_committed_project(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    ended = inv("render", "--preset", "minimal", "--into", str(folder))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{folder} is ready.\n"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_render_replaces_what_it_made(tmp_path: Path) -> None:
    start_project("minimal", tmp_path / "acme")
    (tmp_path / "acme" / "old").touch()
    start_project("minimal", tmp_path / "acme")
    assert not (tmp_path / "acme" / "old").exists()


def test_render_replaces_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ValueError, match=r"is no rendered project.*Name another folder"):
        start_project("minimal", tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_an_unknown_preset_ends_in_one_line() -> None:
    ended = inv("render", "--preset", "fulll")
    assert ended.returncode == 1
    assert ended.stderr == "There is no preset 'fulll'. Presets: default, full, minimal.\n"
