"""Promise: a person at a terminal presses Enter at most five times and has a project."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from tools.answers import CHECKOUT, questions

from .terminal import Terminal

COPY = [sys.executable, "-m", "copier", "copy", "--quiet", "--vcs-ref", "HEAD", str(CHECKOUT)]


def test_enter_five_times_makes_a_project(tmp_path: Path) -> None:
    terminal = Terminal([*COPY, str(tmp_path / "acme-notes")], tmp_path)
    for name, details in questions().items():
        assert details["help"][:20] in terminal.read(details["help"][:20]), f"was not asked for {name}"
        terminal.type("\r")
    code, rest = terminal.end()
    assert code == 0, rest
    answers = yaml.safe_load((tmp_path / "acme-notes" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["project_name"], answers["services"]) == ("acme-notes", ["postgres"])
