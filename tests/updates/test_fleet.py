"""Promise: many projects are updated at once; each as a whole or not at all, and people see which."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke import Context, Exit

from tests.test_maintainers_tasks import inv as maintain
from tools import fleet as fleet_task
from tools.fleet import Ended
from tools.rendering import commit

from .conftest import change, fingerprint


@pytest.fixture
def fleet(first: Path, tmp_path: Path) -> dict[str, Path]:
    """Projects of an older version: untouched, edited, twice edited where the template changed, and half-way."""
    names = ("plain", "edited", "conflicting", "lacking", "dirty")
    projects = {name: Path(shutil.copytree(first, tmp_path / name)) for name in names}
    change(projects["edited"] / "README.md", "ours\n")
    (projects["conflicting"] / "toolchain.toml").write_text("# ours\n")
    (projects["lacking"] / "toolchain.toml").unlink()
    for name in ("edited", "conflicting", "lacking"):
        commit(projects[name], "Edit")
    change(projects["dirty"] / "README.md", "not committed\n")
    (tmp_path / "projects.txt").write_text("# all\nplain\nedited\n\nconflicting\nlacking\ndirty\n")
    return projects


def test_each_ends_as_it_must(fleet: dict[str, Path], tmp_path: Path) -> None:
    before = {name: fingerprint(path) for name, path in fleet.items()}
    ended = maintain("fleet.update", str(tmp_path / "projects.txt"))
    assert ended.returncode == 1
    assert "2 updated, 2 conflict, 1 failed" in ended.stdout
    assert ended.stdout.count("toolchain.toml") == 2
    for name in ("conflicting", "lacking", "dirty"):
        assert fingerprint(fleet[name]) == before[name]
    for name in ("plain", "edited"):
        commit(fleet[name], "Update")
        assert (fleet[name] / "new.md").exists()
    assert (fleet["edited"] / "README.md").read_text().endswith("ours\n")

    (tmp_path / "projects.txt").write_text("plain\nedited\n")
    again = maintain("fleet.update", str(tmp_path / "projects.txt"))
    assert again.returncode == 0
    assert "2 current" in again.stdout


def test_what_is_no_project_is_named_before_anything_changes(fleet: dict[str, Path], tmp_path: Path) -> None:
    before = {name: fingerprint(path) for name, path in fleet.items()}
    (tmp_path / "projects.txt").write_text("plain\nelsewhere\n")
    ended = maintain("fleet.update", str(tmp_path / "projects.txt"))
    assert ended.returncode == 1
    assert "These are no projects of the template:" in ended.stderr
    assert "elsewhere" in ended.stderr
    assert {name: fingerprint(path) for name, path in fleet.items()} == before


def test_whoever_loses_patience_sees_what_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("[red]", "own", "later")
    for name in names:
        (tmp_path / name / "tasks").mkdir(parents=True)
        (tmp_path / name / ".copier-answers.yml").touch()
    (tmp_path / "own/tasks/template.py").touch()
    (tmp_path / "projects.txt").write_text("\n".join((*names, "own")))

    def update_all(projects: list[Path], *_: object) -> Iterator[Ended]:
        yield Ended(projects[0], "conflict", "a")
        yield Ended(projects[1], "failed", "b")
        raise KeyboardInterrupt

    monkeypatch.setattr(fleet_task, "update_all", update_all)
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(Exit):
        fleet_task.update(Context(), str(tmp_path / "projects.txt"))
    said = capsys.readouterr().out
    assert f"python -m tools.newest_tasks '{tmp_path}/[red]' template.update --keep-conflicts" in said
    assert "in the project: inv template.update " in said
    assert "1 conflict, 1 failed, 1 stopped" in said
