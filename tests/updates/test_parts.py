"""Promise: every part can be added and removed later, and then nothing of it is left."""

from __future__ import annotations

import json
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


@pytest.mark.rust
def test_a_lock_file_with_a_crate_of_their_own_fits_then(project: Project, tmp_path: Path) -> None:
    minimal = preset("minimal")
    cargo(project(**minimal | {"components": ["worker"]}), "fetch", "--locked")
    acme = Path(shutil.copytree(project(**minimal), tmp_path / "acme-notes"))
    ours = acme / "crates/pricing"
    (ours / "src").mkdir(parents=True)
    (ours / "src/lib.rs").write_text("//! What things cost.\n")
    (ours / "Cargo.toml").write_text('[package]\nname = "pricing"\nversion = "0.1.0"\n\n[dependencies]\nserde = "1"\n')
    cargo(acme, "metadata", "--format-version=1", "--offline")
    commit(acme, "Have a crate of our own")
    before = (acme / "Cargo.lock").read_text()
    choose(acme, "template.add", "worker")
    added = packages(cargo(acme, "metadata", "--format-version=1", "--offline", "--locked"))
    assert {"pricing", "worker", "apalis-core"} <= added
    commit(acme, "Add the worker")
    choose(acme, "template.remove", "worker")
    assert (acme / "Cargo.lock").read_text() == before


def cargo(folder: Path, *arguments: str) -> str:
    """Run cargo in a project."""
    return subprocess.run(["cargo", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def packages(metadata: str) -> set[str]:
    """Return the names of all packages that cargo would compile."""
    return {package["name"] for package in json.loads(metadata)["packages"]}
