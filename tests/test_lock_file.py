"""Promise: the lock file a project ships with is exactly the one cargo wants, so `--locked` works at once."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from tools.answers import choices, pairwise
from tools.lock import QUESTIONS, Variant, answers, condition, merged, variants


def names(variant: Variant) -> str:
    """Name a variant by what is on in it."""
    return "-".join(sorted(choice for _, choice in variant)) or "nothing"


def accepted(project: Path) -> subprocess.CompletedProcess[str]:
    """Let cargo resolve a project without changing its lock file."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def tried() -> list[Any]:
    """List all variants; proof: those beyond each pair of choices."""
    few = [*pairwise({question: choices()[question] for question in QUESTIONS}), answers(max(variants(), key=len))]
    return [pytest.param(one, marks=[] if answers(one) in few else [pytest.mark.proof]) for one in variants()]


@pytest.mark.rust
@pytest.mark.parametrize("variant", tried(), ids=names)
def test_cargo_accepts_the_lock_file(project: Project, variant: Variant) -> None:
    result = accepted(project(**answers(variant)))
    assert result.returncode == 0, result.stderr


@pytest.mark.rust
def test_a_lock_file_that_holds_too_much_is_refused(project: Project, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", f"{project(components=[], services=[])}/.", tmp_path], check=True)
    (tmp_path / "Cargo.lock").write_bytes((project(components=["frontend"], services=[]) / "Cargo.lock").read_bytes())
    assert "--locked" in accepted(tmp_path).stderr


HEAD = "# generated\nversion = 4"
A, B = ("components", "a"), ("services", "b")
NONE, ONLY_A, ONLY_B, BOTH = frozenset[tuple[str, str]](), frozenset([A]), frozenset([B]), frozenset([A, B])


def package(name: str, *dependencies: str) -> str:
    """Write one block of a lock file."""
    listed = "".join(f'\n "{dependency}",' for dependency in dependencies)
    return f'\n\n[[package]]\nname = "{name}"\nversion = "1.0.0"' + (
        f"\ndependencies = [{listed}\n]" if dependencies else ""
    )


def test_merging_guards_what_not_every_variant_has() -> None:
    locks = {
        NONE: HEAD + package("app") + "\n",
        ONLY_A: HEAD + package("app", "x") + package("x") + "\n",
        ONLY_B: HEAD + package("app", "y") + package("y") + "\n",
        BOTH: HEAD + package("app", "x", "y") + package("x") + package("y") + "\n",
    }
    template = merged(locks)
    assert template.count("[[package]]") == 3
    assert "{%- if 'a' in components %}\n\n[[package]]\nname = \"x\"" in template
    assert "{%- if 'a' in components or 'b' in services %}\ndependencies = [" in template


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({ONLY_A, BOTH}, "'a' in components"),
        ({NONE, ONLY_B}, "'a' not in components"),
        ({ONLY_A, ONLY_B, BOTH}, "'a' in components or 'b' in services"),
        ({BOTH}, "'a' in components and 'b' in services"),
        (
            {ONLY_A, ONLY_B},
            "('a' in components and 'b' not in services) or ('a' not in components and 'b' in services)",
        ),
    ],
)
def test_conditions_are_the_smallest(when: set[Variant], expected: str) -> None:
    assert condition(when, {NONE, ONLY_A, ONLY_B, BOTH}) == expected
