"""Promise: leaving something out leaves no empty folder behind."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers


def empty_folders(root: Path) -> list[Path]:
    """List the folders with nothing in them."""
    return sorted(path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir()))


@every_set
def test_no_empty_folder(project: Project, answers: Answers) -> None:
    assert empty_folders(project(**answers)) == []


def test_an_empty_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "crates" / "cli").mkdir(parents=True)
    assert empty_folders(tmp_path) == [tmp_path / "crates" / "cli"]
