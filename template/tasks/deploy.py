"""Deploying: check, show the difference, change, wait until healthy, and return when it does not become so."""

import shlex
from pathlib import Path

from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import changing, differences, history, images, migrations, releases, verification
from ._lib.console import confirm, say, stop
from ._lib.project import load
from ._lib.releases import Permitted, Release

GROUP = "deploy"


@task(
    default=True,
    auto_shortflags=False,
    help={
        "to": "the way to deploy, instead of the environment's own",
        "env": changing.ENV,
        "tag": "a pushed tag to deploy, instead of what was built last",
        "images": "a record of images to deploy, instead of .slipway/images.json",
        "strategy": "how the new takes over: rolling, blue-green or canary (default: rolling)",
        "weight": "the percentage of clients that a canary serves while it is judged",
        "destructive": "let migrations run that the release before cannot work with",
        "forward": "change nothing when what runs is of a later commit, as of another run of a pipeline",
        "plan": "show the difference and change nothing; ends with 0 when there is none, and 2 when there is",
        "create-namespace": "make the namespace when the cluster does not have it",
        "adopt": "take over what another way of deploying made",
        "yes": "do not ask before changing",
    },
)
def deploy(
    _context: Context,
    to: str = "",
    env: str = "",
    tag: str = "",
    images: str = "",
    strategy: str = "",
    weight: int = 0,
    destructive: bool = False,
    forward: bool = False,
    plan: bool = False,
    create_namespace: bool = False,
    adopt: bool = False,
    yes: bool = False,
) -> None:
    """Deploy what was built: checked first, shown, and taken back when it does not become healthy."""
    environment, method = changing.method(env, to)
    method.check()
    changing.use(method, strategy, weight)
    wanted = _wanted(method.images(), tag, images)
    if environment.settings.get("verify"):
        verification.verify(wanted)
    references, values, objects = method.prepare(wanted, Permitted(create_namespace, adopt))
    former = method.releases()
    current = former[-1] if former else None
    source = migrations.source(wanted.values())
    commit = history.commit()
    if forward and current and history.is_before(source or commit, current.code):
        say(f"Release {current.number} of {environment.name} is of a later commit, {current.code[:12]}.")
        say(f"Nothing was changed. To go back: `inv rollback --env {environment.name}`")
        return
    if current and not destructive:
        migrations.check(current.code, source)
    lines = method.compare(current, objects)
    changing.show(environment, current, lines)
    if plan:
        again = _flags(to=to, env=environment.name, tag=tag, images=images, strategy=strategy, weight=weight)
        again += _flags(destructive=destructive, forward=forward, create_namespace=create_namespace, adopt=adopt)
        say(f"\n{differences.count(lines)}. Nothing was changed. Next: `inv deploy{again}`")
        raise Exit(code=2 if lines else 0)
    confirm(yes)
    number = current.number + 1 if current else 1
    release = Release(
        number=number,
        origin=number,
        commit=commit,
        author=releases.who(),
        time=releases.now(),
        images=references,
        values=values,
        objects=objects,
        method=to or environment.method,
        source="" if source == commit else source,
    )
    changing.change(environment, method, release, current, method.apply)


def _flags(**given: str | int) -> str:
    """Return those flags of a command line that were given."""
    words = [("--" + name.replace("_", "-"), value) for name, value in given.items() if value]
    return "".join(f" {flag}" if value is True else f" {flag} {shlex.quote(str(value))}" for flag, value in words)


def _wanted(names: tuple[str, ...], tag: str, record: str) -> dict[str, images.Image]:
    """Return the images to deploy: of a tag, of a record, or those built last."""
    if tag:
        project = load()
        tagged = {name: images.tagged(project.repository(name), tag) for name in names}
        for name, image in tagged.items():
            # The others have the labels of the image that they are made from.
            if name in project.binaries:
                image.commit = images.commit(image)
        return tagged
    path = Path(record) if record else images.RECORD
    found = images.recorded(path)
    lacking = [name for name in names if name not in found]
    if lacking:
        stop(
            f"there is no image of {', '.join(lacking)} in {path}",
            "build them: `inv build`, or deploy a pushed one with --tag",
        )
    return {name: found[name] for name in names}
