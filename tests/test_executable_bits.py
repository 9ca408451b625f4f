"""Promise: what is a script can be run, and nothing else pretends to be one."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers
from tools.trees import texts


def wrong_bits(root: Path) -> list[Path]:
    """List the files whose executable bit and first line disagree."""
    return [path for path, text in texts(root) if text.startswith("#!/") != os.access(root / path, os.X_OK)]


@every_set
def test_executable_bits(project: Project, answers: Answers) -> None:
    assert wrong_bits(project(**answers)) == []


def test_a_wrong_bit_is_found(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "notes.md").write_text("text\n")
    (tmp_path / "notes.md").chmod(0o755)
    assert wrong_bits(tmp_path) == [Path("notes.md"), Path("run")]
