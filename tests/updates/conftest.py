"""What the tests of updates share: a small template with two releases, and a project of the first."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Result
from tools.answers import CHECKOUT
from tools.rendering import commit, render

# What the tasks do depends on no file of ours: this much shows it, and is made in a moment.
SMALL = {
    "copier.yml": """\
_subdirectory: template
_skip_if_exists: [mine.example]
_exclude: ["{% if 'worker' not in parts %}/crates{% endif %}"]
name: {type: str, default: acme-notes}
parts: {type: str, multiselect: true, choices: {Tools: cli, Jobs: worker}, default: [cli]}
""",
    "CHANGELOG.md": "# Changelog\n\n## 1.0.0\n\n- The first.\n",
    "template/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "template/.gitignore": "/.slipway/\n",
    "template/README.md.jinja": "# {{ name }}\n{% if 'cli' in parts %}\nIt has tools.\n{% endif %}",
    "template/image.md": "# The image\n\nIt is small.\n",
    "template/guides/one.md": "# The first\n",
    "template/guides/two.md": "# The second\n",
    "template/toolchain.toml": "# The compiler\nchannel = 1\n",
    "template/rules.toml": "# Rules\nallow = [1, 2, 3, 4, 5, 6, 7]\n",
    "template/crates/worker/src.rs": "// jobs\n",
    "template/Cargo.toml.jinja": "[workspace]\n{% if 'worker' in parts %}# jobs\n{% endif %}",
    "template/mine.example": "# Yours to edit\n",
    "template/Cargo.lock": "version = 4\n",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def command(project: Path, *arguments: str) -> list[str]:
    """Return the command that runs one of this checkout's `template.*` tasks on a project."""
    return [sys.executable, "-m", "tools.newest_tasks", str(project), *arguments]


def inv(project: Path, *arguments: str) -> Result:
    """Run one of this checkout's `template.*` tasks on a project."""
    done = subprocess.run(
        command(project, *arguments),
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return Result(done.returncode, done.stdout)


def succeed(project: Path, *arguments: str) -> str:
    """Run a task that must succeed, and return what it printed."""
    result = inv(project, *arguments)
    assert result.code == 0, result.output
    return result.output


def tree(folder: Path) -> str:
    """Return what the index of a project holds, as one name for all of it."""
    return git(folder, "write-tree").strip()


def fingerprint(folder: Path) -> tuple[str, str, str]:
    """Return all that a refused change must leave as it is: files, index, commit."""
    return git(folder, "status", "--porcelain"), tree(folder), git(folder, "rev-parse", "HEAD")


@contextmanager
def heeded(number: signal.Signals) -> Iterator[None]:
    """Let what is started meanwhile heed a signal; in the background, or by nohup, everything would ignore it."""
    ours = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, ours)


def change(path: Path, line: str) -> None:
    """Append a line to a file."""
    path.write_text(path.read_text() + line)


def release(template: Path, version: str) -> None:
    """Commit everything in a template, and tag it."""
    commit(template, version)
    git(template, "tag", version)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small template with two releases."""
    template = tmp_path_factory.mktemp("released") / "template"
    for name, text in SMALL.items():
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(text)
    release(template, "v1.0.0")
    change(template / "template/toolchain.toml", "# a later line\n")
    (template / "template/new.md").write_text("# New\n")
    (template / "template/Cargo.lock").write_text("version = 5\n")
    (template / "template/mine.example").write_text("# Yours to edit, as before\n")
    news = "# Changelog\n\n## 1.1.0\n\n- A later line.\n\n## 1.0.0\n\n- The first.\n"
    (template / "CHANGELOG.md").write_text(news)
    release(template, "v1.1.0")
    return template


@pytest.fixture(scope="session")
def first(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the first release, committed."""
    made = render({}, tmp_path_factory.mktemp("first") / "acme-notes", template=released, version="v1.0.0")
    commit(made, "Start")
    return made


@pytest.fixture
def acme(first: Path, tmp_path: Path) -> Path:
    """A project of the small template, to do something to."""
    return Path(shutil.copytree(first, tmp_path / "acme-notes"))


@pytest.fixture
def later(acme: Path, released: Path, tmp_path: Path) -> Path:
    """A copy of the small template, to release more of: the project comes from there."""
    copy = Path(shutil.copytree(released, tmp_path / "later"))
    answers = acme / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(str(released), str(copy)))
    commit(acme, "Come from elsewhere")
    return copy
