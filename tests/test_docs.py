"""Promise: documents lead somewhere, and what is made from code is not stale."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.sets import every_set
from tools.answers import CHECKOUT, Answers
from tools.trees import files, source_files

LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<target>[^)\s]+)\)")
DEMANDS = {"MP": 16, "K": 16, "ST": 14, "TN": 3, "CI": 4, "T": 3}


def broken_links(root: Path, documents: list[Path]) -> list[str]:
    """Name each relative link, of these Markdown files, to a file that is not there."""
    found = []
    for path in documents:
        for link in LINK.finditer((root / path).read_text(encoding="utf-8")):
            target = link["target"].partition("#")[0]
            if target and not (root / path.parent / target).exists():
                found.append(f"{path}: {link['target']}")
    return found


def test_no_link_is_broken() -> None:
    documents = [path for path in source_files(CHECKOUT) if path.suffix == ".md"]
    assert broken_links(CHECKOUT, documents) == []


@every_set
def test_no_link_in_a_project_is_broken(project: Project, answers: Answers) -> None:
    root = project(**answers)
    assert broken_links(root, [path for path in files(root) if path.suffix == ".md"]) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("[gone](gone.md#top) [here](here.md) [web](https://example.com/x) [top](#top)\n")
    assert broken_links(tmp_path, [Path("here.md")]) == ["here.md: gone.md#top"]


def test_the_tasks_page_is_not_stale(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.docs", str(tmp_path)], cwd=CHECKOUT, check=True)
    fresh = (tmp_path / "tasks.md").read_text(encoding="utf-8")
    assert (CHECKOUT / "docs" / "tasks.md").read_text(encoding="utf-8") == fresh, "run ./nox -s docs"


@pytest.mark.parametrize("name", ["questions.md", "answers.schema.json"])
def test_what_is_said_of_the_questions_is_not_stale(tmp_path: Path, name: str) -> None:
    subprocess.run([sys.executable, "-m", "tools.questions", str(tmp_path)], cwd=CHECKOUT, check=True)
    fresh = (tmp_path / name).read_text(encoding="utf-8")
    assert (CHECKOUT / "docs" / name).read_text(encoding="utf-8") == fresh, "run ./nox -s docs"


def rows() -> dict[str, str]:
    """Read docs/demands.md: which proof stands beside which id."""
    text = (CHECKOUT / "docs" / "demands.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([A-Z]+\d+) \|.*\| (.+?) \|$", text, re.MULTILINE))


@pytest.mark.parametrize(("kind", "count"), DEMANDS.items())
def test_every_demand_has_its_row(kind: str, count: int) -> None:
    assert {f"{kind}{number}" for number in range(1, count + 1)} <= set(rows())


def test_every_proof_named_is_there() -> None:
    paths = [path for proof in rows().values() for path in re.findall(r"`(tests/[^`:]+)", proof)]
    assert paths != []
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []
