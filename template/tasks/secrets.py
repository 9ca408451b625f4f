"""Secrets: making them where they are used."""

from invoke import Context, task

from ._lib import changing
from ._lib.releases import Permitted

GROUP = "secrets"


@task(
    auto_shortflags=False,
    help={"env": changing.ENV, "create-namespace": "make the namespace when the cluster does not have it"},
)
def init(_context: Context, env: str = "", create_namespace: bool = False) -> None:
    """Make an environment's missing secrets where it runs; those that are there are never changed."""
    _, method = changing.method(env)
    method.check()
    method.make_secrets(Permitted(create_namespace))
