"""Promise: template/ itself is the project with everything on, so what works in place works when rendered."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2

from tests.conftest import Project
from tests.test_optional_paths import copier_yml, optional_paths
from tools.answers import preset
from tools.rendering import EVERYTHING_ON
from tools.trees import files, source_files

ANSWERS_FILE = "{{_copier_conf.answers_file}}.jinja"


def instead() -> set[Path]:
    """Return the files that a project has only in the place of something chosen, so that everything on lacks them."""
    conditions = jinja2.Environment(autoescape=True)
    chosen = preset(EVERYTHING_ON)
    return {
        Path(path)
        for path, condition in optional_paths(copier_yml())
        if conditions.compile_expression(condition)(**chosen)
    }


def differences(template: Path, plain: list[Path], rendered: Path) -> list[str]:
    """Name each plain file of a template that a project lacks, adds, or has with another content or mode."""
    expected = {path for path in plain if path.suffix != ".jinja"}
    actual = {path for path in files(rendered) if path.name != ".copier-answers.yml"}
    missing = [f"only in the template: {path}" for path in sorted(expected - actual)]
    extra = [f"only in the project: {path}" for path in sorted(actual - expected)]
    both = sorted(expected & actual)
    return missing + extra + [f"differs: {path}" for path in both if not same(template / path, rendered / path)]


def same(one: Path, other: Path) -> bool:
    """Compare two files' contents and executable bits."""
    return one.read_bytes() == other.read_bytes() and os.access(one, os.X_OK) == os.access(other, os.X_OK)


def test_plain_files_are_the_project_with_everything_on(project: Project, checkout: Path) -> None:
    template = checkout / "template"
    plain = [path for path in source_files(template) if path not in instead()]
    assert differences(template, plain, project(**preset(EVERYTHING_ON))) == []


def test_every_jinja_file_has_its_plain_file_beside_it(checkout: Path) -> None:
    template = checkout / "template"
    seams = [path for path in files(template) if path.suffix == ".jinja" and path.name != ANSWERS_FILE]
    assert [path for path in seams if not (template / path).with_suffix("").is_file()] == []


def test_a_difference_is_found(tmp_path: Path) -> None:
    template, rendered = tmp_path / "template", tmp_path / "project"
    for folder in (template, rendered):
        folder.mkdir()
        (folder / "same").write_text("same\n")
        (folder / "edited").write_text(f"{folder.name}\n")
        (folder / "mode").touch(mode=0o644)
    (rendered / "mode").chmod(0o755)
    (template / "lost").touch()
    (rendered / "new").touch()
    assert differences(template, files(template), rendered) == [
        "only in the template: lost",
        "only in the project: new",
        "differs: edited",
        "differs: mode",
    ]
