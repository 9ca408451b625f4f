"""Secrets: making them on the machine that uses them."""

from invoke import Context, task

from ._lib import engine, secret_files, target
from ._lib.console import say, stop
from ._lib.project import load
from ._lib.run import ask

GROUPED = True


@task(auto_shortflags=False, help={"env": "the environment in invoke.yaml (default: the only one)"})
def init(_context: Context, env: str = "") -> None:
    """Make an environment's missing secrets where it runs; those that are there are never changed."""
    engine.check()
    project = load()
    environment = project.environment(env or None)
    machine = target.of_context(environment.context)
    folder = machine.expand(str(environment.settings["secrets"]))
    lacking = secret_files.missing(machine, folder)
    if not lacking:
        say(f"All secrets are in {folder}. Next: `inv deploy --plan`")
        return
    label = f"label=com.docker.compose.project={project.name}-{environment.name}"
    docker = ["docker", "--context", environment.context]
    volumes = ask([*docker, "volume", "ls", "--quiet", "--filter", label]).stdout.split()
    if volumes:
        stop(
            f"{', '.join(lacking)} are missing, but new ones would not open the data in {', '.join(volumes)}",
            f"put the old files back into {folder}, or give up the data: `inv destroy --env {environment.name} --data`",
        )
    say(f"Making secrets on {machine.ssh[-1] if machine.ssh else 'this machine'}:")
    secret_files.make(machine, folder)
    say("\nKeep a copy in a safe place: without them, the data cannot be opened. Next: `inv deploy --plan`")
