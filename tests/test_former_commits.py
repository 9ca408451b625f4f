"""Promise: the files of a former release are found wherever the project lies in its repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tasks._lib.cluster import commits

from tools.rendering import commit


@pytest.mark.parametrize("place", [".", "apps/road"])
def test_the_project_as_a_commit_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    repository = tmp_path / "repository"
    project = repository / place
    (project / "deploy").mkdir(parents=True)
    (project / "deploy" / "values.yaml").write_text("then\n")
    commit(repository, "Then")
    (project / "deploy" / "values.yaml").write_text("now\n")
    commit(repository, "Now")
    monkeypatch.setattr("tasks._lib.run.ROOT", project)
    with commits._checkout("HEAD~1") as folder:
        assert (folder / "deploy" / "values.yaml").read_text() == "then\n"
    worktrees = ["git", "worktree", "list"]
    assert len(subprocess.run(worktrees, cwd=project, capture_output=True, check=True).stdout.splitlines()) == 1
