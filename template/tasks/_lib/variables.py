"""Variables of the caller's shell by which programs would do something else than a task says, or do it elsewhere."""

import os
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

_HERE = Path(__file__).parent


def settle() -> None:
    """Take such variables from this process, and so from all that it starts, or set them, as *variables.yaml says."""
    # A way of deploying brings a file of its own along.
    for file in sorted(_HERE.rglob("*variables.yaml")):
        known = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name in list(os.environ):
            if any(fnmatchcase(name, pattern) for pattern in known.get("without", ())):
                del os.environ[name]
        os.environ.update(known.get("with", {}))
