"""The database."""

from invoke import Context, task

from ._lib import compose, engine
from ._lib.console import say
from ._lib.project import load
from ._lib.run import run

GROUPED = True


@task(auto_shortflags=False)
def migrate(_context: Context) -> None:
    """Bring the development stack's database to this checkout's schema. (`inv deploy` does it for a deployed one.)"""
    engine.check()
    stack = ["docker", "compose", "--project-name", compose.development_name(load()), "--file", compose.BASE]
    run([*stack, "run", "--rm", "--build", "migrate"], fix="start the stack first: `inv up`")
    say("\nThe schema is up to date. Next: `inv up`")
