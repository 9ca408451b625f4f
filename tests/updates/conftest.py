"""What the tests of updates share: a template with two releases, and a project of the first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Result
from tools.answers import CHECKOUT
from tools.rendering import commit, render, snapshot


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def inv(folder: Path, *arguments: str) -> Result:
    """Run one of a project's tasks, as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return Result(done.returncode, done.stdout)


def succeed(folder: Path, *arguments: str) -> str:
    """Run a task that must succeed, and return what it printed."""
    result = inv(folder, *arguments)
    assert result.code == 0, result.output
    return result.output


def update(project: Path, *flags: str) -> Result:
    """Run the newest tasks' update on a project, whose own version may have no such task."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.newest_tasks", str(project), "template.update", "--yes", *flags],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout + done.stderr)


def tree(folder: Path) -> str:
    """Return what the index of a project holds, as one name for all of it."""
    return git(folder, "write-tree").strip()


def fingerprint(folder: Path) -> tuple[str, str, str]:
    """Return all that a refused change must leave as it is: files, index, commit."""
    return git(folder, "status", "--porcelain"), tree(folder), git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout, as it stands, in a repository of its own with two releases."""
    template = snapshot(tmp_path_factory.mktemp("released") / "template")
    git(template, "tag", "v1.0.0")
    change(template / "template/rust-toolchain.toml", "# a later line\n")
    (template / "template/docs/new.md").write_text("# New\n")
    changelog = template / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## 1.1.0\n\n- A later line.\n\n## 1.0.0\n\n- The first.\n")
    commit(template, "Change something")
    git(template, "tag", "v1.1.0")
    return template


def change(path: Path, line: str) -> None:
    """Append a line to a file."""
    path.write_text(path.read_text() + line)


@pytest.fixture(scope="session")
def first(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the first release, committed."""
    folder = tmp_path_factory.mktemp("first")
    template = folder / "template"
    git(folder, "clone", "--quiet", str(released), str(template))
    git(template, "checkout", "--quiet", "v1.0.0")
    made = render({}, folder / "acme-notes", template=template)
    answers = made / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(str(template), str(released)))
    commit(made, "Start")
    return made
