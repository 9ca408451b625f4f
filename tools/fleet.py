"""Updates many projects from the template, several at once, each as a whole or not at all."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from invoke import Context, Exit, task
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.answers import CHECKOUT

# How an update may end, and what to do then.
ENDS = {
    "updated": "look at it, test, and commit",
    "current": "",
    "conflict": "{inv} template.update --keep-conflicts",
    "failed": "{inv} template.update",
    "stopped": "the same again",
}


@dataclass(frozen=True)
class Ended:
    """How a project's update ended, one of ENDS, and why."""

    project: Path
    how: str
    why: str


def listed(file: Path) -> list[Path]:
    """Read the folders of projects from a file, one on each line; an empty line or one that begins with # is none.

    Raises ValueError, with the lines, when a folder is no project of the template.
    """
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    found = [(file.parent / line).resolve() for line in lines if line and not line.startswith("#")]
    found = list(dict.fromkeys(found))
    wrong = [str(path) for path in found if not (path / ".copier-answers.yml").is_file()]
    if wrong:
        raise ValueError(f"These are no projects of the template: {', '.join(wrong)}. Nothing was changed.")
    return found


def update_all(projects: Sequence[Path], to: str, workers: int) -> Iterator[Ended]:
    """Update projects by this checkout's task, and yield how each ended as it does."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda project: _update(project, to), projects)


def _update(project: Path, to: str) -> Ended:
    arguments = ["template.update", "--yes", *(["--to", to] if to else [])]
    command = [sys.executable, "-m", "tools.newest_tasks", str(project), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    conflicts = [found[1] for line in lines if (found := re.match(r"  conflict in (.+?): ", line))]
    if conflicts:
        return Ended(project, "conflict", ", ".join(conflicts))
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return Ended(project, "failed", said[0].removeprefix("error: ") if said else f"exit code {done.returncode}")
    changed = [line for line in lines if line[2:5] in ("A  ", "M  ", "D  ") or line.startswith("  R")]
    return Ended(project, "updated" if changed else "current", f"{len(changed)} files" if changed else "")


def _next(ended: Ended) -> str:
    """Say what to do in a project; the oldest have no such task of their own."""
    own = (ended.project / "tasks/template.py").is_file()
    inv = "in the project: inv" if own else f"python -m tools.newest_tasks {shlex.quote(str(ended.project))}"
    return ENDS[ended.how].format(inv=inv)


@task(
    positional=["projects"],
    auto_shortflags=False,
    help={
        "projects": "a file with the folder of a project on each line",
        "to": "the version (default: the newest)",
        "workers": "how many at once (default: one for each processor)",
    },
)
def update(_context: Context, projects: str, to: str = "", workers: int = 0) -> None:
    """Update many projects from the template, and say how each ended; none is left half-way."""
    try:
        chosen = listed(Path(projects))
    except (OSError, ValueError) as error:
        raise Exit(str(error)) from None
    console = Console()
    ended: list[Ended] = []
    with console.status("") as shown, suppress(KeyboardInterrupt):
        for one in update_all(chosen, to, workers or os.cpu_count() or 1):
            ended.append(one)
            shown.update(f"{len(ended)} of {len(chosen)}")
    # After Ctrl-C, what came of the others is not known, only that each is whole.
    ended += [Ended(project, "stopped", "as it was, or updated") for project in chosen[len(ended) :]]
    table = Table("project", "ended", "what", "next")
    for one in ended:
        table.add_row(*map(escape, (str(one.project), one.how, one.why, _next(one))))
    console.print(table)
    counts = {how: sum(one.how == how for one in ended) for how in ENDS}
    console.print(", ".join(f"{count} {how}" for how, count in counts.items() if count) or "no projects")
    if counts["conflict"] or counts["failed"] or counts["stopped"]:
        raise Exit(code=1)
