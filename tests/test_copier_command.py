"""Promise: the command in the README works as a person types it, in any folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.answers import CHECKOUT

COPY = [sys.executable, "-m", "copier", "copy", "--vcs-ref", "HEAD", "--defaults"]


def copy(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `copier copy` from this checkout."""
    return subprocess.run([*COPY, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def project_name(folder: Path) -> str:
    """Read the name that a project was given."""
    return str(yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))["project_name"])


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("acme-shop", "acme-shop"),
        ("My Shop!", "my-service"),
        ("match", "my-service"),
        ("x" * 41, "my-service"),
    ],
)
def test_the_folder_names_the_project_when_it_can(tmp_path: Path, folder: str, name: str) -> None:
    copied = copy(str(CHECKOUT), folder, cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    assert project_name(tmp_path / folder) == name


def test_copying_into_the_current_folder(tmp_path: Path) -> None:
    here = tmp_path / "Not A Name"
    here.mkdir()
    copied = copy(str(CHECKOUT), ".", cwd=here)
    assert copied.returncode == 0, copied.stderr
    assert project_name(here) == "my-service"
    assert "  cd " not in copied.stderr


def test_it_ends_with_the_next_commands(tmp_path: Path) -> None:
    message = copy("--data", "project_name=acme-shop", str(CHECKOUT), "my shop", cwd=tmp_path).stderr
    assert "acme-shop is ready. Next:" in message
    assert "  cd 'my shop'\n  git init" in message


def test_a_refused_answer_ends_with_its_message(tmp_path: Path) -> None:
    refused = copy("--data", "registry=https://ghcr.io/acme", str(CHECKOUT), "acme-shop", cwd=tmp_path)
    assert refused.returncode != 0
    last_line = refused.stderr.strip().splitlines()[-1]
    assert "starts with a scheme" in last_line
    assert "write ghcr.io/acme" in last_line
    assert not (tmp_path / "acme-shop").exists()


def test_lists_can_be_given_on_the_command_line(tmp_path: Path) -> None:
    copied = copy("--data", "components=[cli]", "--data", "services=[]", str(CHECKOUT), "acme-shop", cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    answers = yaml.safe_load((tmp_path / "acme-shop" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["components"], answers["services"]) == (["cli"], [])
