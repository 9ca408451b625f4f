"""Promise: an answer whose question has another name now is not asked for again, and not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.rendering import commit, render

from .conftest import git, inv

ANSWERS = "{{ _copier_answers | to_nice_yaml }}"


def release(template: Path, version: str, question: str, renamed: str) -> None:
    """Make a release of a template that asks one question."""
    (template / "template").mkdir(parents=True, exist_ok=True)
    (template / "copier.yml").write_text(f"_subdirectory: template\n{question}:\n  type: str\n  default: nobody\n")
    (template / "renamed-answers.yaml").write_text(renamed)
    (template / "template/name.txt.jinja").write_text(f"{{{{ {question} }}}}\n")
    (template / "template/{{_copier_conf.answers_file}}.jinja").write_text(ANSWERS)
    commit(template, version)
    git(template, "tag", version)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a release whose question has another name in the next one."""
    template = tmp_path / "template"
    release(template, "v1.0.0", "maker", "{}\n")
    project = render({"maker": "ada"}, tmp_path / "project", template=template)
    commit(project, "Start")
    release(template, "v1.1.0", "author", "maker: author\n")
    return project


def test_the_answer_goes_to_the_question_of_the_other_name(project: Path) -> None:
    ended = inv(project, "template.update", "--yes")
    assert ended.code == 0, ended.output
    assert (project / "name.txt").read_text() == "ada\n"
    answers = (project / ".copier-answers.yml").read_text()
    assert "author: ada\n" in answers
    assert "maker" not in answers


def test_the_answer_goes_through_all_its_names(project: Path, tmp_path: Path) -> None:
    release(tmp_path / "template", "v1.2.0", "creator", "maker: author\nauthor: creator\n")
    assert inv(project, "template.update", "--yes").code == 0
    assert (project / "name.txt").read_text() == "ada\n"
    assert "creator: ada\n" in (project / ".copier-answers.yml").read_text()


def test_the_default_would_come_without_the_entry(project: Path, tmp_path: Path) -> None:
    (tmp_path / "template/renamed-answers.yaml").write_text("{}\n")
    commit(tmp_path / "template", "Forget the name")
    git(tmp_path / "template", "tag", "v1.2.0")
    assert inv(project, "template.update", "--yes").code == 0
    assert (project / "name.txt").read_text() == "nobody\n"
