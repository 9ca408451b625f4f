"""The ways to deploy that this project has: the files of tasks/methods/."""

from importlib import import_module
from typing import Any

from .run import ROOT


def names() -> list[str]:
    """Return the ways' names."""
    return sorted(path.stem for path in (ROOT / "tasks" / "methods").glob("[a-z]*.py"))


def named(name: str) -> Any:
    """Return the class `Method` of a way."""
    return import_module(f"..methods.{name}", __package__).Method
