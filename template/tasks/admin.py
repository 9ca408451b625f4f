"""Accounts: who may open the dashboard of jobs."""

import getpass
import sys

from invoke import Context, task

from ._lib import worker
from ._lib.console import say, stop

GROUP = "admin"


@task(
    auto_shortflags=False,
    help={"name": "the account's name", "env": worker.ENV, "local": worker.LOCAL},
)
def create(_context: Context, name: str, env: str = "", local: bool = False) -> None:
    """Make an account for the dashboard, or give it a new password, which is asked for, or read from standard input."""
    password = _ask() if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
    worker.run(["admin", "create", name], env, local, stdin=password)
    say("\nNext: open the dashboard; docs/jobs.md says where it answers")


def _ask() -> str:
    """Ask for a password twice, without showing it."""
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        stop("the two passwords differ, so nothing was changed", "run the same command again")
    return password
