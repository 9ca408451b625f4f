"""Promise: every stage and argument of the Dockerfile says why it is there; nothing compiles once per platform."""

from __future__ import annotations

import re

import pytest

from tools.answers import CHECKOUT

DOCKERFILE = CHECKOUT / "template/Dockerfile"
IGNORE = CHECKOUT / "template/.dockerignore"


def uncommented(text: str) -> list[str]:
    """Return the stages and arguments that no comment precedes; arguments in a row share one."""
    lines = text.splitlines()
    wanted = [number for number, line in enumerate(lines) if line.startswith(("FROM ", "ARG "))]
    return [lines[number] for number in wanted if not lines[number - 1].startswith(("#", "ARG "))]


def stages(text: str) -> dict[str, tuple[str, str]]:
    """Return each stage's base and body."""
    parts = re.split(r"^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$", text, flags=re.MULTILINE)
    return {name: (base, body) for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def per_platform(text: str, stage: str) -> bool:
    """Return whether a stage, or one it is made of, depends on the platform of the image."""
    known = stages(text)
    if stage not in known:
        return False
    base, body = known[stage]
    return "TARGETPLATFORM" in body or any(
        per_platform(text, name) for name in [base, *re.findall(r"from=(\w+)", body)]
    )


def test_every_stage_and_argument_has_a_comment() -> None:
    assert uncommented(DOCKERFILE.read_text()) == []


def test_a_missing_comment_is_found() -> None:
    assert uncommented("# a\nARG A\nARG B\nRUN x\nARG C\n\nFROM x AS y\n") == ["ARG C", "FROM x AS y"]


@pytest.mark.parametrize("stage", ["targets", "chef", "plan", "cook", "build", "root"])
def test_compiled_once(stage: str) -> None:
    assert not per_platform(DOCKERFILE.read_text(), stage)


def test_a_dependence_on_the_platform_is_found() -> None:
    assert per_platform(DOCKERFILE.read_text(), "pick")
    spoilt = DOCKERFILE.read_text().replace("FROM chef AS plan", "FROM guard AS plan")
    assert per_platform(spoilt, "build")


def test_the_allowlist_has_categories() -> None:
    lines = IGNORE.read_text().splitlines()
    assert lines[1] == "*"
    groups = IGNORE.read_text().split("\n\n")
    assert all(group.startswith("#") for group in groups)
    assert len(groups) >= 4
