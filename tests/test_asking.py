"""Promise: a person at a terminal presses Enter at most five times and has a project."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tools.answers import CHECKOUT, questions

LIMIT = 60
COPY = [sys.executable, "-m", "copier", "copy", "--quiet", "--vcs-ref", "HEAD", str(CHECKOUT)]


def read(terminal: int, until: str) -> str:
    """Read a terminal until a text appears or the program ends."""
    seen, end = "", time.monotonic() + LIMIT
    while until not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # the program ended and closed its side
                break
    return seen


def test_enter_five_times_makes_a_project(tmp_path: Path) -> None:
    terminal, its_side = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}
    child = subprocess.Popen(
        [*COPY, str(tmp_path / "acme-notes")],
        stdin=its_side,
        stdout=its_side,
        stderr=its_side,
        env=environment,
        start_new_session=True,
    )
    os.close(its_side)
    for name, details in questions().items():
        assert details["help"][:20] in read(terminal, details["help"][:20]), f"was not asked for {name}"
        os.write(terminal, b"\r")
    rest = read(terminal, "never printed")
    assert child.wait(LIMIT) == 0, rest
    os.close(terminal)
    answers = yaml.safe_load((tmp_path / "acme-notes" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["project_name"], answers["services"]) == ("acme-notes", ["postgres"])
