"""Promise: workflows are valid and hardened, in every project and here, and what is not is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Project
from tools.answers import CHECKOUT, pairwise

FOLDER = ".github/workflows"
# An action at a commit, with the version that it is said to be.
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def workflows(root: Path) -> dict[str, str]:
    """Return a repository's workflows, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((root / FOLDER).glob("*.yml"))}


def used(text: str) -> list[str]:
    """Return the actions of others that a workflow uses, as they stand there."""
    return [one for one in re.findall(r"uses: (.+)", text) if not one.startswith("./")]


@pytest.fixture(params=pairwise(), ids=str)
def root(request: pytest.FixtureRequest, project: Project) -> Path:
    """A project of some answers."""
    return project(**request.param)


def test_actions_are_pinned_and_nothing_is_permitted_by_default(root: Path) -> None:
    found = workflows(root)
    assert "ci.yml" in found
    for name, text in found.items():
        assert [one for one in used(text) if not PINNED.fullmatch(one)] == [], name
        document: dict[str, Any] = yaml.safe_load(text)
        assert document["permissions"] == {}, name
        assert [job for job, what in document["jobs"].items() if "permissions" not in what] == [], name


def test_each_called_workflow_and_task_is_there(root: Path) -> None:
    command = [sys.executable, "-m", "invoke", "--list"]
    wide = os.environ | {"COLUMNS": "200"}
    said = subprocess.run(command, cwd=root, env=wide, capture_output=True, text=True, check=True).stdout
    # A collection's own task stands in brackets, as that by which it is called.
    listed = re.sub("[()]", " ", said).split()
    for name, text in workflows(root).items():
        for called in re.findall(r"uses: \./(\S+)", text):
            assert (root / called).is_file(), name
        assert [task for task in re.findall(r"\binv ([a-z][\w.]*)", text) if task not in listed] == [], name


def test_a_machine_that_makes_objects_has_what_makes_them(everything: Path) -> None:
    for name, text in workflows(everything).items():
        for job, what in yaml.safe_load(text)["jobs"].items():
            steps = [f"{step.get('uses', '')} {step.get('run', '')}" for step in what.get("steps", ())]
            if any("inv ci.validate" in step or "inv deploy" in step for step in steps):
                assert any(step.startswith("hashicorp/setup-terraform@") for step in steps), (name, job)
                assert any("pulumi install" in step for step in steps), (name, job)


def test_an_action_has_one_version() -> None:
    versions: dict[str, set[str]] = {}
    for root in (CHECKOUT, CHECKOUT / "template"):
        for text in workflows(root).values():
            for one in used(text):
                versions.setdefault(one.partition("@")[0], set()).add(one)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_pipelines_zizmor_is_the_one_that_judges_here() -> None:
    (version,) = re.findall(r"zizmor==([0-9.]+)", workflows(CHECKOUT / "template")["ci.yml"])
    assert f'"zizmor=={version}"' in (CHECKOUT / "pyproject.toml").read_text()


JUDGES = {
    "actionlint": ["actionlint", "-no-color"],
    "zizmor": ["zizmor", "--offline", "--quiet", "--pedantic", "--color=never", FOLDER],
    "schema": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
}
every_judge = pytest.mark.parametrize("judge", JUDGES)


@pytest.mark.workflows
@pytest.mark.parametrize("chosen", ["here", "project"])
def test_new_versions_are_proposed_after_a_while(everything: Path, chosen: str) -> None:
    path = {"here": CHECKOUT, "project": everything}[chosen] / "renovate.json"
    command = ["check-jsonschema", "--builtin-schema", "vendor.renovate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert json.loads(path.read_text())["minimumReleaseAge"] == "7 days"


def finds(judge: str, root: Path) -> str:
    """Return what a judge finds in a repository's workflows; nothing when it is content."""
    files = [str(path) for path in root.glob(f"{FOLDER}/*.yml")] if judge == "schema" else []
    done = subprocess.run([*JUDGES[judge], *files], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.fixture
def copied(everything: Path, tmp_path: Path) -> Path:
    """The workflows of a project with everything, to change; a repository, which is where judges look for them."""
    shutil.copytree(everything / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.workflows
@every_judge
def test_a_judge_finds_nothing(copied: Path, judge: str) -> None:
    assert finds(judge, copied) == ""


@pytest.mark.workflows
@every_judge
def test_a_judge_finds_nothing_here(judge: str) -> None:
    assert finds(judge, CHECKOUT) == ""


Edit = Callable[[str], str]

FAULTS: dict[str, tuple[str, Edit]] = {
    "unpinned-uses": ("zizmor", lambda text: re.sub(r"(actions/checkout)@[0-9a-f]+ # \S+", r"\1@v6", text, count=1)),
    "template-injection": (
        "zizmor",
        lambda text: text.replace("run: inv ci.validate", "run: inv ci.validate ${{ github.head_ref }}"),
    ),
    "excessive-permissions": ("zizmor", lambda text: text.replace("permissions: {}", "permissions: write-all", 1)),
    "artipacked": ("zizmor", lambda text: text.replace("        with:\n          persist-credentials: false\n", "", 1)),
    "hardcoded-container-credentials": (
        "zizmor",
        lambda text: text.replace(
            "    timeout-minutes: 10\n",
            "    timeout-minutes: 10\n    container: {image: 'a@sha256:" + "a" * 64
            + "', credentials: {username: ann, password: hunter2}}\n",
        ),
    ),
    "needs": ("actionlint", lambda text: text.replace("needs: [lint, test, ", "needs: [lint, tests, ")),
}  # fmt: skip


@pytest.mark.workflows
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(copied: Path, fault: str) -> None:
    judge, edit = FAULTS[fault]
    path = copied / FOLDER / "ci.yml"
    text = path.read_text()
    path.write_text(edit(text))
    assert path.read_text() != text
    assert fault in finds(judge, copied)
