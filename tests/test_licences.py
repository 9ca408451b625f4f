"""Promise: every crate a project uses has an allowed licence and source, and none that is banned."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers


def denied(project: Path) -> str:
    """Run cargo-deny in a project and return what it objects to.

    Without advisories: they come from the network and change by the day, so they say nothing about a commit.
    """
    command = ["cargo", "deny", "--locked", "check", "bans", "licenses", "sources"]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return ended.stderr if ended.returncode else ""


@pytest.mark.deny
@every_set
def test_licences(project: Project, answers: Answers) -> None:
    assert denied(project(**answers)) == ""


@pytest.mark.deny
def test_a_licence_that_is_not_allowed_is_found(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project(), tmp_path / "project")
    rules = tmp_path / "project" / "deny.toml"
    rules.write_text(rules.read_text().replace('"MIT"', '"Zlib"'))
    assert "license" in denied(tmp_path / "project")
