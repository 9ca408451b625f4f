"""Draws docs/demo.svg, what a terminal shows of a real run: `python -m demo.picture`, with Docker."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from socket import gethostname

import yaml
from rich.console import Console
from rich.text import Text

from demo import containers
from demo.native import free_port
from tools.answers import CHECKOUT
from tools.rendering import commit, render

WIDTH = 118
SCRIPT = Path(__file__).with_suffix(".yaml")


class Picture:
    """A terminal that is drawn: commands as they are typed, and lines of what they really print."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        """Run commands in a folder; names stand in the picture for what is this machine's alone."""
        self._folder = folder
        self._names = names
        self._console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)

    def run(self, command: str, keep: int, shown: str = "") -> None:
        """Run a command that must succeed, and draw it with the last `keep` lines of its output."""
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *shlex.split(command)[1:]],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"picture: {command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        self.draw(shown or command, done.stdout, keep)

    def draw(self, command: str, output: str, keep: int) -> None:
        """Draw a command, and the last lines of an output."""
        for own, name in self._names.items():
            output = output.replace(own, name)
        output = re.sub(r"(sha256:[0-9a-f]{8})[0-9a-f]+", r"\1…", output)
        # Without the commands of other programs that a task shows.
        lines = [line.rstrip() for line in output.strip().splitlines() if not line.startswith("$ ")]
        if len(lines) > keep:
            lines = ["…", *lines[-keep:]]
        self._console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        for line in lines:
            self._console.print(Text(line), overflow="ellipsis", no_wrap=True)
        self._console.print()

    def save(self, file: Path, title: str) -> None:
        """Write the picture, with the reader's own font: nothing is fetched to look at it."""
        picture = self._console.export_svg(title=title)
        file.write_text(re.sub(r"\s*@font-face \{[^}]*\}", "", picture), encoding="utf-8")


def main() -> None:
    """Make a project, build it, deploy it twice, go back, and draw that."""
    plan = yaml.safe_load(SCRIPT.read_text(encoding="utf-8"))
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slipway-picture-") as temporary, containers.registry() as address:
        project = Path(temporary) / plan["project"]
        render({"registry": f"{address}/acme", **plan["answers"]}, project)
        containers.settle(project, port)
        subprocess.run(["git", "config", "user.name", "Ann"], cwd=project, check=True)
        own = {address: "ghcr.io", f"localhost:{port}": "localhost:8000", temporary: "~", gethostname(): "laptop"}
        picture = Picture(project, own)
        try:
            for step in plan["steps"]:
                for file, (before, after) in step.get("edit", {}).items():
                    text = (project / file).read_text(encoding="utf-8")
                    (project / file).write_text(text.replace(before, after), encoding="utf-8")
                    commit(project, "Edit")
                picture.run(step["run"], step["keep"], step.get("shown", ""))
        finally:
            destroy = [sys.executable, "-m", "invoke", "destroy", "--env", "production", "--yes", "--data"]
            subprocess.run(destroy, cwd=project, stdout=subprocess.DEVNULL, check=False)
    picture.save(CHECKOUT / "docs" / "demo.svg", plan["title"])


if __name__ == "__main__":
    main()
