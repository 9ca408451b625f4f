"""Promise: every part can be added and removed later, and then nothing of it is left."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Project
from tools.answers import NEEDS, choices, preset
from tools.rendering import commit

from .conftest import git, tree

OPTIONS = [f"{question}.{choice}" for question, names in choices().items() for choice in names]


def choose(project: Path, task: str, option: str) -> None:
    """Run the project's own task, as its user would."""
    command = [sys.executable, "-m", "invoke", task, option, "--yes"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_added_and_removed_leaves_nothing(project: Project, option: str, tmp_path: Path) -> None:
    question, _, choice = option.partition(".")
    needed = NEEDS.get(option, "").rpartition(".")[2]
    answers = preset("minimal")
    if needed:
        answers[question] = [*answers[question], needed]
    acme = Path(shutil.copytree(project(**answers), tmp_path / "acme-notes"))
    commit(acme, "Start")
    before = tree(acme)
    choose(acme, "template.add", choice)
    with_it = answers | {question: [name for name in choices()[question] if name in (*answers[question], choice)]}
    fresh = Path(shutil.copytree(project(**with_it), tmp_path / "fresh"))
    commit(fresh, "Start")
    assert tree(acme) == tree(fresh)
    commit(acme, "Add it")
    choose(acme, "template.remove", choice)
    assert tree(acme) == before
    assert git(acme, "status", "--porcelain", "--untracked-files=no")
