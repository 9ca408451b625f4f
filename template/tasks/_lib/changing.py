"""What every change of an environment has in common: its way, the question, the lock, and the way back."""

from collections.abc import Callable
from typing import NoReturn

from invoke.exceptions import Exit

from . import ways
from .console import reason, say, stop
from .project import Environment, load
from .releases import Failure, Method, Release, Strategy

ENV = "the environment in invoke.yaml (default: the only one)"


def method(env: str, to: str = "") -> tuple[Environment, Method]:
    """Return an environment and its way of deploying; stop with the ways there are when it has none such."""
    environment = load().environment(env or None, to)
    return environment, _way(environment, to or environment.method)


def deployed(env: str, to: str = "") -> tuple[Environment, Method, list[Release]]:
    """Return an environment, its releases, and the way by which it was deployed last, unless `to` names one."""
    environment, way = method(env, to)
    way.check()
    former = way.releases()
    if not to and former and former[-1].method not in ("", environment.method):
        way = _way(environment, former[-1].method)
        way.check()
    return environment, way, former


def _way(environment: Environment, name: str) -> Method:
    if name not in ways.names():
        stop(
            f"there is no way to deploy called {name!r}; there are: {', '.join(ways.names())}",
            "correct --to, or `method:` in invoke.yaml",
        )
    way: Method = ways.named(name)(load(), environment)
    return way


def use(method: Method, strategy: str, weight: int) -> None:
    """Make a method use a strategy, if one is named; stop at a weight that nothing has."""
    if weight and strategy != "canary":
        stop("--weight is the share of a canary", "add --strategy canary, or leave --weight out")
    if weight and not 1 <= weight <= 99:
        stop(f"--weight {weight} is no percentage of some clients", "choose from 1 to 99")
    if strategy:
        method.use(Strategy(strategy, weight or 10))


def show(environment: Environment, current: Release | None, lines: list[str]) -> None:
    """Show a difference."""
    against = f"release {current.number}" if current else "nothing, because there is no release yet"
    say(f"{environment.name}, compared with {against}:")
    for line in lines or ["(no difference)"]:
        say(f"  {line}")


def change(
    environment: Environment,
    method: Method,
    release: Release,
    current: Release | None,
    apply: Callable[[Release, Release | None], list[Failure]],
) -> None:
    """Apply a release under the lock and record it; when it fails, return to the current one and end with 1."""
    with method.lock(release):
        if method.releases()[-1:] != ([current] if current else []):
            stop("somebody deployed since the checks began, so nothing was changed", "run the same command again")
        try:
            failures = apply(release, current)
        except KeyboardInterrupt:
            again = f"`inv rollback --env {environment.name} --release {current.number}`, or " if current else ""
            say(f"\nEnded half-way, and nothing was taken back. Next: {again}deploy again")
            raise
        if failures:
            _tell(failures)
            _return(environment, release, current)
        _record(method, release)
    again = f" (release {release.origin} again)" if release.origin != release.number else ""
    say(f"\nRelease {release.number}{again} is healthy at {method.address()}")
    say(f"Next: `inv status --env {environment.name}`; back with `inv rollback --env {environment.name}`")


def _record(method: Method, release: Release) -> None:
    try:
        method.record(release)
    except Exit as stopped:
        stop(
            f"release {release.number} is healthy and serves, but is not remembered: {reason(stopped)}",
            "run the same command again: what serves stays as it is, and is remembered then",
        )


def _return(environment: Environment, release: Release, current: Release | None) -> NoReturn:
    """Bring the current release back, by the way it was deployed, and end with 1 whether that worked or not."""
    if current is None:
        # It is recorded nowhere, so nothing else would know its way.
        by = f" --to {release.method}" if release.method not in ("", environment.method) else ""
        stop(
            "the first release did not become healthy; nothing was serving before, and it was left as it is",
            f"correct what is named above and deploy again; `inv destroy --env {environment.name}{by}` removes it",
        )
    say(f"\nReturning to release {current.number} …")
    try:
        failures = _way(environment, current.method or release.method).apply_again(current, release)
    except Exit as stopped:
        failures = [Failure(environment.name, reason(stopped), "", "")]
    if failures:
        _tell(failures)
        stop(
            f"the new release failed, and release {current.number} did not come back",
            f"read the lines above; then `inv rollback --env {environment.name} --release N` to an older one",
        )
    stop(
        f"the new release did not become healthy; release {current.number} serves again",
        "correct what the probe and log lines above name, then deploy again",
    )


def _tell(failures: list[Failure]) -> None:
    for failure in failures:
        say(f"\n{failure.part}: {failure.state}")
        if failure.probe:
            say(f"  its probe said: {failure.probe}")
        if failure.logs:
            say("  last log lines:\n" + "\n".join(f"    {line}" for line in failure.logs.splitlines()))
