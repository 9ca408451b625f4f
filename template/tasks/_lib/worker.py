"""The worker's own commands, run where a worker runs: in a container, in a pod, or from source on this machine."""

import subprocess
from collections.abc import Sequence

from invoke.exceptions import Exit

from . import development, engine, stacks, ways
from .console import stop
from .project import load
from .run import ROOT, need

ENV = "a deployed environment (default: the development stack)"
LOCAL = "the database of `inv dev`, on this machine"

_SERVICE = "worker"
_PROGRAM = "/usr/local/bin/worker"


def run(arguments: Sequence[str], env: str, local: bool, stdin: str = "") -> None:
    """Run one of the worker's commands in sight of the user, and end as it ends.

    Without an environment it is the development stack's, with `local` that of `inv dev`. `stdin` is text for its
    standard input: what must not be seen in a list of processes.
    """
    if env and local:
        stop("--env and --local name two different databases", "leave one of them out")
    command, environment = _local() if local else (_inside(env), None)
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, input=stdin, text=True, check=False)
    if done.returncode:
        raise Exit(code=done.returncode)


def _local() -> tuple[list[str], dict[str, str]]:
    need("cargo")
    if not development.DATABASE.is_file():
        stop("there is no data/dev.db yet", "`inv dev` makes it")
    command = ["cargo", "run", "--quiet", "--package", "worker", "--"]
    return command, development.environment()


def _inside(env: str) -> list[str]:
    """Return the start of a command for a running worker of a stack or an environment."""
    if env:
        environment = load().environment(env)
        way = ways.named(environment.method)(load(), environment)
        way.check()
        command: list[str] = way.inside(_SERVICE, _PROGRAM)
        return command
    engine.check()
    stack = stacks.stack("")
    return stack.command(stack.running(_SERVICE), _PROGRAM)
