"""Makes docs/tasks.md out of the docstrings and flags of the generated project's tasks: `./nox -s docs`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from pathlib import Path
from typing import Any

from tools.answers import CHECKOUT

TASKS = CHECKOUT / "docs" / "tasks.md"

HEAD = """\
# Tasks

Every command of a generated project with everything chosen; a project has those that its answers call for. `inv --list`
names them, `inv --help TASK` says the same as this page.

<!-- Made from the tasks' docstrings by `./nox -s docs`: edit those in template/tasks/. -->
"""


def task_list() -> list[tuple[str, Any]]:
    """Load the tasks of template/, each with its name, sorted."""
    sys.path.insert(0, str(CHECKOUT / "template"))
    os.chdir(CHECKOUT / "template")
    namespace = importlib.import_module("tasks").namespace
    # A collection's default task goes by the collection's name.
    defaults = {f"{name}.{group.default}": name for name, group in namespace.collections.items() if group.default}
    return sorted((defaults.get(name, name), namespace[name]) for name in namespace.task_names)


def section(name: str, task: Any) -> str:
    """Describe one task: what it does, and its flags."""
    rows = [
        f"| `{' '.join(flags(argument))}` | {argument.help or ''} |"
        for argument in task.get_arguments()
        if argument.name != "context"
    ]
    table = ["", "| flag | is |", "|---|---|", *rows] if rows else []
    return "\n".join(["", f"## inv {name}", "", inspect.cleandoc(task.__doc__ or ""), *table, ""])


def flags(argument: Any) -> list[str]:
    """Write an argument's names as they are typed."""
    return [f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}" for name in argument.names]


def generate() -> str:
    """Write the whole page."""
    return HEAD + "".join(section(name, task) for name, task in task_list())


def main(folder: Path = TASKS.parent) -> None:
    """Write docs/tasks.md."""
    (folder / TASKS.name).write_text(generate(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
