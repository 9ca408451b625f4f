"""Images: building them for every platform, proving what is in them, and pushing them."""

import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke import Context, task

from ._lib import configured, engine, history, images, proof, provenance, version
from ._lib.console import say, stop
from ._lib.layout import Layout, slug
from ._lib.project import Project, load
from ._lib.run import ROOT, run

# How often one image is sent at most, while the registry fails on its side. What it has is not sent twice.
_TRIES = 3
# Points the image of a builder that `inv build` creates elsewhere.
_BUILDKIT = "BUILDKIT_IMAGE"


@task(
    auto_shortflags=False,
    help={
        "only": "images to build, separated by commas (default: all)",
        "platforms": "platforms, separated by commas, or `all` (default: this machine's)",
        "push": "send the images to the registry as well",
        "builder": "a buildx builder, such as a remote BuildKit (default: the current one)",
        "cache-from": "where layers may be taken from, such as type=registry,ref=HOST/NAME:cache",
        "cache-to": "where layers are kept for other machines, such as type=registry,ref=HOST/NAME:cache,mode=max",
        "registry": "another registry than invoke.yaml's",
    },
)
def build(
    _context: Context,
    only: str = "",
    platforms: str = "",
    push: bool = False,
    builder: str = "",
    cache_from: str = "",
    cache_to: str = "",
    registry: str = "",
) -> None:
    """Build the images, prove each platform's binary, and record them in .slipway/images.json."""
    project = load()
    names = _choose("image", only, project.images, project.images)
    chosen = _choose("platform", platforms, project.platforms, (engine.own_platform(),))
    engine.check()
    engine.check_plugin("buildx")
    if push:
        images.check_reach(project.repository(names[0], registry or None))
    used = _builder(project, builder, len(chosen) > 1 or bool(cache_to))
    source = _source()
    plan = _plan(project, names, chosen, registry or project.registry, source)
    for name, target in plan["target"].items():
        target["output"] = [_output(name, used, len(chosen))]
        target["cache-from"] = [cache_from] if cache_from else []
        target["cache-to"] = [cache_to] if cache_to else []
    for name in names:
        # A builder adds to a layout that is there, and one of another build must not pass for this one.
        shutil.rmtree(_layout(name), ignore_errors=True)
    say(f"Building {', '.join(names)} for {', '.join(chosen)} …")
    started = time.monotonic()
    digests = _bake(plan, used)
    seconds = round(time.monotonic() - started, 1)
    built = {
        name: images.Image(
            project.repository(name, registry or None),
            source.tag,
            digests[name],
            seconds,
            commit=source.commit,
            version=source.version,
        )
        for name in names
    }
    before = images.recorded()
    for name, image in built.items():
        # Where nothing is compiled, there is nothing to prove.
        proven = name in project.binaries
        image.platforms = _prove(name, image, chosen, before.get(name)) if proven else {one: {} for one in chosen}
    images.record(built)
    say(f"Built in {seconds} s and recorded in .slipway/images.json.")
    if push:
        _push_all(built)
    else:
        # An archive is not in the engine.
        here = (ROOT / "tasks/deploy.py").exists() and (used.own or len(chosen) == 1)
        say("\nNext: `inv push`" + (", or `inv deploy` on this machine" if here else ""))


@task(
    auto_shortflags=False,
    help={
        "tag": "the tag to push under (default: the one it was built with)",
        "registry": "another registry than the recorded one, such as localhost:5000/try",
        "leg": "under a tag of the platform's own: `inv ci.index` gives the legs of all platforms theirs",
    },
)
def push(_context: Context, tag: str = "", registry: str = "", leg: bool = False) -> None:
    """Push what was built last. Builds nothing."""
    built = images.recorded()
    if not built:
        stop(
            "nothing has been built yet", "build first: `inv build`, or `inv build --platforms all` for every platform"
        )
    engine.check()
    _push_all(built, registry, tag, leg)


def _push_all(built: dict[str, images.Image], registry: str = "", tag: str = "", leg: bool = False) -> None:
    """Push images, to another registry or tag where these are not empty, and record where they are."""
    project = load()
    for name, image in built.items():
        local = images.in_engine(image.digest) or images.in_engine(image.reference)
        if registry:
            image.repository = project.repository(name, registry)
        image.tag = tag or image.tag
        target = f"{image.repository}:{image.tag}" + "".join(f"-{slug(one)}" for one in image.platforms if leg)
        _push(name, image, local, target)
        say(f"  {target} is {image.digest} ({', '.join(image.platforms)})")
    images.record(built)
    then = "`inv deploy --plan`" if (ROOT / "tasks/deploy.py").exists() else "`inv --list`"
    say(f"\nPushed. Next: {'`inv ci.index`, when the other legs are pushed' if leg else then}")


def _choose(what: str, wanted: str, allowed: tuple[str, ...], default: tuple[str, ...]) -> list[str]:
    """Return the names in a comma-separated list; stop at one that is not allowed, with those that are."""
    if wanted == "all":
        return list(allowed)
    names = [name.strip() for name in wanted.split(",") if name.strip()] or list(default)
    for name in names:
        if name not in allowed:
            stop(f"{what} {name!r} is not supported", f"choose from: {', '.join(allowed)}")
    return names


@dataclass(frozen=True)
class _Source:
    """What is built: its commit and version, and the tag for images of it."""

    tag: str
    commit: str
    version: str


def _source() -> _Source:
    """Return what this tree is; one with changes of its own is said to be dirty."""
    commit = history.commit()
    if commit == "unknown":
        return _Source("dev", commit, version.current())
    dirty = "-dirty" if history.has_changes() else ""
    return _Source(commit[:12] + dirty, commit + dirty, version.current())


def _plan(project: Project, names: list[str], platforms: list[str], registry: str, source: _Source) -> dict[str, Any]:
    """Return the build as a bake file: all binaries in one graph, so that they share one compilation."""
    bases = base_images(project)
    arguments = {
        "PLATFORMS": ",".join(platforms),
        "VERSION": source.version,
        "REVISION": source.commit,
    } | {name: value for name, value in bases.items() if name == "CHEF_IMAGE"}
    if origin := provenance.source():
        arguments["SOURCE"] = origin
    return {
        "group": {"default": {"targets": names}},
        "target": {
            name: (
                {"context": ".", "target": name, "args": arguments}
                if name in project.binaries
                else configured.target(name, bases)
            )
            | {
                "platforms": platforms,
                "tags": [f"{project.repository(name, registry)}:{source.tag}"],
                # Provenance and the bill of materials are attached to what is released, not to every build.
                "attest": ["type=provenance,disabled=true"],
            }
            for name in names
        },
    }


def base_images(project: Project) -> dict[str, str]:
    """Return base images that invoke.yaml or the shell points elsewhere, such as CHEF_IMAGE; the shell wins."""
    others = [images.variable(name, "BASE_IMAGE") for name in project.configured]
    named = ("CHEF_IMAGE", _BUILDKIT, *others, *project.base_images)
    return project.base_images | {name: os.environ[name] for name in named if name in os.environ}


def _builder(project: Project, wanted: str, more: bool) -> engine.Builder:
    """Return the builder to use; one that has to be created gets the image that BUILDKIT_IMAGE points to."""
    return engine.choose_builder(project.name, wanted or None, more, base_images(project).get(_BUILDKIT, ""))


def _output(name: str, used: engine.Builder, platforms: int) -> str:
    """Return where a builder puts an image: the engine's store where that can hold it, else a layout under .slipway."""
    if used.own:
        return "type=image"
    return "type=docker" if platforms == 1 else f"type=oci,tar=false,dest={_layout(name)}"


def _layout(name: str) -> Path:
    return images.FOLDER / "layouts" / name


def _bake(plan: dict[str, Any], used: engine.Builder) -> dict[str, str]:
    """Run the build and return each image's digest; of what was put into the engine, the one that it has there."""
    images.FOLDER.mkdir(exist_ok=True)
    # Docker from a snap has a /tmp of its own.
    with tempfile.TemporaryDirectory(dir=images.FOLDER) as folder:
        metadata = Path(folder) / "metadata.json"
        run(
            ["docker", "buildx", "bake", *used.flags, "--file", "-", "--metadata-file", str(metadata)],
            stdin=json.dumps(plan),
            fix="the first `error` above is the cause; `docker build --progress plain .` shows every line",
        )
        said = json.loads(metadata.read_text(encoding="utf-8"))
    return {
        name: (target["output"] == ["type=docker"] and images.in_engine(target["tags"][0]))
        or str(said[name]["containerimage.digest"])
        for name, target in plan["target"].items()
    }


def _prove(name: str, image: images.Image, platforms: list[str], before: images.Image | None) -> dict[str, Any]:
    """Prove an image, unless it is the one that was proven before, and return its platforms as the record has them."""
    if before and before.digest == image.digest and set(platforms) <= set(before.platforms):
        say(f"  {name}: as before, {image.digest}")
        return before.platforms
    if images.in_engine(image.digest):
        parts = proof.prove(name, Layout.of_engine(image.digest), platforms, f"{image.repository}:{image.tag}")
    else:
        parts = proof.prove(name, Layout.of_folder(_layout(name)), platforms, None)
    return {platform: {"digest": part.digest, "size_bytes": part.size_bytes} for platform, part in parts.items()}


def _push(name: str, image: images.Image, local: str | None, target: str) -> None:
    """Push one image, which the engine has as `local` or else lies in a layout, and set the digest that it got."""
    if local:
        run(["docker", "tag", local, target])
        run(["docker", "push", "--quiet", target], tries=_TRIES)
    elif _layout(name).is_dir():
        source = ["--build-context", f"image=oci-layout://{_layout(name)}", "--platform", ",".join(image.platforms)]
        used = _builder(load(), "", len(image.platforms) > 1)
        build = ["docker", "buildx", "build", *used.flags, *source, "--provenance=false"]
        run([*build, "--push", "--tag", target, "-"], stdin="FROM image\n", tries=_TRIES)
    else:
        stop(f"the image of {name} is no longer here", "make it again: `inv build`")
    digest = images.in_registry(target)
    if digest is None:
        stop(f"the registry does not have {target} after the push", "push again, and read what the registry says")
    image.digest = digest
