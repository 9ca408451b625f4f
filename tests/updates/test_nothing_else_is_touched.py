"""Promise: a change of the template, its failure and its undoing touch only files that it is about, and all of them."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tools.answers import CHECKOUT
from tools.rendering import commit

from .conftest import change, command, fingerprint, git, heeded, inv, succeed


def keep_to_oneself(project: Path, name: str, flag: str = "--assume-unchanged") -> None:
    """Edit a file at which git was told not to look."""
    git(project, "update-index", flag, name)
    change(project / name, "mine\n")


def smudge(project: Path, name: str, filter_: str) -> None:
    """Let a shell command be the filter through which git writes a file."""
    (project / ".git/info/attributes").write_text(f"{name} filter=ours\n")
    for key, value in (("clean", "cat"), ("smudge", filter_), ("required", "true")):
        git(project, "config", f"filter.ours.{key}", value)


def test_an_edit_that_git_is_blind_to_stays(acme: Path) -> None:
    keep_to_oneself(acme, "README.md")
    succeed(acme, "template.update", "--yes")
    succeed(acme, "template.undo")
    assert (acme / "README.md").read_text().endswith("mine\n")


@pytest.mark.parametrize(("flag", "way"), [("--assume-unchanged", "--plan"), ("--skip-worktree", "--yes")])
def test_an_edit_that_git_is_blind_to_is_in_the_way(acme: Path, flag: str, way: str) -> None:
    keep_to_oneself(acme, "toolchain.toml", flag)
    before = fingerprint(acme)
    refused = inv(acme, "template.update", way)
    assert refused.code == 1
    assert "toolchain.toml" in refused.output.splitlines()[-2]
    assert "nothing was changed" in refused.output
    assert fingerprint(acme) == before
    assert (acme / "toolchain.toml").read_text().endswith("mine\n")


def test_a_submodule_is_left_alone(acme: Path, first: Path) -> None:
    git(acme, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(first), "sub")
    git(acme, "config", "--file", ".gitmodules", "submodule.sub.ignore", "dirty")
    git(acme, "config", "submodule.recurse", "true")
    commit(acme, "Have a submodule")
    change(acme / "sub/README.md", "mine\n")
    succeed(acme, "template.update", "--yes")
    succeed(acme, "template.undo")
    assert (acme / "sub/README.md").read_text().endswith("mine\n")


def test_what_git_breaks_off_is_taken_back(acme: Path) -> None:
    # It comes after the new file, and can write what is there already.
    smudge(acme, "toolchain.toml", 'text=$(cat); case "$text" in *later*) exit 1; esac; echo "$text"')
    keep_to_oneself(acme, "README.md")
    before = fingerprint(acme)
    failed = inv(acme, "template.update", "--yes")
    assert failed.code == 1
    assert "smudge filter ours failed" in failed.output
    assert fingerprint(acme) == before
    assert (acme / "README.md").read_text().endswith("mine\n")


def test_what_cannot_be_taken_back_is_told_beside_what_went_wrong(acme: Path) -> None:
    smudge(acme, "toolchain.toml", "exit 1")
    failed = inv(acme, "template.update", "--yes")
    assert failed.code == 1
    assert "Not all is as it was before: " in failed.output
    assert failed.output.count("smudge filter ours failed") == 2
    git(acme, "config", "filter.ours.smudge", "cat")
    git(acme, "reset", "--hard")
    assert git(acme, "status", "--porcelain") == ""


def test_whoever_loses_patience_twice_finds_all_as_it_was(acme: Path, tmp_path: Path) -> None:
    before = fingerprint(acme)
    assert impatient(acme, tmp_path, "template.update", "--yes") != 0
    assert fingerprint(acme) == before


def test_undo_is_done_or_not_begun(acme: Path, tmp_path: Path) -> None:
    before = fingerprint(acme)
    succeed(acme, "template.update", "--yes")
    assert impatient(acme, tmp_path, "template.undo") == 0
    assert fingerprint(acme) == before


def impatient(project: Path, scratch: Path, *arguments: str) -> int:
    """Run a task that is told to end whenever git writes a file; return its exit code.

    As a terminal does: all of the group get the signal, on the way there and on the way back.
    """
    smudge(project, "toolchain.toml", f"kill -s INT -- -$(cat {scratch}/group); cat")
    with heeded(signal.SIGINT):
        task = subprocess.Popen(command(project, *arguments), cwd=CHECKOUT, start_new_session=True)
    (scratch / "group").write_text(str(task.pid))
    return task.wait()
