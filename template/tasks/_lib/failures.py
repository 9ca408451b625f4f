"""Failures of other programs whose cause is known: failures.yaml, and ending a task with one."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from .console import stop

_FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Known:
    """A failure by its name in failures.yaml, with the line that shows it in the cause."""

    name: str
    cause: str
    fix: str


def find(said: str) -> Known | None:
    """Return the known failure in what a program said, or None."""
    table: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    for name, failure in table.items():
        for line in said.splitlines():
            if re.search(failure["says"], line, re.IGNORECASE):
                return Known(name, f"{failure['cause']} ({line.strip()})", failure["fix"])
    return None


def stop_because(said: str, cause: str, fix: str) -> NoReturn:
    """End the task with the known failure in what a program said, or else with `cause` and `fix`."""
    known = find(said)
    stop(known.cause if known else cause, known.fix if known else fix)
