"""Promise: a project takes what is new in the template, and parts of it, without losing a line of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from copier import run_update

from tools.rendering import commit, render

from .conftest import change, fingerprint, git, inv, succeed, tree


@pytest.fixture
def project(first: Path, tmp_path: Path) -> Path:
    """A copy, to do something to."""
    return Path(shutil.copytree(first, tmp_path / "acme-notes"))


@pytest.fixture(scope="module")
def fresh(released: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the newest release makes, as one name for all of it."""
    made = render({}, tmp_path_factory.mktemp("fresh") / "acme-notes", template=released)
    commit(made, "Start")
    return tree(made)


def test_an_untouched_project_becomes_what_the_newest_makes(project: Path, fresh: str) -> None:
    before = fingerprint(project)
    planned = succeed(project, "template.update", "--plan")
    assert "A  docs/new.md" in planned
    assert "Nothing was changed." in planned
    assert fingerprint(project) == before

    said = succeed(project, "template.update", "--yes")
    assert "from v1.0.0 to v1.1.0" in said
    assert tree(project) == fresh

    assert "All is as it was before" in succeed(project, "template.undo")
    assert fingerprint(project) == before


def test_news(project: Path) -> None:
    said = succeed(project, "template.status")
    assert "This project is of version v1.0.0; the newest is v1.1.0." in said
    assert "- A later line." in said
    assert "- The first." not in said
    told = json.loads(succeed(project, "template.status", "--json"))
    assert (told["version"], told["newest"]) == ("v1.0.0", "v1.1.0")
    assert [one["text"] for one in told["news"]] == ["- A later line."]


def test_edits_stay(project: Path) -> None:
    change(project / "Cargo.toml", "# ours\n")
    (project / "docs/image.md").unlink()
    (project / "docs/ours.md").write_text("ours\n")
    git(project, "mv", "deny.toml", "licences.toml")
    (project / "README.md").chmod(0o755)
    commit(project, "Edit")
    edited = git(project, "diff", "--stat", "HEAD~1", "HEAD")
    succeed(project, "template.update", "--yes")
    commit(project, "Update")
    assert (project / "Cargo.toml").read_text().endswith("# ours\n")
    assert not (project / "docs/image.md").exists()
    assert (project / "docs/ours.md").read_text() == "ours\n"
    assert (project / "licences.toml").exists()
    assert not (project / "deny.toml").exists()
    assert (project / "README.md").stat().st_mode & 0o111
    assert (project / "rust-toolchain.toml").read_text().endswith("# a later line\n")
    assert edited


def test_the_same_lines_are_a_conflict(project: Path) -> None:
    (project / "rust-toolchain.toml").write_text("# ours\n")
    commit(project, "Edit")
    before = fingerprint(project)
    refused = inv(project, "template.update", "--yes")
    assert refused.code == 1
    assert "conflict (content): Merge conflict in rust-toolchain.toml" in refused.output
    assert "nothing was changed" in refused.output
    assert fingerprint(project) == before

    kept = inv(project, "template.update", "--yes", "--keep-conflicts")
    assert kept.code == 1
    assert "<<<<<<< yours\n# ours\n" in (project / "rust-toolchain.toml").read_text()
    assert (project / "docs/new.md").exists()
    succeed(project, "template.undo")
    assert fingerprint(project) == before


@pytest.fixture
def bereft(project: Path, released: Path, tmp_path: Path) -> Path:
    """A project that edited a page, which the template's newest version does not have any more."""
    later = tmp_path / "later"
    git(tmp_path, "clone", "--quiet", str(released), str(later))
    (later / "template/docs/image.md").unlink()
    commit(later, "Remove a page")
    git(later, "tag", "v1.2.0")
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(str(released), str(later)))
    change(project / "docs/image.md", "ours\n")
    commit(project, "Edit")
    return project


def test_copier_alone_loses_an_edit_of_what_goes_away(bereft: Path) -> None:
    run_update(bereft, vcs_ref="v1.2.0", defaults=True, overwrite=True, quiet=True)
    assert not (bereft / "docs/image.md").exists()
    assert "<<<<<<<" not in git(bereft, "diff", "HEAD")


def test_an_edit_of_what_goes_away_is_not_lost(bereft: Path) -> None:
    refused = inv(bereft, "template.update", "--yes")
    assert refused.code == 1
    assert "(modify/delete): docs/image.md" in refused.output
    assert (bereft / "docs/image.md").read_text().endswith("ours\n")


@pytest.mark.parametrize("option", ["cli", "worker", "redis", "helm"])
def test_what_is_added_and_removed_leaves_nothing(project: Path, option: str) -> None:
    before = tree(project)
    answers = (project / ".copier-answers.yml").read_text()
    first, second = ("remove", "add") if f"- {option}\n" in answers else ("add", "remove")
    succeed(project, f"template.{first}", option, "--yes")
    assert tree(project) != before
    commit(project, first)
    succeed(project, f"template.{second}", option, "--yes")
    assert tree(project) == before


def test_what_cannot_be_added_or_removed(project: Path) -> None:
    unknown = inv(project, "template.add", "kafka")
    assert unknown.code == 1
    assert "the template has no 'kafka'" in unknown.output
    assert "choose from: frontend, cli, worker, postgres, redis, compose" in unknown.output
    (project / "crates/worker").mkdir()
    (project / "crates/worker/Cargo.toml").write_text("# ours\n")
    commit(project, "Have a crate of that name")
    before = fingerprint(project)
    refused = inv(project, "template.add", "worker", "--yes")
    assert refused.code == 1
    assert "crates/worker/Cargo.toml" in refused.output
    assert fingerprint(project) == before


def test_nothing_is_done_to_what_is_not_committed(project: Path) -> None:
    change(project / "README.md", "ours\n")
    refused = inv(project, "template.update", "--yes")
    assert refused.code == 1
    assert "there are uncommitted changes" in refused.output
    assert (project / "README.md").read_text().endswith("ours\n")


def test_a_file_that_nobody_committed_is_in_the_way(project: Path) -> None:
    (project / "docs/new.md").write_text("ours\n")
    refused = inv(project, "template.update", "--yes")
    assert refused.code == 1
    assert "docs/new.md" in refused.output
    assert (project / "docs/new.md").read_text() == "ours\n"
    assert git(project, "diff", "--cached", "--name-only") == ""


def test_a_proposal(project: Path, released: Path) -> None:
    change(project / "docs/image.md", "A better sentence.\n")
    change(project / "README.md", "A better sentence.\n")
    commit(project, "Edit")
    assert "M  docs/image.md" in succeed(project, "template.diff")
    assert "+A better sentence." in succeed(project, "template.diff", "--patch")
    assert "template/README.md.jinja" in succeed(project, "template.propose", "README.md")
    succeed(project, "template.propose", "docs/image.md")
    git(released, "apply", "--check", str(project / ".slipway/proposal.patch"))
    refused = inv(project, "template.propose", "deny.toml")
    assert "deny.toml is as the template has it" in refused.output
