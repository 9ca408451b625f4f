"""Renders projects from this checkout as `copier copy --vcs-ref HEAD` does: with its uncommitted changes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from tools.answers import CHECKOUT, Answers

# In these answers the plain files beside each .jinja file are written.
EVERYTHING_ON = "full"


def render(answers: Answers, destination: Path, *, template: Path = CHECKOUT, exclude: Sequence[str] = ()) -> Path:
    """Make a project of these answers in a folder and return the folder."""
    from copier import run_copy
    from copier.errors import DirtyLocalWarning, ShallowCloneWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        warnings.simplefilter("ignore", ShallowCloneWarning)
        run_copy(str(template), destination, data=answers, exclude=exclude, vcs_ref="HEAD", defaults=True, quiet=True)
    return destination
