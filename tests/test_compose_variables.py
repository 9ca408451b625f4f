"""Promise: .env.example has every variable of the compose files, with the default that they have."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import Answers


def used(root: Path) -> dict[str, str]:
    """Return the variables of a project's compose files with their defaults."""
    found: dict[str, str] = {}
    for path in sorted(root.glob("docker-compose*.yml")):
        found |= dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", path.read_text()))
    return found


def told(root: Path) -> dict[str, str]:
    """Return the variables of .env.example with their values."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (root / ".env.example").read_text(), re.MULTILINE))


@every_set
def test_every_variable_is_told(project: Project, answers: Answers) -> None:
    root = project(**answers)
    assert used(root) == told(root)


@every_set
def test_an_environment_sets_known_variables_only(project: Project, answers: Answers) -> None:
    root = project(**answers)
    for path in root.glob("deploy/environments/*.env"):
        assert set(re.findall(r"^([A-Z_]+)=", path.read_text(), re.MULTILINE)) <= set(told(root))


def test_a_variable_that_is_not_told_is_found(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("a: ${PORT:-1}\nb: ${OTHER:-2}\n")
    (tmp_path / ".env.example").write_text("# Ports\n#PORT=1\n")
    assert used(tmp_path) != told(tmp_path)
