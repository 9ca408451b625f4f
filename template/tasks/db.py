"""The database: bringing it to the schema, backing it up, restoring it, looking into it."""

import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import compose, engine, stacks
from ._lib.console import say, stop
from ._lib.run import ROOT

GROUP = "db"

_ENV = "an environment that Compose deployed (default: the development stack)"


@task(auto_shortflags=False)
def migrate(_context: Context) -> None:
    """Bring the development stack's database to this checkout's schema. (`inv deploy` does it for a deployed one.)"""
    engine.check()
    compose.run_development("run", "--rm", "--build", "migrate", fix="start the stack first: `inv up`")
    say("\nThe schema is up to date. Next: `inv up`")


@task(
    auto_shortflags=False,
    help={"env": _ENV, "file": "where to (default: backups/, named for the stack and the time)"},
)
def backup(_context: Context, env: str = "", file: str = "") -> None:
    """Write the database to a file that only you may read, and prove that it can be read back."""
    stack = _stack(env)
    kind = _kind()
    now = datetime.now(timezone.utc)
    path = Path(file).absolute() if file else ROOT / "backups" / f"{stack.project}-{now:%Y%m%d-%H%M%S}{kind.SUFFIX}"
    if path.exists():
        stop(f"{path} is there already", "name another file with --file")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind.backup(stack, path)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    say(f"\nKeep it on another machine. Back with `inv db.restore{stack.flags} {shown}`")


@task(
    auto_shortflags=False,
    help={"file": "what `inv db.backup` wrote", "env": _ENV, "yes": "do not ask before replacing what is there"},
)
def restore(_context: Context, file: str, env: str = "", yes: bool = False) -> None:
    """Put a backup in the place of the database: proven first, then swapped at once. A broken one changes nothing."""
    path = Path(file).absolute()
    if not path.is_file():
        there = ", ".join(sorted(str(one.relative_to(ROOT)) for one in (ROOT / "backups").glob("*"))) or "none"
        stop(f"there is no file {file}", f"name a backup; in backups/ there are: {there}")
    stack = _stack(env)
    with _alone(env):
        _kind().restore(stack, path, yes)
    again = f"inv rollback{stack.flags} --release N` with the newest number of `inv status{stack.flags}"
    say(f"\nWhere it is of an older schema, `{again if env else 'inv db.migrate'}` brings the migrations since.")


@task(auto_shortflags=False, help={"env": _ENV})
def shell(_context: Context, env: str = "") -> None:
    """Open the database's own shell, or run what comes by standard input."""
    code = _kind().shell(_stack(env), sys.stdin.isatty())
    if code:
        raise Exit(code=code)


def _alone(env: str) -> AbstractContextManager[None]:
    """Keep others from changing an environment meanwhile; the development stack is nobody else's."""
    if not env:
        return nullcontext()
    # Not there in a project that deploys nothing.
    from ._lib import changing

    _, method, former = changing.deployed(env)
    return method.lock(former[-1]) if former else nullcontext()


def _stack(env: str) -> stacks.Stack:
    engine.check()
    return stacks.stack(env)


def _kind() -> Any:
    """Return the module of the database that docker-compose.yml has."""
    names = sorted(path.stem for path in (Path(__file__).parent / "_lib" / "databases").glob("[a-z]*.py"))
    return import_module(f"._lib.databases.{names[0]}", __package__)
