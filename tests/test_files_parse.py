"""Promise: YAML, TOML, JSON and Python files are valid, and nothing ends without a newline or with stray blanks."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers
from tools.trees import texts


class Loader(yaml.SafeLoader):
    """Reads YAML with the two tags that Docker Compose adds."""


for tag in ("!reset", "!override"):
    Loader.add_constructor(tag, lambda _loader, node: node.value)


def yaml_documents(text: str) -> list[Any]:
    """Read every document of a YAML file."""
    return list(yaml.load_all(text, Loader))


PARSERS: dict[str, Callable[[str], Any]] = {
    ".yml": yaml_documents,
    ".yaml": yaml_documents,
    ".toml": tomli.loads,
    ".lock": tomli.loads,
    ".json": json.loads,
    ".webmanifest": json.loads,
    ".py": ast.parse,
}


def faults(root: Path) -> list[str]:
    """Say which files do not parse, or are untidy in a way a renderer makes files untidy."""
    found = []
    for path, text in texts(root):
        # A chart's templates are none of these until Helm has rendered them.
        suffix = "" if "helm/templates" in path.as_posix() else path.suffix
        try:
            PARSERS.get(suffix, str)(text)
        except (ValueError, SyntaxError, yaml.YAMLError) as error:
            found.append(f"{path}: {error}")
        if (text and text != text.rstrip("\n") + "\n") or "\n\n\n\n" in text or " \n" in text:
            found.append(f"{path}: ends without exactly one newline, or has trailing or too many blanks")
    return found


@every_set
def test_files_parse(project: Project, answers: Answers) -> None:
    assert faults(project(**answers)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yml", "a: [\n"),
        ("a.toml", "a = \n"),
        ("Cargo.lock", "[[package]\n"),
        ("a.json", "{'a': 1}\n"),
        ("a.py", "def f(:\n"),
        ("a.md", "no newline"),
        ("a.md", "\n\n\n\nholes\n"),
        ("a.md", "blank at the end \n"),
    ],
)
def test_a_faulty_file_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert faults(tmp_path) != []
