"""What the demo prints: steps with their seconds, commands and answers; plain text when piped."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Head a step with its title, and close it with the time it took."""
    console.print(f"\n[bold cyan]==> {title}[/]")
    began = time.monotonic()
    yield
    console.print(f"[green]    done[/] in {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    """Print one line below a step, as it is."""
    console.print(f"    {text}", markup=False)


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Show a command, run it in a folder with its output in view, and end the demo when it fails."""
    say(f"$ {shlex.join(command)}")
    ended = subprocess.run(command, cwd=folder, env=environment, check=False)
    if ended.returncode:
        raise SystemExit(f"demo: {shlex.join(command)} ended with exit code {ended.returncode}; see above.")
