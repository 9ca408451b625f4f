"""Promise: whichever of the four ways a project has, they work and agree, and no word is left of the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import Project
from tests.kubernetes.conftest import METHODS, marked
from tests.kubernetes.workplace import Workplace
from tests.test_no_unchosen_word import found, unchosen
from tools.answers import Answers, preset, subsets
from tools.rendering import EVERYTHING_ON
from tools.trees import files

SUBSETS = subsets(list(METHODS))[1:]
# By turns with everything else a project can have, and without: the presets whose own tests `./nox -s projects` runs.
RICH, POOR = preset(EVERYTHING_ON), preset("minimal")

every_subset = pytest.mark.parametrize("ways", SUBSETS, ids="-".join)


def with_tools(chosen: list[list[str]]) -> pytest.MarkDecorator:
    """Run a test for these sets of ways, each where its tools are."""
    group = pytest.mark.xdist_group("four-ways")
    sets = [pytest.param(ways, marks=[*marked(*ways), group], id="-".join(ways)) for ways in chosen]
    return pytest.mark.parametrize("ways", sets)


@pytest.fixture
def root(project: Project, ways: list[str]) -> Path:
    """Give the project that has these ways."""
    return project(**preset_of(ways) | {"project_name": "acme-notes", "deploy": ways})


def preset_of(ways: list[str]) -> Answers:
    """Return the preset with whose other answers these ways are tried."""
    return POOR if SUBSETS.index(ways) % 2 else RICH


@every_subset
def test_no_word_of_another_way(root: Path) -> None:
    given = yaml.safe_load((root / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert [hit for option in unchosen(given) for hit in found(root, option)] == []


@every_subset
def test_its_own_tests_are_those_of_the_preset(root: Path, project: Project, ways: list[str]) -> None:
    tested = project(**preset_of(ways) | {"project_name": "acme-notes"})
    built = ["crates", "Cargo.toml", "Cargo.lock", "deny.toml", "rust-toolchain.toml"]
    assert contents(root, built) == contents(tested, built)


def contents(root: Path, names: list[str]) -> dict[Path, bytes]:
    """Read the files of some files and folders."""
    return {file: (root / file).read_bytes() for file in files(root) if file.parts[0] in names}


@every_subset
def test_tasks_know_the_ways_there_are(root: Path, ways: list[str]) -> None:
    work = Workplace(root)
    listed = work.inv("--list")
    assert listed.code == 0, listed.output
    assert {"deploy.render", "deploy.compare"} <= set(listed.output.split())
    assert ("deploy.overlay" in listed.output) == ("kubernetes" in ways)
    for other in [way for way in METHODS if way not in ways][:1]:
        refused = work.inv("deploy.render", "--to", other, "--env", "staging")
        assert refused.code == 1
        assert f"{other!r} is no way to a cluster; there are: {', '.join(sorted(ways))}\n" in refused.output


@with_tools(SUBSETS[len(METHODS) :])
def test_the_ways_agree(root: Path, workplace: Callable[[Path], Workplace], ways: list[str]) -> None:
    compared = workplace(root).inv("deploy.compare", "--env", "staging")
    assert compared.code == 0, compared.output
    made = re.findall(r"^(\w+) +([1-9]\d*) objects[;,]", compared.output, re.MULTILINE)
    assert [way for way, _count in made] == sorted(ways)
    assert len({count for _way, count in made}) == 1


@with_tools(SUBSETS[: len(METHODS)])
def test_a_way_alone_renders(root: Path, workplace: Callable[[Path], Workplace], ways: list[str]) -> None:
    printed = workplace(root).inv("deploy.render", "--to", *ways, "--env", "staging")
    assert printed.code == 0, printed.output
    kinds = {one["kind"] for one in yaml.safe_load_all(printed.output)}
    assert {"ServiceAccount", "ConfigMap", "Deployment", "Service", "NetworkPolicy"} <= kinds
