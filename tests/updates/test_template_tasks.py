"""Promise: a project takes what is new in the template, and parts of it, without losing a line of its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from copier import run_update

from tests.terminal import Terminal
from tools.answers import CHECKOUT
from tools.rendering import commit, render

from .conftest import change, command, fingerprint, git, heeded, inv, release, succeed, tree


def test_an_untouched_project_becomes_what_the_newest_makes(acme: Path, released: Path, tmp_path: Path) -> None:
    before = fingerprint(acme)
    planned = succeed(acme, "template.update", "--plan")
    assert "A  new.md" in planned
    assert "Nothing was changed." in planned
    assert fingerprint(acme) == before

    said = succeed(acme, "template.update", "--yes")
    assert "from v1.0.0 to v1.1.0" in said
    fresh = render({}, tmp_path / "fresh", template=released, version="v1.1.0")
    commit(fresh, "Start")
    assert tree(acme) == tree(fresh)

    assert "All is as it was before" in succeed(acme, "template.undo")
    assert fingerprint(acme) == before


def test_the_template_as_it_stands_can_be_asked_for(acme: Path, later: Path) -> None:
    change(later / "template/toolchain.toml", "# not released\n")
    commit(later, "Go on")
    assert "from v1.0.0 to HEAD" in succeed(acme, "template.update", "--to", "HEAD", "--yes")
    assert "# not released" in (acme / "toolchain.toml").read_text()
    assert "_commit: v1.1.0-1-g" in (acme / ".copier-answers.yml").read_text()


def test_files_come_as_they_are_whatever_the_repository_is_told(acme: Path, later: Path) -> None:
    program = later / "template/run.cmd"
    program.write_bytes(b"#!/bin/sh\r\n")
    program.chmod(0o755)
    release(later, "v1.2.0")
    for setting in ("core.fileMode=false", "core.safecrlf=true", "core.autocrlf=input"):
        git(acme, "config", *setting.split("="))
    succeed(acme, "template.update", "--yes")
    assert git(acme, "ls-files", "--stage", "run.cmd").startswith("100755 ")


def test_a_sparse_checkout_stays_sparse(acme: Path) -> None:
    git(acme, "sparse-checkout", "set", "guides")
    before = fingerprint(acme)
    succeed(acme, "template.add", "worker", "--yes")
    assert "crates/worker/src.rs" in git(acme, "ls-files")
    assert not (acme / "crates").exists()
    succeed(acme, "template.undo")
    assert fingerprint(acme) == before


def test_two_worktrees_of_a_repository_are_not_in_each_others_way(acme: Path, tmp_path: Path) -> None:
    git(acme, "worktree", "add", "--quiet", str(tmp_path / "other"))
    # As long as one is at it.
    for name in ("yours", "template", "worktree/yours", "worktree/template"):
        git(acme, "update-ref", f"refs/{name}", "HEAD")
        (acme / f".git/refs/{name}.lock").touch()
    succeed(tmp_path / "other", "template.update", "--yes")


def test_news(acme: Path) -> None:
    said = succeed(acme, "template.status")
    assert "This project is of version v1.0.0; the newest is v1.1.0." in said
    assert "- A later line." in said
    assert "- The first." not in said
    told = json.loads(succeed(acme, "template.status", "--json"))
    assert (told["version"], told["newest"]) == ("v1.0.0", "v1.1.0")
    assert [one["text"] for one in told["news"]] == ["- A later line."]


def answer(project: Path, before: str, after: str) -> None:
    """Replace a text in a project's answers file, and commit it."""
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(before, after))
    commit(project, "Be of another version")


def of_no_release(project: Path, template: Path) -> str:
    """Let a project be of a template's newest commit, which no release is, and return its name."""
    commit(template, "Not released")
    git(template, "tag", "vague")
    version = git(template, "describe", "--tags", "--match=v1*").strip()
    answer(project, "_commit: v1.0.0", f"_commit: {version}")
    return version


def test_news_for_who_is_between_releases(acme: Path, later: Path) -> None:
    git(later, "checkout", "--quiet", "v1.0.0")
    of_no_release(acme, later)
    said = succeed(acme, "template.status")
    assert "- A later line." in said
    assert "- The first." not in said


def test_who_is_ahead_of_the_newest_release_does_not_go_back(acme: Path, later: Path) -> None:
    (later / "template/new.md").unlink()
    version = of_no_release(acme, later)
    said = f"This project is of version {version}; "
    assert f"{said}no release is newer: nothing to do." in succeed(acme, "template.update", "--yes")
    assert succeed(acme, "template.status") == f"{said}the newest is v1.1.0.\n"


@pytest.mark.parametrize("form", ['"{}"', '"\\\n  {}"'])
def test_an_address_in_any_form_is_no_conflict(acme: Path, released: Path, form: str) -> None:
    answer(acme, f"_src_path: {released}", f"_src_path: {form.format(released)}")
    before = (acme / ".copier-answers.yml").read_text()
    succeed(acme, "template.update", "--yes")
    assert (acme / ".copier-answers.yml").read_text() == before.replace("v1.0.0", "v1.1.0")


def test_the_same_lines_are_a_conflict(acme: Path) -> None:
    (acme / "toolchain.toml").write_text("# ours\n")
    commit(acme, "Edit")
    before = fingerprint(acme)
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "conflict in toolchain.toml: (content): Merge conflict" in refused.output
    assert "nothing was changed" in refused.output
    assert fingerprint(acme) == before

    kept = inv(acme, "template.update", "--yes", "--keep-conflicts")
    assert kept.code == 1
    assert "Back: `inv template.undo`" in kept.output
    assert "<<<<<<< worktree/yours\n# ours\n" in (acme / "toolchain.toml").read_text()
    assert (acme / "new.md").exists()
    succeed(acme, "template.undo")
    assert fingerprint(acme) == before


def test_a_folder_that_went_two_ways_is_a_conflict(acme: Path, later: Path) -> None:
    (later / "template/guides/three.md").write_text("# The third\n")
    release(later, "v1.2.0")
    for name in ("one", "two"):
        (acme / name).mkdir()
        git(acme, "mv", f"guides/{name}.md", f"{name}/{name}.md")
    commit(acme, "Move the guides")
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "conflict in guides: (directory rename split): " in refused.output


@pytest.mark.parametrize("name", ["invoke.yaml", "tasks/build.py"])
def test_the_way_back_is_gits_where_no_task_would_run(acme: Path, later: Path, name: str) -> None:
    for folder, text in ((later / "template", "theirs\n"), (acme, "ours\n")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    release(later, "v1.2.0")
    commit(acme, "Have the same file")
    before = fingerprint(acme)
    said = inv(acme, "template.update", "--yes", "--keep-conflicts").output
    assert "Back: `git reset --hard`" in said
    git(acme, "reset", "--hard")
    assert fingerprint(acme) == before


@pytest.fixture
def bereft(acme: Path, later: Path) -> Path:
    """A project that edited a page, which the template's newest version does not have any more."""
    (later / "template/image.md").unlink()
    release(later, "v1.2.0")
    change(acme / "image.md", "ours\n")
    commit(acme, "Edit")
    return acme


def test_copier_alone_loses_an_edit_of_what_goes_away(bereft: Path) -> None:
    run_update(bereft, vcs_ref="v1.2.0", defaults=True, overwrite=True, quiet=True)
    assert not (bereft / "image.md").exists()
    assert "<<<<<<<" not in git(bereft, "diff", "HEAD")


def test_an_edit_of_what_goes_away_is_not_lost(bereft: Path) -> None:
    before = fingerprint(bereft)
    refused = inv(bereft, "template.update", "--yes")
    assert refused.code == 1
    assert "conflict in image.md: (modify/delete): " in refused.output
    assert fingerprint(bereft) == before
    kept = inv(bereft, "template.update", "--yes", "--keep-conflicts")
    assert "a file that only one side still has is there whole" in kept.output
    assert (bereft / "image.md").read_text().endswith("ours\n")


def test_an_edit_of_what_a_part_takes_along_is_not_lost(acme: Path) -> None:
    succeed(acme, "template.add", "worker", "--yes")
    change(acme / "crates/worker/src.rs", "// ours\n")
    commit(acme, "Add the worker, and edit it")
    before = fingerprint(acme)
    refused = inv(acme, "template.remove", "worker", "--yes")
    assert refused.code == 1
    assert "conflict in crates/worker/src.rs: (modify/delete): " in refused.output
    assert fingerprint(acme) == before


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a shell command stand for cargo."""

    def stand_for(shell: str) -> None:
        program = tmp_path / "bin/cargo"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{shell}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return stand_for


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_whoever_ends_it_finds_all_as_it_was(acme: Path, cargo: Callable[[str], None], name: str) -> None:
    cargo(f"kill -{name} $PPID")
    before = fingerprint(acme)
    with heeded(signal.Signals[f"SIG{name}"]):
        assert inv(acme, "template.add", "worker", "--yes").code != 0
    assert fingerprint(acme) == before
    assert not (acme / "crates").exists()


def test_whoever_ends_it_in_a_sparse_checkout_finds_all_as_it_was(acme: Path, cargo: Callable[[str], None]) -> None:
    git(acme, "sparse-checkout", "set", "guides")
    cargo("kill -TERM $PPID")
    before = fingerprint(acme)
    assert inv(acme, "template.add", "worker", "--yes").code != 0
    assert fingerprint(acme) == before


def test_the_lock_file_and_what_is_left_alone_are_the_users(acme: Path) -> None:
    (acme / "Cargo.lock").write_text("version = 4 # ours\n")
    (acme / "mine.example").write_text("# Mine\n")
    commit(acme, "Edit")
    assert "conflict" not in succeed(acme, "template.update", "--yes")
    assert (acme / "Cargo.lock").read_text() == "version = 4 # ours\n"
    assert (acme / "mine.example").read_text() == "# Mine\n"
    assert (acme / "new.md").exists()


def test_a_lock_file_that_is_kept_out_of_git_stays_out(acme: Path, cargo: Callable[[str], None]) -> None:
    git(acme, "rm", "--quiet", "--cached", "Cargo.lock")
    change(acme / ".gitignore", "/Cargo.lock\n")
    (acme / "Cargo.lock").write_text("version = 4 # ours\n")
    commit(acme, "Have no lock file")
    cargo("exit 0")
    succeed(acme, "template.update", "--yes")
    commit(acme, "Update")
    succeed(acme, "template.add", "worker", "--yes")
    assert git(acme, "ls-files", "Cargo.lock") == ""
    assert (acme / "Cargo.lock").read_text() == "version = 4 # ours\n"


def test_an_edit_since_is_in_the_way_of_undo(acme: Path) -> None:
    succeed(acme, "template.add", "worker", "--yes")
    change(acme / "Cargo.toml", "# ours\n")
    refused = inv(acme, "template.undo")
    assert refused.code == 1
    assert "`git restore FILE`" in refused.output
    git(acme, "restore", "Cargo.toml")
    succeed(acme, "template.undo")


def test_a_record_that_was_cut_off_is_no_way_back(acme: Path) -> None:
    succeed(acme, "template.add", "worker", "--yes")
    record = acme / ".slipway/template.json"
    record.write_text(record.read_text()[:20])
    refused = inv(acme, "template.undo")
    assert refused.code == 1
    assert ".slipway/template.json was not written to its end" in refused.output


def test_what_cannot_be_added_or_removed(acme: Path) -> None:
    unknown = inv(acme, "template.add", "kafka")
    assert unknown.code == 1
    assert "the template has no 'kafka'" in unknown.output
    assert "choose from: cli, worker" in unknown.output
    (acme / "crates/worker").mkdir(parents=True)
    (acme / "crates/worker/src.rs").write_text("// ours\n")
    commit(acme, "Have a crate of that name")
    before = fingerprint(acme)
    refused = inv(acme, "template.add", "worker", "--yes")
    assert refused.code == 1
    assert "crates/worker/src.rs" in refused.output
    assert fingerprint(acme) == before


def test_nothing_is_done_to_what_is_not_committed(acme: Path) -> None:
    change(acme / "README.md", "ours\n")
    before = fingerprint(acme)
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "there are uncommitted changes" in refused.output
    assert fingerprint(acme) == before


def test_a_repository_that_git_does_not_trust_is_told_in_gits_words(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By which git's own tests make every repository somebody else's.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "detected dubious ownership" in refused.output
    assert "git config --global --add safe.directory" in refused.output


def edit(project: Path) -> None:
    change(project / "README.md", "ours\n")


def edit_and_commit(project: Path) -> None:
    edit(project)
    commit(project, "Edit")


@pytest.mark.parametrize(
    ("work", "cause"),
    [(edit, "there are uncommitted changes"), (edit_and_commit, "something was committed meanwhile")],
)
def test_who_goes_on_working_while_it_asks_loses_nothing(acme: Path, work: Callable[[Path], None], cause: str) -> None:
    terminal = Terminal(command(acme, "template.update"), CHECKOUT)
    assert "Go on?" in terminal.read("Go on?")
    work(acme)
    before = fingerprint(acme)
    terminal.type("y\r")
    code, said = terminal.end()
    assert code == 1
    assert cause in said
    assert fingerprint(acme) == before
    assert (acme / "README.md").read_text().endswith("ours\n")


def test_who_closes_the_line_changes_nothing(acme: Path) -> None:
    before = fingerprint(acme)
    terminal = Terminal(command(acme, "template.update"), CHECKOUT)
    assert "Go on?" in terminal.read("Go on?")
    terminal.type("\x04")
    code, said = terminal.end()
    assert (code, said.strip().splitlines()[-1]) == (1, "Nothing was changed.")
    assert fingerprint(acme) == before


def test_a_file_that_nobody_committed_is_in_the_way(acme: Path) -> None:
    (acme / "new.md").write_text("ours\n")
    before = fingerprint(acme)
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "new.md" in refused.output
    assert fingerprint(acme) == before
    assert (acme / "new.md").read_text() == "ours\n"


def test_a_file_that_git_ignores_is_in_the_way_too(acme: Path) -> None:
    (acme / ".git/info/exclude").write_text("new.md\n")
    (acme / "new.md").write_text("ours\n")
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "new.md would be overwritten, and no commit has it" in refused.output
    assert (acme / "new.md").read_text() == "ours\n"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_git_ignores_is_in_the_way_of_a_folder(acme: Path, tmp_path: Path, kind: str) -> None:
    (acme / ".git/info/exclude").write_text("crates\n")
    elsewhere = acme / "crates" if kind == "file" else tmp_path / "elsewhere"
    elsewhere.write_text("ours\n")
    if kind == "link":
        (acme / "crates").symlink_to(elsewhere)
    refused = inv(acme, "template.add", "worker", "--plan")
    assert refused.code == 1
    assert "crates would be overwritten, and no commit has it" in refused.output


def test_a_new_file_where_the_update_took_one_away_is_in_the_way_of_undo(bereft: Path) -> None:
    git(bereft, "checkout", "HEAD~1", "--", "image.md")
    commit(bereft, "As the template had it")
    succeed(bereft, "template.update", "--yes")
    (bereft / "image.md").write_text("mine\n")
    refused = inv(bereft, "template.undo")
    assert refused.code == 1
    assert "image.md would be overwritten, and no commit has it" in refused.output
    assert (bereft / "image.md").read_text() == "mine\n"
    (bereft / "image.md").unlink()
    succeed(bereft, "template.undo")


def test_an_address_that_names_git(acme: Path, released: Path) -> None:
    answer(acme, f"_src_path: {released}", f"_src_path: git+file://{released}")
    assert "the newest is v1.1.0" in succeed(acme, "template.status")


def test_a_template_that_cannot_be_reached(acme: Path, released: Path) -> None:
    answer(acme, str(released), "/nowhere")
    before = fingerprint(acme)
    refused = inv(acme, "template.update", "--yes")
    assert refused.code == 1
    assert "`_src_path` in .copier-answers.yml is its address" in refused.output
    assert fingerprint(acme) == before


@pytest.mark.parametrize("task", [["status"], ["add", "worker"], ["update"]])
def test_a_project_of_a_version_that_there_is_not(acme: Path, task: list[str]) -> None:
    answer(acme, "_commit: v1.0.0", "_commit: v0.9.0")
    refused = inv(acme, f"template.{task[0]}", *task[1:])
    assert refused.code == 1
    assert "has no version 'v0.9.0', from which this project came" in refused.output
    assert "choose from" not in refused.output


def test_a_project_of_no_version(acme: Path) -> None:
    answer(acme, "_commit: v1.0.0\n", "")
    refused = inv(acme, "template.status")
    assert refused.code == 1
    assert "error: .copier-answers.yml has no `_commit`" in refused.output


def test_a_version_that_there_is_not(acme: Path) -> None:
    refused = inv(acme, "template.update", "--to", "v7.0.0")
    assert refused.code == 1
    assert "the template has no version 'v7.0.0'" in refused.output
    assert "choose from: v1.0.0, v1.1.0" in refused.output


def test_a_proposal_is_a_patch_whatever_the_user_has_set(acme: Path, released: Path) -> None:
    page = acme / "image.md"
    page.write_bytes(page.read_bytes() + b"A line\r\nof bytes: \xff\n")
    commit(acme, "Edit")
    for setting in ("diff.external=true", "color.ui=always", "diff.noprefix=true"):
        git(acme, "config", *setting.split("="))
    assert "\n+A line\n" in succeed(acme, "template.diff", "--patch")
    succeed(acme, "template.propose", "image.md")
    assert b"+A line\r\n+of bytes: \xff\n" in (acme / ".slipway/proposal.patch").read_bytes()
    git(released, "apply", "--check", str(acme / ".slipway/proposal.patch"))


def test_a_proposal(acme: Path, released: Path) -> None:
    change(acme / "image.md", "A better sentence.\n")
    change(acme / "README.md", "A better sentence.\n")
    commit(acme, "Edit")
    assert "M  image.md" in succeed(acme, "template.diff")
    assert "+A better sentence." in succeed(acme, "template.diff", "--patch")
    assert "template/README.md.jinja" in succeed(acme, "template.propose", "README.md")
    succeed(acme, "template.propose", "image.md")
    git(released, "apply", "--check", str(acme / ".slipway/proposal.patch"))
    refused = inv(acme, "template.propose", "rules.toml")
    assert "rules.toml is as the template has it" in refused.output
