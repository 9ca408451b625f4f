"""Runs the demo: `./nox -s demo`, or `python -m demo FOLDER` to keep the project."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

from demo import containers, native
from demo.screen import console, say, step
from tools.answers import CHECKOUT
from tools.rendering import start_project
from tools.trees import files


def main(arguments: list[str]) -> None:
    """Render the default project into a folder and show what it can do."""
    # Ended from outside, the demo still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not shutil.which("cargo"):
        sys.exit("demo: cargo is missing. Install Rust from https://rustup.rs, then run the demo again.")
    with tempfile.TemporaryDirectory(prefix="slipway-demo-") as temporary:
        folder = Path(arguments[0] if arguments else temporary).absolute() / "slipway-demo"
        with step("Make a project"):
            say(f"$ copier copy --vcs-ref HEAD --defaults {CHECKOUT} {folder}")
            start_project("default", folder)
            say(f"{len(files(folder))} files")
        native.show(folder)
        if reason := containers.missing():
            say(f"\n{reason}, so the images and the deployment are not shown.")
        else:
            containers.show(folder)
        kept = f" The project is in {folder}." if arguments else ""
        console.print(f"\n[bold green]The demo is done.[/]{kept}")


if __name__ == "__main__":
    main(sys.argv[1:])
