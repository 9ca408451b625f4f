"""Promise: an answer that cannot work is refused at once, with the cause and what would work; nothing is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.answers import CHECKOUT
from tools.rendering import render

NAMES = [
    ("Acme", '"Acme" cannot name a crate', "for example acme-notes"),
    ("acme notes", '"acme notes" cannot name a crate', "for example acme-notes"),
    ("acme_notes", "cannot name", "single hyphens"),
    ("acme--notes", "cannot name", "single hyphens"),
    ("-acme", "cannot name", "starting with a letter"),
    ("acme-", "cannot name", "single hyphens"),
    ("9lives", "cannot name", "starting with a letter"),
    ("", '"" cannot name', "for example acme-notes"),
    ("acme\n", "cannot name", "for example acme-notes"),
    ("über", "cannot name", "for example acme-notes"),
    ("a" * 41, "has 41 characters", "Use 40 or fewer"),
    ("async", "async is a word that Rust keeps", "for example async-app"),
    ("test", "test is a word that Rust keeps", "for example test-app"),
    ("std", "std is a word that Rust keeps", "for example std-app"),
]

REGISTRIES = [
    ("https://ghcr.io/acme", "starts with a scheme", "write ghcr.io/acme."),
    ("https://GHCR.io/acme/", "starts with a scheme", "write ghcr.io/acme."),
    ("ghcr.io/my team", "contains a space", "for example ghcr.io/acme"),
    ("ghcr.io/Acme", "has upper-case letters", "Write ghcr.io/acme."),
    ("ghcr.io/acme/", "ends with a slash", "Write ghcr.io/acme."),
    ("ghcr.io/acme/app:latest", "ends with a tag", "Write ghcr.io/acme/app."),
    ("ghcr.io/acme@sha256:0", "ends with a tag or digest", "Write ghcr.io/acme."),
    ("", "is no registry address", "for example ghcr.io/acme"),
    ("/acme", "is no registry address", "Write host[:port]/path"),
    ("ghcr.io//acme", "is no registry address", "Write host[:port]/path"),
    ("ghcr.io/acme\n", "contains a space", "for example ghcr.io/acme"),
    ("localhost:port", "is no registry address", "localhost:5000"),
]

CHOICES = [
    ({"components": ["mobile"]}, "Invalid choice for 'components': 'mobile'", "'frontend', 'cli'"),
    ({"services": ["mysql"]}, "Invalid choice for 'services': 'mysql'", "'postgres', 'redis'"),
    ({"deploy": ["truenas"]}, "it needs compose", "[compose, truenas]"),
    ({"deploy": ["truenas", "helm"]}, "it needs compose", "[compose, truenas, helm]"),
    ({"deploy": ["ftp"]}, "Invalid choice for 'deploy': 'ftp'", "'compose'"),
]

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    *(({"project_name": name}, cause, fix) for name, cause, fix in NAMES),
    *(({"registry": registry}, cause, fix) for registry, cause, fix in REGISTRIES),
    *CHOICES,
]


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template's questions and one of its files: enough to be refused, or to be made."""
    folder = tmp_path_factory.mktemp("questions")
    (folder / "template").mkdir()
    for name in ("copier.yml", "validators.jinja", "template/deny.toml"):
        shutil.copy(CHECKOUT / name, folder / name)
    return folder


@pytest.mark.parametrize(("answers", "cause", "fix"), REFUSED, ids=[str(refused[0]) for refused in REFUSED])
def test_refused_answers(questions: Path, tmp_path: Path, answers: dict[str, Any], cause: str, fix: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        render(answers, tmp_path / "project", template=questions)
    assert cause in str(refusal.value)
    assert fix in str(refusal.value)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("name", ["a", "acme", "acme-notes", "a1-b2-c3", "a" * 40, "match-maker"])
def test_good_names_are_taken(questions: Path, tmp_path: Path, name: str) -> None:
    made = render({"project_name": name}, tmp_path / "project", template=questions)
    assert [path.name for path in made.iterdir()] == ["deny.toml"]


@pytest.mark.parametrize(
    "registry",
    [
        "ghcr.io/acme",
        "localhost:5000",
        "docker.io/acme",
        "r.example.com:8443/a/b-c/d_e",
        "10.0.0.5:5000/acme",
    ],
)
def test_good_registries_are_taken(questions: Path, tmp_path: Path, registry: str) -> None:
    made = render({"registry": registry}, tmp_path / "project", template=questions)
    assert [path.name for path in made.iterdir()] == ["deny.toml"]
