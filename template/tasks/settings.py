"""The settings of the development stack's backend: where each comes from, and whether the servers they name answer."""

from invoke import Context, task

from ._lib import compose, engine
from ._lib.console import say

GROUP = "config"


@task(auto_shortflags=False)
def check(_context: Context) -> None:
    """Show each setting of the development stack's backend, and where it comes from; secrets are not shown."""
    _cli("config", "check", fix="correct .env or docker-compose.override.yml, as the message above says")
    say("\nNext: `inv config.doctor`")


@task(auto_shortflags=False)
def doctor(_context: Context) -> None:
    """Ask each server that the development stack's backend needs, and say what to do where one does not answer."""
    _cli("doctor", fix="see the lines above; `docker compose ps` shows what runs")
    say("\nAll of them answer. Next: `inv up`")


def _cli(*arguments: str, fix: str) -> None:
    engine.check()
    compose.run_development("run", "--rm", "--build", "--no-deps", "cli", *arguments, fix=fix)
