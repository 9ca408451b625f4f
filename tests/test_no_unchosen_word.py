"""Promise: a project without an option has no word of it anywhere (words.yaml says which words)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers, choices
from tools.trees import files, texts

WORDS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
EXEMPT = WORDS.pop("exempt")


def pattern(option: str) -> re.Pattern[str]:
    """Match any word of an option: whole words at a change of case or character class, others anywhere."""
    whole = [
        rf"(?<![A-Za-z]){word}(?![a-z])|(?<![A-Z]){word.capitalize()}(?![a-z])|(?<![A-Za-z]){word.upper()}(?![A-Za-z])"
        for word in WORDS[option].get("words", [])
    ]
    return re.compile("|".join([*whole, *(f"(?i:{part})" for part in WORDS[option].get("anywhere", []))]))


def unchosen(answers: dict[str, list[str]]) -> list[str]:
    """List the options, as question.choice, that a project did not choose."""
    offered = [f"{question}.{choice}" for question, names in choices().items() for choice in names]
    chosen = {f"{question}.{choice}" for question in choices() for choice in answers[question]}
    return [option for option in offered if option not in chosen]


def found(root: Path, option: str) -> list[str]:
    """Name each file name and line that has a word of the option."""
    words = pattern(option)
    names = [str(path) for path in files(root) if words.search(str(path))]
    return names + [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts(root)
        for number, line in enumerate(text.splitlines(), 1)
        if words.search(line) and str(path) not in EXEMPT["files"] and line.strip() not in EXEMPT["lines"]
    ]


@every_set
def test_no_unchosen_word(project: Project, answers: Answers) -> None:
    root = project(**answers)
    given = yaml.safe_load((root / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert [hit for option in unchosen(given) for hit in found(root, option)] == []


def test_every_option_has_its_words() -> None:
    assert set(WORDS) == {f"{question}.{choice}" for question, names in choices().items() for choice in names}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("components.cli", "cargo run -p cli"),
        ("components.cli", "target_cli = 1"),
        ("components.cli", "struct CliArguments"),
        ("components.cli", "COPY_CLI=1"),
        ("components.frontend", "the Frontend"),
        ("services.postgres", "PostgreSQL"),
        ("services.postgres", "sqlx-postgres"),
        ("services.postgres", "pg_dump"),
        ("services.redis", "REDIS_URL"),
    ],
)
def test_a_word_is_found(tmp_path: Path, option: str, text: str) -> None:
    (tmp_path / "README.md").write_text(f"{text}\n")
    assert found(tmp_path, option) == [f"README.md:1: {text}"]


def test_a_word_in_a_file_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "redis.rs").touch()
    assert found(tmp_path, "services.redis") == ["redis.rs"]


@pytest.mark.parametrize("text", ["client", "a click", "clippy", "Client", "CLICK", "oracle"])
def test_longer_words_are_no_cli(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(f"{text}\n")
    assert found(tmp_path, "components.cli") == []
