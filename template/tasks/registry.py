"""The registry: logging in to it, whichever kind it is."""

import os
import re
from pathlib import Path
from typing import cast

import yaml
from invoke import Context, task

from ._lib import engine
from ._lib.console import say, stop
from ._lib.failures import find
from ._lib.project import load
from ._lib.run import ask


@task(auto_shortflags=False, help={"registry": "another registry than invoke.yaml's"})
def login(_context: Context, registry: str = "") -> None:
    """Log Docker in to the registry, with the user and token that the shell's variables hold."""
    host = (registry or load().registry).partition("/")[0]
    kind = kind_of(host)
    user, token = os.environ.get(kind["user"], ""), os.environ.get(kind["token"], "")
    if not user or not token:
        lacking = " and ".join(name for name in (kind["user"], kind["token"]) if not os.environ.get(name))
        stop(
            f"{lacking} not set, and {host} needs {kind['needs']}",
            f"set {kind['user']} and {kind['token']}, or run `docker login {host}` by hand",
        )
    engine.check()
    # By standard input: an argument would show in `ps`.
    done = ask(["docker", "login", host, "--username", user, "--password-stdin"], stdin=token)
    if done.returncode != 0:
        known = find(done.stderr)
        # What helps against a refusal elsewhere is this very task.
        if known and known.name != "registry-refuses":
            stop(known.cause, known.fix)
        stop(f"{host}: {done.stderr.strip()}", f"see that {kind['token']} is {kind['needs']}")
    say(f"Logged in to {host} as {user}. Next: `inv push`")


def kind_of(host: str) -> dict[str, str]:
    """Return the variables and needs of a registry's kind."""
    kinds = cast(list[dict[str, str]], yaml.safe_load((Path(__file__).parent / "_lib" / "registries.yaml").read_text()))
    return next(kind for kind in kinds if re.fullmatch(kind["host"], host))
