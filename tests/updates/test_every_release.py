"""Promise: a project of any release becomes what the newest makes of its answers, and keeps what its users changed."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.answers import CHECKOUT, Answers
from tools.history import NEWEST, RELEASES, with_releases
from tools.projects import check
from tools.rendering import commit, render

from .conftest import change, git, inv, tree

Start = Callable[[str, str, Path], Path]
WORKFLOW = ".github/workflows/ci.yml"

each_release = pytest.mark.parametrize(
    "release", [pytest.param(name, marks=pytest.mark.xdist_group(f"release-{name}")) for name in RELEASES]
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with all its releases, and this checkout as the newest of them."""
    try:
        return with_releases(tmp_path_factory.mktemp("history") / "template")
    except ValueError as missing:
        if "history" in os.environ.get("SLIPWAY_REQUIRE", "").split(","):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def fresh(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make what the newest release makes of answers, committed."""

    @functools.cache
    def made(answers: str) -> Path:
        folder = tmp_path_factory.mktemp("fresh") / "acme-notes"
        commit(render(json.loads(answers), folder, template=template, version=NEWEST), "Start")
        return folder

    return lambda project: made(json.dumps(given(project)))


def given(project: Path) -> Answers:
    """Return the answers that a project remembers."""
    known = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: answer for name, answer in known.items() if not name.startswith("_")}


@pytest.fixture(scope="session")
def start(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Make the project of a preset as it was in a release, committed, in a folder."""

    @functools.cache
    def made(release: str, preset: str) -> Path:
        answers = yaml.safe_load(git(template, "show", f"{release}:presets/{preset}.yaml"))["data"]
        folder = tmp_path_factory.mktemp("start") / "acme-notes"
        commit(render(answers, folder, template=template, version=release), "Start")
        return folder

    return lambda release, preset, folder: Path(shutil.copytree(made(release, preset), folder / "acme-notes"))


@each_release
@pytest.mark.parametrize("preset", ["minimal", "full"])
def test_an_untouched_project_becomes_what_the_newest_makes(
    start: Start, fresh: Any, release: str, preset: str, tmp_path: Path
) -> None:
    project = start(release, preset, tmp_path)
    ended = inv(project, "template.update", "--yes")
    assert ended.code == 0, ended.output
    assert git(project, "diff", "--cached", "--name-only", "HEAD")
    assert tree(project) == tree(fresh(project))


def edit(project: Path) -> list[str]:
    """Change a project in nine ways, commit, and return each change of a file, as git names it."""
    change(project / ".gitignore", "/ours\n")
    (project / "deploy/environments/production.env").unlink()
    git(project, "mv", "deny.toml", "licences.toml")
    (project / "docs/ours.md").write_text("ours\n")
    within(project / "docs/configuration.md", "<!-- settings: backend -->\n", "<!-- settings: backend -->\n\nOurs.\n")
    (project / "README.md").chmod(0o755)
    within(project / "Cargo.toml", 'http-body-util = "0.1"', 'http-body-util = "0.1.2"')
    git(project, "mv", "crates/cli", "crates/admin")
    changed = [
        "M\t.gitignore",
        "M\tCargo.toml",
        "M\tREADME.md",
        "M\tdocs/configuration.md",
        "A\tdocs/ours.md",
        "D\tdeploy/environments/production.env",
        "R100\tdeny.toml\tlicences.toml",
    ]
    if (project / WORKFLOW).exists():
        within(project / WORKFLOW, "name: ", "# ours\nname: ")
        changed.append(f"M\t{WORKFLOW}")
    commit(project, "Edit")
    return changed


def within(path: Path, before: str, after: str) -> None:
    """Replace a text in a file, once; it must be there."""
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{path} has no {before!r}"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@each_release
@pytest.mark.parametrize("preset", ["default", "full"])
def test_what_users_changed_is_all_that_differs_then(
    start: Start, fresh: Any, release: str, preset: str, tmp_path: Path
) -> None:
    project = start(release, preset, tmp_path)
    changed = edit(project)
    ended = inv(project, "template.update", "--yes")
    assert ended.code == 0, ended.output
    commit(project, "Update")
    git(project, "fetch", "--quiet", str(fresh(project)), "main")
    differs = git(project, "diff", "--name-status", "--find-renames", "FETCH_HEAD", "HEAD").splitlines()
    moved = [line for line in differs if line.startswith("R100\tcrates/cli/")]
    assert len(moved) == len(list((fresh(project) / "crates/cli").rglob("*.*")))
    assert sorted(set(differs) - set(moved)) == sorted(changed)
    assert (project / "README.md").stat().st_mode & 0o111


@pytest.mark.rust
def test_what_users_changed_still_builds_then(start: Start, tmp_path: Path) -> None:
    project = start(next(iter(RELEASES)), "default", tmp_path)
    edit(project)
    assert inv(project, "template.update", "--yes").code == 0
    commit(project, "Update")
    assert check(project, [["cargo", "check", "--locked", "--all-targets"]]) == []


def test_the_same_line_is_a_conflict_and_nothing_changes(start: Start, tmp_path: Path) -> None:
    project = start(next(iter(RELEASES)), "default", tmp_path)
    (project / "rust-toolchain.toml").write_text("# ours\n")
    commit(project, "Edit")
    before = git(project, "status", "--porcelain"), tree(project)
    refused = inv(project, "template.update", "--yes")
    assert refused.code == 1, refused.output
    assert "conflict in rust-toolchain.toml: (content): Merge conflict" in refused.output
    assert (git(project, "status", "--porcelain"), tree(project)) == before


def test_plain_copier_goes_from_release_to_release_without_trust(start: Start, tmp_path: Path) -> None:
    """Renovate does so; what Copier itself loses on the way is told elsewhere."""
    from copier import run_update

    first, *later = [*RELEASES, NEWEST]
    project = start(first, "default", tmp_path)
    for release in later:
        run_update(project, vcs_ref=release, defaults=True, overwrite=True, quiet=True)
        # One of the tasks names such marks.
        assert not re.search(r"^\+*<<<<<<<", git(project, "diff"), re.MULTILINE)
        commit(project, release)
        assert f"_commit: {release}" in (project / ".copier-answers.yml").read_text()


@pytest.mark.parametrize("release", RELEASES)
def test_the_changelog_tells_of_it(release: str) -> None:
    headings = [line for line in (CHECKOUT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert any(heading.startswith(f"## {release.removeprefix('v')} - ") for heading in headings)
