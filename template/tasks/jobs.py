"""Jobs: which there are, how they are, another try for those that failed, and none for those that are over."""

from invoke import Context, task

from ._lib import worker
from ._lib.console import say

GROUP = "jobs"

_WHICH = {
    "id": "only the job with this id",
    "kind": "only jobs of this kind",
    "queue": "only jobs of this queue",
}
_WHERE = {"env": worker.ENV, "local": worker.LOCAL}


@task(auto_shortflags=False, help=_WHERE)
def kinds(_context: Context, env: str = "", local: bool = False) -> None:
    """Show which kinds of jobs there are."""
    worker.run(["jobs", "kinds"], env, local)


@task(
    name="list",
    auto_shortflags=False,
    help=_WHICH
    | {
        "state": "only jobs that are waiting, sent, running, done or dead",
        "limit": "how many to show (default: 50)",
        "json": "a line of JSON for each, with its payload",
    }
    | _WHERE,
)
def show(
    _context: Context,
    id: str = "",
    kind: str = "",
    queue: str = "",
    state: str = "",
    limit: int = 0,
    json: bool = False,
    env: str = "",
    local: bool = False,
) -> None:
    """Show jobs, the newest first: id, state, kind, queue, attempts, when it is due, and why it failed."""
    more = _chosen(id, kind=kind, queue=queue, state=state, limit=str(limit or ""))
    worker.run(["jobs", "list", *more, *(["--json"] if json else [])], env, local)
    if not json:
        where = " --local" if local else f" --env {env}" if env else ""
        say(f"\nNext: `inv jobs.retry{where} --id ID`, `inv jobs.purge{where} --state done`")


@task(auto_shortflags=False, help=_WHICH | {"all": "every dead job"} | _WHERE)
def retry(
    _context: Context,
    id: str = "",
    kind: str = "",
    queue: str = "",
    all: bool = False,
    env: str = "",
    local: bool = False,
) -> None:
    """Give dead jobs all their attempts once more."""
    more = _chosen(id, kind=kind, queue=queue)
    worker.run(["jobs", "retry", *more, *(["--all"] if all else [])], env, local)


@task(
    auto_shortflags=False,
    help=_WHICH | {"state": "only jobs that are dead, or only those done", "all": "every dead or done job"} | _WHERE,
)
def purge(
    _context: Context,
    id: str = "",
    kind: str = "",
    queue: str = "",
    state: str = "",
    all: bool = False,
    env: str = "",
    local: bool = False,
) -> None:
    """Remove jobs that are over."""
    more = _chosen(id, kind=kind, queue=queue, state=state)
    worker.run(["jobs", "purge", *more, *(["--all"] if all else [])], env, local)


def _chosen(identity: str, **options: str) -> list[str]:
    """Return the arguments that choose jobs, without those that are empty."""
    named = [argument for name, value in options.items() if value for argument in (f"--{name}", value)]
    return [*([identity] if identity else []), *named]
