"""The history of this checkout: the commit that it is at, and which came before which."""

from .run import ask


def commit() -> str:
    """Return the commit of this checkout."""
    return ask(["git", "rev-parse", "HEAD"]).stdout.strip() or "unknown"


def is_before(commit: str, other: str) -> bool:
    """Return whether another commit came out of a commit; not where this checkout does not have both."""
    return commit != other and ask(["git", "merge-base", "--is-ancestor", commit, other]).returncode == 0


def is_here(commit: str) -> bool:
    """Return whether this checkout has a commit."""
    return ask(["git", "cat-file", "-e", f"{commit}^{{commit}}"]).returncode == 0
