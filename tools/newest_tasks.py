"""Runs this checkout's `template.*` tasks on a project, whose own version may not have them yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from invoke import Collection, Program

from tools.answers import CHECKOUT

TASKS = CHECKOUT / "template" / "tasks"


def main() -> None:
    """Run the tasks that the command line names after the project's folder."""
    folder, *arguments = sys.argv[1:]
    os.chdir(folder)
    # Without the package's own first lines, which read settings that an older project has none of.
    package = ModuleType("tasks")
    package.__path__ = [str(TASKS)]
    sys.modules["tasks"] = package
    from tasks._lib import run, signals

    signals.end_in_order()
    run.ROOT = Path.cwd()
    from tasks import template

    namespace = Collection()
    namespace.add_collection(Collection.from_module(template), name=template.GROUP)
    Program(namespace=namespace).run(["inv", *arguments])


if __name__ == "__main__":
    main()
