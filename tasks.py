"""Maintainers' tasks: render a preset, then run that project's own tasks in it. `inv --list` names them."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from invoke import Collection, Context, Exit, task

from tools import fleet
from tools import lock as lock_file
from tools import plain as plain_files
from tools.answers import CHECKOUT
from tools.rendering import start_project

PROJECTS = CHECKOUT / "build" / "presets"

HELP = {
    "preset": "a file in presets/, without its ending (default: default)",
    "into": "the project's folder (default: build/presets/<preset>)",
    "flags": 'what the project\'s task is given, as one word: --flags "--platforms all"',
}


def start(preset: str, into: str) -> Path:
    """Make the project of a preset, or end with why it cannot be made."""
    try:
        return start_project(preset, Path(into) if into else PROJECTS / preset)
    except ValueError as error:
        raise Exit(str(error)) from None


def run(project: Path, name: str, flags: str) -> None:
    """Run one of a project's own tasks in it, and end with its exit code."""
    print(f"{project}: inv {name} {flags}".rstrip(), flush=True)
    ended = subprocess.run([sys.executable, "-m", "invoke", name, *shlex.split(flags)], cwd=project, check=False)
    if ended.returncode:
        raise Exit(code=ended.returncode)


@task(help={name: HELP[name] for name in ("preset", "into")})
def render(_context: Context, preset: str = "default", into: str = "") -> None:
    """Make the project of a preset, replacing what is in the folder."""
    print(f"{start(preset, into)} is ready.")


@task(help=HELP, auto_shortflags=False)
def build(_context: Context, preset: str = "default", into: str = "", flags: str = "") -> None:
    """Render a preset and build its images."""
    run(start(preset, into), "build", flags)


@task(help=HELP, auto_shortflags=False)
def push(_context: Context, preset: str = "default", into: str = "", flags: str = "") -> None:
    """Render a preset, build its images and push them."""
    run(start(preset, into), "build", f"--push {flags}")


@task(help=HELP, auto_shortflags=False)
def deploy(_context: Context, preset: str = "default", into: str = "", flags: str = "") -> None:
    """Render a preset, build and push its images, and deploy them."""
    project = start(preset, into)
    run(project, "build", "--push")
    run(project, "deploy", flags)


@task
def demo(_context: Context) -> None:
    """Show the main job on this machine, as `./nox -s demo` does."""
    subprocess.run([sys.executable, "-m", "demo"], cwd=CHECKOUT, check=True)


@task
def lock(_context: Context) -> None:
    """Make template/Cargo.lock.jinja anew, after any change to template/Cargo.lock."""
    lock_file.main()


@task
def plain(_context: Context) -> None:
    """Write the plain file beside each .jinja file anew, after any change to one."""
    plain_files.main()


namespace = Collection(render, build, push, deploy, demo, lock, plain)
namespace.add_collection(Collection.from_module(fleet), "fleet")
