"""Writes the plain file beside each .jinja file of template/, as everything on gives it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tools.answers import CHECKOUT, preset
from tools.rendering import EVERYTHING_ON, render
from tools.trees import source_files

TEMPLATE = CHECKOUT / "template"
# One comes from cargo, the other has no plain file: it is named by an answer.
NOT_HERE = {"Cargo.lock.jinja", "{{_copier_conf.answers_file}}.jinja"}


def seams() -> list[Path]:
    """List the plain files that a .jinja file stands beside, relative to template/."""
    return [
        path.with_suffix("") for path in source_files(TEMPLATE) if path.suffix == ".jinja" and path.name not in NOT_HERE
    ]


def main() -> None:
    """Write every plain file anew, and say which changed."""
    with tempfile.TemporaryDirectory() as folder:
        project = render(preset(EVERYTHING_ON), Path(folder) / "project")
        for path in seams():
            fresh, plain = project / path, TEMPLATE / path
            if not plain.exists() or plain.read_bytes() != fresh.read_bytes():
                shutil.copy(fresh, plain)
                print(f"Wrote template/{path}.")


if __name__ == "__main__":
    main()
