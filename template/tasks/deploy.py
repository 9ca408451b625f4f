"""Deploying: check, show the difference, change, wait until healthy, and return when it does not become so."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import differences, engine, images, releases
from ._lib.console import say, stop
from ._lib.project import Environment, load
from ._lib.releases import Failure, Method, Release
from ._lib.run import ROOT

_ENV = "the environment in invoke.yaml (default: the only one)"


@task(
    auto_shortflags=False,
    help={
        "to": "the way to deploy, instead of the environment's own",
        "env": _ENV,
        "tag": "a pushed tag to deploy, instead of what was built last",
        "images": "a record of images to deploy, instead of .slipway/images.json",
        "plan": "show the difference and change nothing",
        "yes": "do not ask before changing",
    },
)
def deploy(
    _context: Context,
    to: str = "",
    env: str = "",
    tag: str = "",
    images: str = "",
    plan: bool = False,
    yes: bool = False,
) -> None:
    """Deploy what was built: checked first, shown, and taken back when it does not become healthy."""
    environment, method = _method(env, to)
    engine.check()
    wanted = _wanted(tag, images)
    references, values, objects = method.prepare(wanted)
    former = method.releases()
    current = former[-1] if former else None
    lines = differences.compare(current.objects if current else {}, objects)
    _show(environment, current, lines)
    if plan:
        say(f"\nNothing was changed. Next: `inv deploy --env {environment.name}`")
        return
    _confirm(yes)
    number = current.number + 1 if current else 1
    release = Release(number, number, releases.commit(), releases.who(), releases.now(), references, values, objects)
    _change(environment, method, release, current)


@task(
    auto_shortflags=False,
    help={"env": _ENV, "release": "its number (default: the one before)", "yes": "do not ask before changing"},
)
def rollback(_context: Context, env: str = "", release: int = 0, yes: bool = False) -> None:
    """Return to a former release, exactly as the target remembers it: also from another checkout."""
    environment, method = _method(env)
    engine.check()
    former = method.releases()
    if not former:
        stop(f"{environment.name} has no release to return to", "deploy one: `inv deploy`")
    current = former[-1]
    goal = _goal(former, release)
    method.prepare_again(goal)
    _show(environment, current, differences.compare(current.objects, goal.objects))
    _confirm(yes)
    again = replace(goal, number=current.number + 1, author=releases.who(), time=releases.now())
    _change(environment, method, again, current)


@task(auto_shortflags=False, help={"env": _ENV})
def status(_context: Context, env: str = "") -> None:
    """Show what runs, where it answers, and the releases."""
    environment, method = _method(env)
    engine.check()
    former = method.releases()
    if not former:
        say(f"{environment.name} has no release. Next: `inv deploy --plan`")
        return
    say(f"{environment.name} at {method.address()}\n")
    for name, state, image in method.status():
        say(f"  {name:12} {state:12} {image}")
    say("\nReleases, newest first:")
    for one in reversed(former):
        back = f", back to {one.origin}" if one.origin != one.number else ""
        say(f"  {one.number:3}  {one.time}  {one.commit[:12]}  {one.author}{back}")
    say("\nNext: `inv logs`, `inv rollback`")


@task(auto_shortflags=False, help={"env": _ENV, "service": "only this one's", "follow": "go on until Ctrl-C"})
def logs(_context: Context, env: str = "", service: str = "", follow: bool = False) -> None:
    """Show the last lines that the parts logged."""
    _, method = _method(env)
    engine.check()
    method.logs(service, follow)


@task(auto_shortflags=False, help={"env": _ENV, "data": "delete the data too", "yes": "do not ask before changing"})
def destroy(_context: Context, env: str = "", data: bool = False, yes: bool = False) -> None:
    """Remove everything that was deployed, and the releases; the data stays, unless --data."""
    environment, method = _method(env)
    engine.check()
    say(f"This removes {environment.name} and its releases{', AND ITS DATA' if data else '; its data stays'}.")
    _confirm(yes)
    method.destroy(data)
    say("\nRemoved. Next: `inv deploy`")


def _method(env: str, to: str = "") -> tuple[Environment, Method]:
    """Return an environment and its way of deploying; stop with the ways there are when it has none such."""
    project = load()
    environment = project.environment(env or None)
    name = to or environment.method
    ways = sorted(path.stem for path in (ROOT / "tasks" / "methods").glob("[a-z]*.py"))
    if name not in ways:
        stop(
            f"there is no way to deploy called {name!r}; there are: {', '.join(ways)}",
            "correct --to, or `method:` in invoke.yaml",
        )
    method: Method = import_module(f".methods.{name}", __package__).Method(project, environment)
    return environment, method


def _wanted(tag: str, record: str) -> dict[str, images.Image]:
    """Return the images to deploy: of a tag, of a record, or those built last."""
    project = load()
    if tag:
        found = {}
        for name in project.binaries:
            reference = f"{project.repository(name)}:{tag}"
            digest = images.in_registry(reference)
            if digest is None:
                stop(f"the registry has no {reference}", "push it first: `inv push --tag …`, or name another --tag")
            found[name] = images.Image(project.repository(name), tag, digest, 0.0)
        return found
    path = Path(record) if record else images.RECORD
    found = images.recorded(path)
    lacking = [name for name in project.binaries if name not in found]
    if lacking:
        stop(
            f"there is no image of {', '.join(lacking)} in {path}",
            "build them: `inv build`, or deploy a pushed one with --tag",
        )
    return {name: found[name] for name in project.binaries}


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


def _show(environment: Environment, current: Release | None, lines: list[str]) -> None:
    against = f"release {current.number}" if current else "nothing, because there is no release yet"
    say(f"{environment.name}, compared with {against}:")
    for line in lines or ["(no difference)"]:
        say(f"  {line}")


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        stop("nobody is here to ask, so nothing was changed", "add --yes")
    if input("\nGo on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Exit("Nothing was changed.", 1)


def _change(environment: Environment, method: Method, release: Release, current: Release | None) -> None:
    """Apply a release under the lock and record it; when it fails, return to the current one and end with 1."""
    with method.lock(next(iter(release.images.values()))):
        failures = method.apply(release.objects)
        if failures:
            _tell(failures)
            _return(environment, method, current)
        method.record(release)
    again = f" (release {release.origin} again)" if release.origin != release.number else ""
    say(f"\nRelease {release.number}{again} is healthy at {method.address()}")
    say(f"Next: `inv status`, `inv logs`; back with `inv rollback --env {environment.name}`")


def _return(environment: Environment, method: Method, current: Release | None) -> NoReturn:
    """Bring the current release back, and end with 1 whether that worked or not."""
    if current is None:
        stop(
            "the first release did not become healthy; nothing was serving before, and it was left as it is",
            f"correct what the lines above name and deploy again; `inv destroy --env {environment.name}` removes it",
        )
    say(f"\nReturning to release {current.number} …")
    failures = method.apply(current.objects)
    if failures:
        _tell(failures)
        stop(
            f"the new release failed, and release {current.number} did not come back",
            "read the lines above; then `inv rollback --release N` to an older one",
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
