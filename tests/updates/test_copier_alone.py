"""Promise: plain `copier update`, as Renovate calls it, brings later changes and marks what both sides changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from copier import run_update

from tools.rendering import commit

from .conftest import change


@pytest.fixture
def project(first: Path, tmp_path: Path) -> Path:
    """A project of the first release."""
    return Path(shutil.copytree(first, tmp_path / "acme-notes"))


def test_a_later_change_comes_and_an_edit_stays(project: Path) -> None:
    change(project / "Cargo.toml", "# ours\n")
    commit(project, "Edit")
    run_update(project, vcs_ref="v1.1.0", defaults=True, overwrite=True, quiet=True)
    assert (project / "Cargo.toml").read_text().endswith("# ours\n")
    assert (project / "rust-toolchain.toml").read_text().endswith("# a later line\n")


def test_an_edited_line_that_also_changed_is_left_as_a_conflict(project: Path) -> None:
    theirs = project / "rust-toolchain.toml"
    theirs.write_text("# ours\n")
    commit(project, "Edit")
    run_update(project, vcs_ref="v1.1.0", defaults=True, overwrite=True, quiet=True)
    assert "<<<<<<<" in theirs.read_text()
    assert "# ours" in theirs.read_text()
