"""Promise: at most five questions, each with a default that works, and every answers file stays valid."""

from __future__ import annotations

import yaml

from tests.conftest import Project
from tools.answers import questions

ORDER = ["project_name", "registry", "components", "services", "deploy"]


def visible() -> list[str]:
    """Name the questions that a person is asked."""
    return [name for name, details in questions().items() if details.get("ask", True) and details.get("when", True)]


def test_at_most_five_questions_in_their_order() -> None:
    assert visible() == ORDER
    assert len(visible()) <= 5


def test_every_question_explains_itself_and_has_a_default() -> None:
    for name, details in questions().items():
        assert "default" in details, name
        assert name not in visible() or details["help"].strip(), name


def test_the_defaults_are_useful(project: Project) -> None:
    given = yaml.safe_load((project() / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert given["components"] == ["frontend", "cli"]
    assert given["services"] == ["postgres"]
    assert given["deploy"] == ["compose", "helm"]
    assert given["project_name"] == "acme-notes", "the folder's name"


def test_the_answers_file_holds_the_answers_and_where_they_came_from(project: Project) -> None:
    given = yaml.safe_load((project() / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert set(given) == {*ORDER, "_commit", "_src_path"}
