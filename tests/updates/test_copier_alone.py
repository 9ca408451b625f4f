"""Promise: plain `copier update` leaves an untouched project as it is, and brings later changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from copier import run_update

from tools.rendering import commit, render, snapshot


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def release(folder: Path, version: str) -> None:
    """Commit everything in a folder and tag it."""
    commit(folder, version)
    git(folder, "tag", version)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Release this checkout, as it stands, in a repository of its own."""
    copy = snapshot(tmp_path / "template")
    release(copy, "v1.0.0")
    return copy


@pytest.fixture
def made(template: Path, tmp_path: Path) -> Path:
    """Make a project from the release and commit it, as its user would."""
    folder = render({}, tmp_path / "acme-notes", template=template)
    commit(folder, "Start")
    return folder


def update(project: Path, version: str) -> None:
    """Update a project as a user does, without trusting the template."""
    run_update(project, vcs_ref=version, defaults=True, overwrite=True, quiet=True)


def test_an_untouched_project_stays_as_it_is(template: Path, made: Path) -> None:
    release(template, "v1.1.0")
    update(made, "v1.1.0")
    assert git(made, "status", "--porcelain").split() == ["M", ".copier-answers.yml"]


def test_a_later_change_comes_and_an_edit_stays(template: Path, made: Path) -> None:
    manifest = made / "Cargo.toml"
    manifest.write_text(manifest.read_text() + "# the user's line\n")
    commit(made, "Edit")
    toolchain = template / "template" / "rust-toolchain.toml"
    toolchain.write_text(toolchain.read_text() + "# a later line\n")
    release(template, "v1.1.0")
    update(made, "v1.1.0")
    assert manifest.read_text().endswith("# the user's line\n")
    assert (made / "rust-toolchain.toml").read_text().endswith("# a later line\n")


def test_an_edited_line_that_also_changed_is_left_as_a_conflict(template: Path, made: Path) -> None:
    theirs = made / "rust-toolchain.toml"
    theirs.write_text("# the user's file\n")
    commit(made, "Edit")
    (template / "template" / "rust-toolchain.toml").write_text("# the template's new file\n")
    release(template, "v1.1.0")
    update(made, "v1.1.0")
    assert "<<<<<<<" in theirs.read_text()
    assert "# the user's file" in theirs.read_text()
