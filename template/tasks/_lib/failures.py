"""Failures of other programs whose cause is known: the files *failures.yaml, and ending a task with one."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from .console import stop

_OWN = Path(__file__).with_suffix(".yaml")
# Those that a way of deploying brings along come first: they are less general.
_FILES = [*sorted(set(_OWN.parent.rglob("*failures.yaml")) - {_OWN}), _OWN]

# A build goes on without a cache that it cannot take layers from, so this is never why one failed.
_HARMLESS = "cache importer"


@dataclass(frozen=True)
class Known:
    """A failure by its name in its file, with the line that shows it in the cause; `passes`: it may pass by itself."""

    name: str
    cause: str
    fix: str
    passes: bool


def find(said: str) -> Known | None:
    """Return the known failure in what a program said, or None."""
    for name, failure in _table().items():
        for line in said.splitlines():
            if _HARMLESS not in line and re.search(failure["says"], line, re.IGNORECASE):
                cause = f"{failure['cause']} ({line.strip()})"
                return Known(name, cause, failure["fix"], failure.get("passes", False))
    return None


@cache
def _table() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = {}
    for file in _FILES:
        read |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return read


def stop_because(said: str, cause: str, fix: str) -> NoReturn:
    """End the task with the known failure in what a program said, or else with `cause` and `fix`."""
    known = find(said)
    stop(known.cause if known else cause, known.fix if known else fix)
