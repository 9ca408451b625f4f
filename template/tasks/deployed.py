"""What is deployed: looking at it, going back, removing it."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from invoke import Context, task

from ._lib import changing, releases
from ._lib.console import confirm, say, stop, tell
from ._lib.releases import Method, Release


@task(
    auto_shortflags=False,
    help={
        "env": changing.ENV,
        "release": "its number (default: the one before)",
        "strategy": "how it takes over: rolling, blue-green or canary (default: rolling)",
        "weight": "the percentage of clients that a canary serves while it is judged",
        "yes": "do not ask before changing",
    },
)
def rollback(
    _context: Context, env: str = "", release: int = 0, strategy: str = "", weight: int = 0, yes: bool = False
) -> None:
    """Return to a former release, exactly as the target remembers it: also from another checkout."""
    environment, method, former = changing.deployed(env)
    if not former:
        stop(f"{environment.name} has no release to return to", "deploy one: `inv deploy`")
    current = former[-1]
    goal = _goal(former, release)
    changing.use(method, strategy, weight)
    method.prepare_again(goal)
    changing.show(environment, current, method.compare(current, goal.objects))
    confirm(yes)
    again = replace(goal, number=current.number + 1, author=releases.who(), time=releases.now())
    changing.change(environment, method, again, current, method.apply_again)


@task(auto_shortflags=False, help={"env": changing.ENV, "json": "as JSON, for programs"})
def status(_context: Context, env: str = "", json: bool = False) -> None:
    """Show what runs, where it answers, and the releases."""
    environment, method, former = changing.deployed(env)
    if json:
        tell(_facts(environment.name, method, former))
        return
    if not former:
        say(f"{environment.name} has no release. Next: `inv deploy --env {environment.name} --plan`")
        return
    say(f"{environment.name} at {method.address()}\n")
    parts = method.status()
    width = max(12, *(len(name) for name, _, _ in parts)) if parts else 12
    for name, state, image in parts:
        say(f"  {name:{width}} {state:12} {image}")
    say("\nReleases, newest first:")
    for one in reversed(former):
        back = f", back to {one.origin}" if one.origin != one.number else ""
        say(f"  {one.number:3}  {one.time}  {one.code[:12]}  {one.author}{back}")
    say(f"\nNext: `inv logs --env {environment.name}`, `inv rollback --env {environment.name}`")


def _facts(environment: str, method: Method, former: list[Release]) -> dict[str, Any]:
    """Return what `status` shows, releases with the newest first."""
    parts = [{"name": name, "state": state, "image": image} for name, state, image in method.status()] if former else []
    kept = ("number", "time", "author", "origin")
    return {
        "environment": environment,
        "address": method.address() if former else None,
        "parts": parts,
        "releases": [{"commit": one.code, **{name: getattr(one, name) for name in kept}} for one in reversed(former)],
    }


@task(
    auto_shortflags=False,
    help={"env": changing.ENV, "service": "only this one's", "follow": "go on until Ctrl-C"},
)
def logs(_context: Context, env: str = "", service: str = "", follow: bool = False) -> None:
    """Show the last lines that the parts logged."""
    _, method, _ = changing.deployed(env)
    method.logs(service, follow)


@task(
    auto_shortflags=False,
    help={
        "to": "the way it was deployed, where no release says so",
        "env": changing.ENV,
        "data": "delete the data too",
        "yes": "do not ask before changing",
    },
)
def destroy(_context: Context, to: str = "", env: str = "", data: bool = False, yes: bool = False) -> None:
    """Remove everything that was deployed, and the releases; the data stays, unless --data."""
    environment, method, former = changing.deployed(env, to)
    say(f"This removes {environment.name} and its releases{', AND ITS DATA' if data else '; its data stays'}.")
    confirm(yes)
    # Where nothing runs, there may be none of the images that a lock is made of, or no namespace for it.
    with method.lock(former[-1]) if former and method.status() else nullcontext():
        method.destroy(data)
    say(f"\nRemoved. Next: `inv deploy --env {environment.name}`")


def _goal(former: list[Release], number: int) -> Release:
    """Return the release to go back to: that of a number, or the newest one before the current one's origin."""
    known = ", ".join(str(one.number) for one in former)
    if number:
        for one in former:
            if one.number == number:
                return one
        stop(f"there is no release {number}; the target remembers {known}", "name one of these with --release")
    older = [one for one in former if one.number < former[-1].origin]
    if not older:
        stop(
            f"there is no release before {former[-1].origin}",
            f"name one with --release (there are {known}), or deploy another image",
        )
    return older[-1]
