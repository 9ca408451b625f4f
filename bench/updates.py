"""Measures updates from the oldest release to what this checkout makes: a project in two ways, and a fleet of fifty."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.builds import timed
from tools.answers import CHECKOUT
from tools.history import RELEASES, with_releases
from tools.rendering import commit, render

FLEET = 50


def measure(keep: Callable[[dict[str, Any]], None]) -> None:
    """Update a project, and then fifty at once, each of the oldest release."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as temporary:
        home = Path(temporary)
        template = with_releases(home / "template")
        oldest = next(iter(RELEASES))
        first = render({}, home / "acme-notes", template=template, version=oldest)
        commit(first, "Start")
        projects = [shutil.copytree(first, home / f"{number:02}") for number in range(FLEET)]
        plain = shutil.copytree(first, home / "plain")
        update = ["copier", "update", "--quiet", "--defaults", str(plain)]
        keep({"what": f"copier update from {oldest}", "seconds": timed(update, plain)})
        update = [sys.executable, "-m", "tools.newest_tasks", str(first), "template.update", "--yes"]
        keep({"what": f"inv template.update from {oldest}", "seconds": timed(update, CHECKOUT)})
        (home / "projects.txt").write_text("\n".join(str(project) for project in projects))
        fleet = [sys.executable, "-m", "invoke", "fleet.update", str(home / "projects.txt")]
        keep({"what": f"inv fleet.update, {FLEET} projects", "seconds": timed(fleet, CHECKOUT)})
