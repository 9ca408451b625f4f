"""Promise: nothing in a project, nor any file's name, shows that a template made it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers
from tools.trees import files, texts

STATEMENT = r"\{%-?\s*(if|elif|else|endif|for|endfor|set|from|import|include|raw|endraw|macro|endmacro)\b"
COMMENT = r"\{#-?\s"
ANSWER = r"\{\{-?\s*\(?\s*(project_name|registry|components|services|deploy|_copier\w*|_folder_name)\b"
LEFTOVER = re.compile("|".join((STATEMENT, COMMENT, ANSWER)))


def leftovers(root: Path) -> list[str]:
    """Name each file name and line with template syntax in it."""
    names = [str(path) for path in files(root) if path.suffix == ".jinja" or LEFTOVER.search(str(path))]
    return names + [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts(root)
        for number, line in enumerate(text.splitlines(), 1)
        if LEFTOVER.search(line)
    ]


@every_set
def test_no_leftover_jinja(project: Project, answers: Answers) -> None:
    assert leftovers(project(**answers)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md.jinja", ""),
        ("{{ project_name }}.md", ""),
        ("README.md", "# {{ project_name }}\n"),
        ("main.rs", "{%- if 'cli' in components %}\n"),
        ("values.yaml", "{# why #}\n"),
    ],
)
def test_a_leftover_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert leftovers(tmp_path) != []


def test_other_languages_braces_are_fine(tmp_path: Path) -> None:
    (tmp_path / "ci.yml").write_text("run: ${{ github.sha }}\n")
    (tmp_path / "chart.yaml").write_text("name: {{ .Values.name }}\n{{- if .Values.x }}\n")
    (tmp_path / "main.rs").write_text('format!("{{}} {:#?}", x)\n')
    assert leftovers(tmp_path) == []
