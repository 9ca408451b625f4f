"""What a user reads: lines in their order, and an error with its cause and its fix."""

import json
import sys
from typing import Any, NoReturn

from invoke.exceptions import Exit


def say(line: str = "") -> None:
    """Print a line at once, so that it keeps its place among the output of programs."""
    print(line, flush=True)


def tell(facts: Any) -> None:
    """Print facts as JSON, for programs; what people read beside them is left out."""
    say(json.dumps(facts, indent=2))


def stop(cause: str, fix: str, code: int = 1) -> NoReturn:
    """End the task with exit code `code`: what is wrong on one line, what to do on the next."""
    raise Exit(f"error: {cause}\n  fix: {fix}", code)


def reason(stopped: Exit) -> str:
    """Return what `stop` ended a task with: the cause, and the fix on the next line."""
    return str(stopped.message).removeprefix("error: ")


def confirm(yes: bool) -> None:
    """Ask whether to go on, unless `yes` says so."""
    if yes:
        return
    if not sys.stdin.isatty():
        stop("nobody is here to ask, so nothing was changed", "add --yes")
    try:
        answer = input("\nGo on? [y/N] ")
    except EOFError:
        # Ctrl-D.
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise Exit("Nothing was changed.", 1)
