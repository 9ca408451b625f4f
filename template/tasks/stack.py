"""The development stack: everything in containers on this machine, apart from whatever is deployed here."""

import json

from invoke import Context, task

from ._lib import compose, engine, secret_files, target
from ._lib.console import say
from ._lib.run import ROOT, read


@task(auto_shortflags=False)
def up(_context: Context) -> None:
    """Build and start the development stack, and wait until it is healthy."""
    engine.check()
    engine.check_plugin("compose")
    # The stack always runs on this machine's engine; making its secrets asks nothing, because nobody else has them.
    if secret_files.make(target.Target("default", ()), str(ROOT / ".secrets")):
        say("Made the development secrets in .secrets (ignored by git).")
    compose.run_development("up", "--build", "--detach", "--wait", fix="see why: docker compose logs")
    say(f"\nThe stack is up at {_address()}. Next: `docker compose logs --follow`, `inv down`")


@task(auto_shortflags=False, help={"volumes": "also delete the development data"})
def down(_context: Context, volumes: bool = False) -> None:
    """Stop the development stack. Its data stays, unless --volumes."""
    engine.check()
    options = ["--remove-orphans", *(["--volumes"] if volumes else [])]
    compose.run_development("--profile", "*", "down", *options, fix="see the message above")
    say("\nThe development stack is down. Next: `inv up`")


def _address() -> str:
    """Return where the stack answers: the published port of whichever service has one."""
    for line in read([*compose.development(), "ps", "--format", "json"]).splitlines():
        for port in json.loads(line).get("Publishers") or ():
            if port.get("PublishedPort"):
                return f"http://localhost:{port['PublishedPort']}"
    return "no published port"
