"""What a user reads: lines in their order, and an error with its cause and its fix."""

from typing import NoReturn

from invoke.exceptions import Exit


def say(line: str = "") -> None:
    """Print a line at once, so that it keeps its place among the output of programs."""
    print(line, flush=True)


def stop(cause: str, fix: str, code: int = 1) -> NoReturn:
    """End the task with exit code `code`: what is wrong on one line, what to do on the next."""
    raise Exit(f"error: {cause}\n  fix: {fix}", code)
