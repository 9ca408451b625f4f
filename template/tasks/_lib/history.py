"""The history of this checkout: the commit that it is at, what it has beside that, and which came before which."""

from .run import ask


def commit() -> str:
    """Return the commit of this checkout, or `unknown`."""
    return ask(["git", "rev-parse", "--verify", "HEAD"]).stdout.strip() or "unknown"


def has_changes(*paths: str) -> bool:
    """Return whether no commit has what is in `paths` (default: everywhere) now; also where git does not say."""
    # New files count, whatever git shows its user.
    done = ask(["git", "status", "--porcelain", "--untracked-files=normal", "--", *paths])
    return done.returncode != 0 or bool(done.stdout)


def is_before(commit: str, other: str) -> bool:
    """Return whether another commit came out of a commit; not where this checkout does not have both."""
    return commit != other and ask(["git", "merge-base", "--is-ancestor", commit, other]).returncode == 0


def is_here(commit: str) -> bool:
    """Return whether this checkout has a commit."""
    return ask(["git", "cat-file", "-e", f"{commit}^{{commit}}"]).returncode == 0
