"""Promise: the same answers give the same bytes, whenever and wherever."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Project
from tests.test_plain_files import same
from tools.answers import preset
from tools.rendering import render
from tools.trees import files


def test_a_second_render_is_byte_identical(project: Project, checkout: Path, tmp_path: Path) -> None:
    first = project(**preset("full"))
    second = render(preset("full"), tmp_path / "elsewhere", template=checkout)
    assert files(first) == files(second)
    assert [path for path in files(first) if not same(first / path, second / path)] == []
