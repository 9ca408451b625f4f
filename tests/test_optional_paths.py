"""Promise: copier.yml's list of optional paths follows the tree: a renamed file cannot slip into every project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tools.answers import CHECKOUT, choices

BLOCK = re.compile(r"\{% if (?P<condition>.+?) %\}\n(?P<paths>(/.+\n)+)\{% endif %\}\n")


def optional_paths(document: str) -> list[tuple[str, str]]:
    """Read each optional path, without its slash, with its condition."""
    blocks = [found for item in yaml.safe_load(document)["_exclude"] if (found := BLOCK.fullmatch(item))]
    return [(path[1:], found["condition"]) for found in blocks for path in found["paths"].splitlines()]


def stale(document: str, template: Path) -> list[str]:
    """Name the optional paths that are not in the template."""
    return [path for path, _ in optional_paths(document) if not (template / path).exists()]


def copier_yml() -> str:
    """Read copier.yml as it stands."""
    return (CHECKOUT / "copier.yml").read_text(encoding="utf-8")


def test_every_optional_path_is_there() -> None:
    asked = [item for item in yaml.safe_load(copier_yml())["_exclude"] if "{%" in item]
    assert asked != []
    assert [item for item in asked if not BLOCK.fullmatch(item)] == []
    assert stale(copier_yml(), CHECKOUT / "template") == []


def test_a_renamed_path_is_found(tmp_path: Path) -> None:
    document = "_exclude:\n- |\n  {% if 'cli' not in components %}\n  /crates/cli\n  {% endif %}\n"
    (tmp_path / "crates" / "cli").mkdir(parents=True)
    assert stale(document, tmp_path) == []
    (tmp_path / "crates" / "cli").rename(tmp_path / "crates" / "admin")
    assert stale(document, tmp_path) == ["crates/cli"]


@pytest.mark.parametrize(("path", "condition"), optional_paths(copier_yml()))
def test_conditions_name_what_is_offered(path: str, condition: str) -> None:
    names = {*choices(), *(choice for listed in choices().values() for choice in listed)}
    assert set(re.findall(r"[a-z_]+", condition)) - {"not", "in", "and", "or"} <= names, path
