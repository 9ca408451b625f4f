"""Promise: Terraform finds nothing wrong with its files, formats them no other way, and their own tests pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from tests.kubernetes.workplace import Workplace
from tools.answers import preset
from tools.rendering import EVERYTHING_ON

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("four-ways")]

LEAST: dict[str, Any] = {"components": [], "services": [], "deploy": ["terraform"]}


@pytest.mark.parametrize("answers", [preset(EVERYTHING_ON), LEAST], ids=["everything", "least"])
def test_terraform_is_content(
    project: Project, workplace: Callable[[Path], Workplace], answers: dict[str, Any]
) -> None:
    work = workplace(project(**answers))

    def terraform(*arguments: str) -> str:
        result = work.run("terraform", "-chdir=deploy/terraform", *arguments)
        assert result.code == 0, result.output
        return result.output

    terraform("fmt", "-check", "-diff", "-recursive")
    terraform("init", "-backend=false", "-input=false")
    terraform("validate")
    tested = terraform("test", "-no-color")
    assert tested.endswith("passed, 0 failed.\n")
    assert tested.count("... pass") > 5, tested
