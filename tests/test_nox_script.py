"""Promise: `./nox` takes what the machine has, and otherwise names the one package that is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.answers import CHECKOUT

SHELL = "/bin/sh"
# What stands in for a program: it says that it was called, and with what.
CALLED = '#!/bin/sh\necho "$(basename "$0") $*"\n'
# A python3 for which each question has its answer: is it new enough, has it venv, and what does `-m` do.
PYTHON = """#!/bin/sh
case "$*" in
    --version) echo "Python 3.{minor}.0" ;;
    *version_info*) [ {minor} -ge 10 ] ;;
    *ensurepip*) {venv} ;;
    "-m venv .venv") mkdir -p .venv/bin && cp {stand_in} .venv/bin/nox && cp {stand_in} .venv/bin/python ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Make a folder with the script, and bin/ with no more than the script itself needs."""
    shutil.copy(CHECKOUT / "nox", tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("basename", "cp", "dirname", "mkdir"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def give(folder: Path, name: str, source: str = CALLED) -> Path:
    """Put a program into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    (folder / name).chmod(0o755)
    return folder / name


def give_python(machine: Path, *, minor: int = 12, venv: bool = True) -> None:
    """Give the machine a Python of some age, with venv or without."""
    stand_in = give(machine / "stand-in", "program")
    source = PYTHON.format(minor=minor, venv="true" if venv else "false", stand_in=stand_in)
    give(machine / "bin", "python3", source)


def run(machine: Path) -> subprocess.CompletedProcess[str]:
    """Run `./nox -s tests` with what the machine has."""
    command = [SHELL, str(machine / "nox"), "-s", "tests"]
    environment = {"PATH": str(machine / "bin")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_venv_of_the_checkout_comes_first(machine: Path) -> None:
    give(machine / ".venv" / "bin", "nox")
    give(machine / "bin", "uvx")
    assert run(machine).stdout == "nox -s tests\n"


@pytest.mark.parametrize("program", ["uvx", "pipx"])
def test_then_uv_or_pipx(machine: Path, program: str) -> None:
    give(machine / "bin", program)
    ended = run(machine)
    assert ended.stdout.startswith(f"{program} ")
    assert "nox==" in ended.stdout
    assert ended.stdout.endswith(" -s tests\n")


def test_else_a_venv_is_made(machine: Path) -> None:
    give_python(machine)
    ended = run(machine)
    assert "making .venv with nox==" in ended.stderr
    assert ended.stdout.splitlines()[0].startswith("python -m pip install")
    assert ended.stdout.splitlines()[-1] == "nox -s tests"


def test_no_python_is_named(machine: Path) -> None:
    ended = run(machine)
    assert ended.returncode == 1
    assert "python3 is missing. Install Python 3.10 or later" in ended.stderr


def test_an_old_python_is_named(machine: Path) -> None:
    give_python(machine, minor=9)
    ended = run(machine)
    assert ended.returncode == 1
    assert "Python 3.9.0 is too old. Install Python 3.10 or later" in ended.stderr


def test_a_missing_venv_is_named(machine: Path) -> None:
    give_python(machine, venv=False)
    ended = run(machine)
    assert ended.returncode == 1
    assert "has no venv module. Install it (Debian, Ubuntu: apt install python3-venv)" in ended.stderr
