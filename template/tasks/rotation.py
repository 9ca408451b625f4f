"""Rotating secrets: a new password while the old one still works, and then the old one no more."""

import secrets
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from invoke import Context, task

from ._lib import changing, compose, releases, secret_files, stacks, target
from ._lib.console import confirm, say, stop
from ._lib.releases import Failure, Method, Release

GROUP = "secrets"


@task(
    auto_shortflags=False,
    help={
        "name": "the secret's name, such as that of its file",
        "env": changing.ENV,
        "yes": "do not ask before changing",
    },
)
def rotate(_context: Context, name: str, env: str = "", yes: bool = False) -> None:
    """Give a secret a new value while everything serves; it becomes a release of its own, with the way back."""
    kind = _kind(name)
    environment, method, former = changing.deployed(env)
    stack = stacks.stack(environment.name)
    if not former:
        stop(f"{environment.name} has no release, so nothing uses {name} yet", "deploy first: `inv deploy`")
    machine = target.of_context(environment.context)
    folder = machine.expand(str(environment.settings["secrets"]))
    current = former[-1]
    overlays = environment.settings.get("overlays", [])
    files = [name, *secret_files.made_of(name, overlays)]
    services = _users(current, files) - {kind.SERVICE}
    unfinished = kind.unfinished(stack, secret_files.read(machine, folder, files))
    if unfinished:
        say(f"A former rotation of {name} failed or was cut off: this one ends it, with the value that its file has.")
    else:
        say(f"This gives {name} of {environment.name} a new value.")
    say(f"It starts {', '.join(sorted(services))} anew.")
    confirm(yes)
    release = _marked(current, services)

    def apply(release: Release, before: Release | None) -> list[Failure]:
        return _rotate(kind, stack, (machine, folder), files, overlays, method, release, before, unfinished)

    changing.change(environment, method, release, current, apply)
    if unfinished:
        stop(
            f"{name} is what its file had: only the former rotation was ended",
            "run the same command again for a new value",
        )
    say(f"Keep a copy of {folder} in a safe place: the one before opens nothing any more.")


def _rotate(
    kind: Any,
    stack: stacks.Stack,
    place: tuple[target.Target, str],
    files: list[str],
    overlays: list[str],
    method: Method,
    release: Release,
    before: Release | None,
    unfinished: bool,
) -> list[Failure]:
    """Let the new value in, start what uses it anew, shut the old one out; back to the old one when that fails."""
    name = files[0]
    held = secret_files.read(*place, files)
    if unfinished:
        fresh = held
    else:
        password = secrets.token_urlsafe(32)
        fresh = {name: password} | secret_files.derived(*place, files[1:], {name: password}, overlays)
        fresh |= kind.prepare(stack, held, password)
    failures = [Failure("", "", "", "")]
    try:
        secret_files.rewrite(*place, fresh)
        failures = method.apply(release, before)
    finally:
        if failures:
            secret_files.rewrite(*place, held)
    if not failures:
        kind.finish(stack, fresh, fresh[name])
    return failures


def _marked(current: Release, services: set[str]) -> Release:
    """Return the current release once more, with a mark on some services that makes them start anew."""
    number, time = current.number + 1, releases.now()
    marked = dict(current.objects["services"])
    for service in services:
        marked[service] = {
            **marked[service],
            "labels": {**(marked[service].get("labels") or {}), compose.ROTATED: time},
        }
    objects = {**current.objects, "services": marked}
    return replace(current, number=number, origin=number, author=releases.who(), time=time, objects=objects)


def _users(release: Release, files: list[str]) -> set[str]:
    """Return the services that run and read any of some secrets."""
    return {
        name
        for name, service in release.objects["services"].items()
        if not service.get("profiles") and {one["source"] for one in service.get("secrets") or ()} & set(files)
    }


def _kind(name: str) -> Any:
    """Return the module of a secret; stop with those that there are."""
    names = sorted(path.stem for path in (Path(__file__).parent / "_lib" / "rotation").glob("[a-z]*.py"))
    if name not in names:
        stop(f"{name!r} cannot be rotated; what can: {', '.join(names)}", "others follow from these by themselves")
    return import_module(f"._lib.rotation.{name}", __package__)
