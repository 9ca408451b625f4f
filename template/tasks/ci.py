"""What the workflows need of the project: its facts as their outputs, and the index over what their legs built."""

import json
import os
from collections.abc import Collection
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from invoke import Context, task

from ._lib import compose, engine, history, images, pipeline, suites, verification, version
from ._lib.console import say, stop
from ._lib.images import Image
from ._lib.layout import slug
from ._lib.notices import RECEIVERS, send
from ._lib.project import load
from ._lib.run import ROOT, read
from ._lib.ways import named
from .registry import kind_of

GROUP = "ci"

# How a deploy ended, as people say it.
_ENDED = {"success": "has succeeded", "failure": "has failed", "cancelled": "was ended"}


@task(auto_shortflags=False)
def matrix(_context: Context) -> None:
    """Print platforms, kinds of tests and environments as a workflow's outputs: `inv ci.matrix >> "$GITHUB_OUTPUT"`."""
    project = load()
    cache = project.repository("cache")
    platforms = [
        {"platform": platform, "name": slug(platform), "cache": f"{cache}:{slug(platform)}"}
        for platform in project.platforms
    ]
    say(f"platforms={json.dumps(platforms)}")
    tests = [*suites.ALONE, *([suites.INTEGRATION] if suites.with_servers() else [])]
    say(f"tests={json.dumps(tests)}")
    say(f"signed={json.dumps(project.signer is not None)}")
    say(f"environments={json.dumps([project.environment(name).name for name in project.pipeline])}")


@task(auto_shortflags=False)
def validate(_context: Context) -> None:
    """Check what would run, without anything to run it on: each compose file, and each environment's objects."""
    engine.check_plugin("compose")
    # Every variable with what it has where nobody says otherwise.
    command = ["docker", "compose", "--env-file", ".env.example", "--profile", "*", "--file", compose.BASE]
    for overlay in ("", *map(compose.overlay, compose.known_overlays())):
        read([*command, *(["--file", overlay] if overlay else []), "config", "--quiet"])
        say(f"  {overlay or compose.BASE}: valid")
    if (ROOT / "tasks" / "render.py").exists():
        _validate_objects()
    say("\nNothing to correct. Next: `inv build`")


def _validate_objects() -> None:
    """Render the objects of each environment that is on a cluster."""
    render = import_module(".render", __package__)
    for environment in load().environments.values():
        if "namespace" in environment.settings:
            made = render.objects(environment, environment.method)
            say(f"  {environment.name}: {len(made)} objects by {environment.method}, as its values say")


@task(
    positional=["folder"],
    auto_shortflags=False,
    help={
        "folder": "where the records of the legs are, one images.json in a folder for each",
        "latest": "let the tag `latest` mean the same, unless it means a later commit",
    },
)
def index(_context: Context, folder: str, latest: bool = False) -> None:
    """Put what the legs pushed under one tag: an index over all platforms, and its record."""
    engine.check_plugin("buildx")
    project = load()
    legs = [images.recorded(path) for path in sorted(Path(folder).glob("*/images.json"))]
    parts = {name: [leg[name] for leg in legs if name in leg] for name in project.images}
    for name in project.images:
        _check(name, parts[name], project.platforms)
    joined = {name: _join(_ordered(parts[name], project.platforms)) for name in project.images}
    images.record(joined)
    if latest:
        _tag_latest(joined.values())
    say("\nTagged and recorded in .slipway/images.json. Next: `inv deploy --plan`")


def _tag_latest(joined: Collection[Image]) -> None:
    """Move the tag `latest` to images, but never back: this run may have been overtaken, or be repeated."""
    for image in joined:
        digest = images.in_registry(f"{image.repository}:latest")
        there = images.commit(replace(image, digest=digest)) if digest else ""
        if there and history.is_before(image.commit, there):
            say(f"`latest` stays where it is: at the later commit {there}")
            return
    # When all are there: nobody gets the new of one and the old of another for longer than this takes.
    for image in joined:
        images.tag(image, "latest")


def _check(name: str, parts: list[Image], platforms: tuple[str, ...]) -> None:
    """Stop unless an image has a part for each platform, all of one commit, and the registry has them."""
    if len({(part.repository, part.tag) for part in parts}) > 1:
        stop(f"the legs built {name} from different commits", "give the records of one run")
    there = [platform for part in parts for platform in part.platforms]
    lacking = [platform for platform in platforms if platform not in there]
    if lacking:
        stop(f"no leg built {name} for {', '.join(lacking)}", "run the legs that failed again, then this")
    if len(there) != len(set(there)):
        stop(f"two legs built {name} for the same platform", "give the records of one run")
    for part in parts:
        if not part.scanned:
            stop(f"no scan has passed {part.reference}", "let that leg run `inv scan --only images`, then push it")
        if images.in_registry(part.reference) is None:
            stop(f"the registry does not have {part.reference}", "run that leg again: `inv build`, `inv push --leg`")


def _ordered(parts: list[Image], platforms: tuple[str, ...]) -> list[Image]:
    """Return the parts as invoke.yaml has their platforms, so that the same parts always make the same index."""
    return sorted(parts, key=lambda part: platforms.index(next(iter(part.platforms))))


def _join(parts: list[Image]) -> Image:
    """Tag an index over the parts, and return it as the record has it."""
    first = parts[0]
    target = f"{first.repository}:{first.tag}"
    read(["docker", "buildx", "imagetools", "create", "--tag", target, *(part.reference for part in parts)])
    digest = images.in_registry(target)
    if digest is None:
        stop(f"the registry does not have {target} after the push", "run this again")
    seconds, scanned = max(part.seconds for part in parts), min(part.scanned for part in parts)
    joined = Image(first.repository, first.tag, digest, seconds, {}, first.commit, first.version, scanned)
    for part in parts:
        joined.platforms |= part.platforms
    say(f"  {joined.repository}:{joined.tag} is {joined.digest} ({', '.join(joined.platforms)})")
    return joined


@task(positional=["tag"], auto_shortflags=False, help={"tag": "the tag of the release, such as v1.2.0"})
def release(_context: Context, tag: str) -> None:
    """Give the images of this commit a version as their tag, and put its notes into .slipway/notes.md."""
    engine.check_plugin("buildx")
    project = load()
    notes = version.notes(tag)
    commit = read(["git", "rev-parse", "HEAD"]).strip()[:12]
    built = {name: images.tagged(project.repository(name), commit) for name in project.images}
    if project.signer:
        verification.verify(built)
    for image in built.values():
        there = images.in_registry(f"{image.repository}:{tag}")
        if there not in (None, image.digest):
            stop(f"{image.repository}:{tag} is another image already", "release under a version of its own")
    for image in built.values():
        images.tag(image, tag)
        say(f"  {image.repository}:{tag} is {image.digest}")
    images.record(built)
    (images.FOLDER / "notes.md").write_text(notes, encoding="utf-8")
    say("\nTagged. Next: `inv sbom`, and publish .slipway/notes.md with what it writes")


@task(auto_shortflags=False)
def secrets(_context: Context) -> None:
    """Name the secrets that the workflows need: of the registry, of each environment, of who is told."""
    project = load()
    host = project.registry.partition("/")[0]
    kind = kind_of(host)
    say(f"For {host}, which needs {kind['needs']}:")
    automatic = kind["token"] == "GITHUB_TOKEN"  # noqa: S105  # It is a name.
    say("  nothing: a workflow has that by itself" if automatic else f"  {kind['user']}\n  {kind['token']}")
    if project.signer and project.signer.key:
        say("\nTo sign images:\n  COSIGN_PRIVATE_KEY: the private half of the key\n  COSIGN_PASSWORD: its password")
    for name in project.pipeline:
        say(f"\nFor the environment {name} (`gh secret set --env {name} NAME`):")
        for secret, what in _way(name).SECRETS.items():
            say(f"  {secret}: {what}")
    say("\nFor notices, those that are wanted:")
    for secret in RECEIVERS:
        say(f"  {secret}")
    say("\nNext: set them with `gh secret set NAME`; docs/pipeline.md says more")


@task(auto_shortflags=False, help={"env": "the environment in invoke.yaml"})
def connect(_context: Context, env: str) -> None:
    """Let this new machine reach an environment, by the secrets in its variables."""
    _way(env).connect()
    say(f"This machine reaches {env}. Next: `inv deploy --env {env} --plan`")


@task(
    auto_shortflags=False,
    help={"env": "the environment in invoke.yaml", "result": "how the deploy ended: success, failure or cancelled"},
)
def notify(_context: Context, env: str, result: str) -> None:
    """Tell people how a deploy ended; never fails."""
    project = load()
    commit = os.environ.get("GITHUB_SHA", "")[:12] or "unknown"
    url = pipeline.run()
    ended = _ENDED.get(result, f"ended as {result}")
    facts = {"project": project.name, "environment": env, "commit": commit, "result": result, "url": url}
    text = f"{project.name}: deploying {commit} to {env} {ended}"
    say(text)
    send(f"{text} {url}".rstrip(), facts)


def _way(name: str) -> Any:
    """Return the way to an environment."""
    environment = load().environment(name)
    return named(environment.method)(load(), environment)
