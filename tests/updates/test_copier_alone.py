"""Promise: plain `copier update`, as Renovate calls it, brings later changes and marks what both sides changed."""

from __future__ import annotations

from pathlib import Path

from copier import run_update

from tools.rendering import commit

from .conftest import change


def test_a_later_change_comes_and_an_edit_stays(acme: Path) -> None:
    change(acme / "rules.toml", "# ours\n")
    commit(acme, "Edit")
    run_update(acme, vcs_ref="v1.1.0", defaults=True, overwrite=True, quiet=True)
    assert (acme / "rules.toml").read_text().endswith("# ours\n")
    assert (acme / "toolchain.toml").read_text().endswith("# a later line\n")


def test_an_edited_line_that_also_changed_is_left_as_a_conflict(acme: Path) -> None:
    theirs = acme / "toolchain.toml"
    theirs.write_text("# ours\n")
    commit(acme, "Edit")
    run_update(acme, vcs_ref="v1.1.0", defaults=True, overwrite=True, quiet=True)
    assert "<<<<<<<" in theirs.read_text()
    assert "# ours" in theirs.read_text()
