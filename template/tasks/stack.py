"""The development stack: everything in containers on this machine, apart from whatever is deployed here."""

import json

from invoke import Context, task

from ._lib import compose, engine, secret_files, stacks, target
from ._lib.console import say, stop
from ._lib.run import ROOT, read, run

# Inside the container, where docker-compose.dev.yml lets a debugger in.
_DEBUGGER = 2345
# Inside, where the dashboard of jobs answers.
_BOARD = 8002
# All that `inv down` takes away.
_OVERLAYS = ["dev", "monitoring"]
_ONLY = "one service, such as backend, with what it needs"


@task(
    auto_shortflags=False,
    help={
        "hot": "run from source instead of images: a changed file is served within seconds",
        "monitoring": "also start what watches it: metrics, alerts and exporters",
        "only": _ONLY,
    },
)
def up(_context: Context, hot: bool = False, monitoring: bool = False, only: str = "") -> None:
    """Build and start the development stack, and wait until it is healthy."""
    engine.check()
    engine.check_plugin("compose")
    overlays = ["dev"] if hot else []
    overlays += ["monitoring"] if monitoring else []
    _make_secrets(overlays)
    command = ["up", "--build", "--detach", "--wait", *([_service(only)] if only else [])]
    compose.run_development(*command, overlays=overlays, fix="see why: docker compose logs")
    say()
    own = next((url for name, url in _addresses("--orphans=false").items() if name != "jobs"), "no published port")
    for service, address in _addresses().items():
        if address != own:
            say(f"  {service}: {address}")
    say(f"The stack is up at {own}. Next: `docker compose logs --follow`, `inv down`")


@task(
    auto_shortflags=False,
    help={"volumes": "also delete the development data", "only": "stop one service, and leave the others"},
)
def down(_context: Context, volumes: bool = False, only: str = "") -> None:
    """Stop the development stack. Its data stays, unless --volumes."""
    engine.check()
    if only:
        compose.run_development("stop", _service(only), fix="see the message above")
        say(f"\n{only} is stopped. Next: `inv up --only {only}`")
        return
    options = ["--remove-orphans", *(["--volumes"] if volumes else [])]
    compose.run_development("--profile", "*", "down", *options, overlays=_OVERLAYS, fix="see the message above")
    say("\nThe development stack is down. Next: `inv up`")


@task(
    auto_shortflags=False,
    help={"env": "an environment that Compose deployed (default: the development stack)"},
)
def usage(_context: Context, env: str = "") -> None:
    """Show what each container uses now: processor, memory, network, disk."""
    engine.check()
    stack = stacks.stack(env)
    names = [container["Name"].lstrip("/") for container in stack.all() if container["State"]["Running"]]
    if not names:
        stop(f"nothing of {stack.project} runs", f"start it first: `{stack.hint}`")
    run([*stack.docker, "stats", "--no-stream", *sorted(names)])


def _make_secrets(overlays: list[str]) -> None:
    """Make the development secrets that are missing, never a second set beside data."""
    # The stack always runs on this machine's engine; making its secrets asks nothing, because nobody else has them.
    place = target.Target("default", ()), str(ROOT / ".secrets")
    of = stacks.stack("")
    lost, volumes = secret_files.lost(secret_files.missing(*place, overlays), of.docker, of.project, overlays)
    if lost:
        stop(
            f"the data in {', '.join(volumes)} was made with other secrets: .secrets lacks {', '.join(lost)}",
            "copy .secrets from the checkout that made it, or give all development data up: `inv down --volumes`",
        )
    if secret_files.make(*place, overlays):
        say("Made the development secrets in .secrets (ignored by git).")


def _service(name: str) -> str:
    """Return the name of a service; stop with those that there are."""
    known = read([*compose.development(), "--profile", "*", "config", "--services"]).split()
    if name not in known:
        stop(f"there is no service {name!r}; there are: {', '.join(sorted(known))}", "correct --only")
    return name


def _addresses(*options: str) -> dict[str, str]:
    """Return where the stack answers on this machine: the published port of each service that has one."""
    found = {}
    for line in read([*compose.development(), "ps", *options, "--format", "json"]).splitlines():
        container = json.loads(line)
        for port in container.get("Publishers") or ():
            if port.get("PublishedPort") and port["TargetPort"] != _DEBUGGER:
                name = "jobs" if port["TargetPort"] == _BOARD else container["Service"]
                found[name] = f"http://localhost:{port['PublishedPort']}"
    return found
