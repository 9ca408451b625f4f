"""The database."""

from invoke import Context, task

from ._lib import compose, engine
from ._lib.console import say

GROUP = "db"


@task(auto_shortflags=False)
def migrate(_context: Context) -> None:
    """Bring the development stack's database to this checkout's schema. (`inv deploy` does it for a deployed one.)"""
    engine.check()
    compose.run_development("run", "--rm", "--build", "migrate", fix="start the stack first: `inv up`")
    say("\nThe schema is up to date. Next: `inv up`")
