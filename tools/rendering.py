"""Renders projects from this checkout as `copier copy --vcs-ref HEAD` does: with its uncommitted changes."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

from tools.answers import CHECKOUT, Answers, preset
from tools.trees import source_files

# In these answers the plain files beside each .jinja file are written.
EVERYTHING_ON = "full"

IDENTITY = ["-c", "user.name=Slipway", "-c", "user.email=slipway@example.com", "-c", "commit.gpgsign=false"]


def render(
    answers: Answers,
    destination: Path,
    *,
    template: Path = CHECKOUT,
    version: str = "HEAD",
    exclude: Sequence[str] = (),
) -> Path:
    """Make a project of these answers in a folder and return the folder."""
    from copier import run_copy
    from copier.errors import DirtyLocalWarning, ShallowCloneWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        warnings.simplefilter("ignore", ShallowCloneWarning)
        run_copy(str(template), destination, data=answers, exclude=exclude, vcs_ref=version, defaults=True, quiet=True)
    return destination


def start_project(preset_name: str, destination: Path) -> Path:
    """Make a project of a preset and commit it, as its user would; what was there before is replaced."""
    answers = preset(preset_name)
    if destination.exists():
        if any(destination.iterdir()) and not (destination / ".copier-answers.yml").exists():
            raise ValueError(f"{destination} is no rendered project, so it is not replaced. Name another folder.")
        shutil.rmtree(destination)
    render(answers, destination)
    commit(destination, "Start from Slipway")
    return destination


def snapshot(destination: Path) -> Path:
    """Copy this checkout, as it stands, into a repository and commit it there."""
    for path in source_files(CHECKOUT):
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / path, destination / path)
    commit(destination, "Snapshot")
    return destination


def commit(folder: Path, message: str) -> str:
    """Commit everything in a folder, which becomes a repository when it is none, and return the commit."""
    for arguments in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    subprocess.run(
        ["git", *IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message], cwd=folder, check=True
    )
    head = ["git", "rev-parse", "HEAD"]
    return subprocess.run(head, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
