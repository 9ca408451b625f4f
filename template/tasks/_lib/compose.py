"""Compose: the development stack's commands, and the stack that is deployed, with exactly the values it is given."""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from . import engine
from .console import stop
from .project import Project, load
from .run import ROOT, bare_environment, read, run

BASE = "docker-compose.yml"
# The label of a service that a rotation of secrets started anew: without a change, it would be left as it is.
ROTATED = "secrets.rotated"


def overlay(name: str) -> str:
    """Return the file of an overlay."""
    return f"docker-compose.{name}.yml"


def known_overlays() -> list[str]:
    """Return the names of the overlays that this project has."""
    return sorted(path.name.split(".")[1] for path in ROOT.glob(overlay("*")))


def overlays(names: Sequence[str]) -> list[str]:
    """Return the files of an environment's overlays; stop with those there are when one is missing."""
    for name in names:
        if not (ROOT / overlay(name)).is_file():
            stop(
                f"there is no {overlay(name)}; there are: {', '.join(known_overlays())}",
                "correct `overlays:` in invoke.yaml",
            )
    return [overlay(name) for name in names]


def development_name(project: Project) -> str:
    """Return the compose project of the development stack; a deployed one never has this name."""
    return f"{project.name}-dev"


def development(overlays: Sequence[str] = ()) -> list[str]:
    """Return the start of every compose command for the development stack, with overlays over it."""
    own = ["override"] if (ROOT / "docker-compose.override.yml").is_file() else []
    files = [argument for file in [BASE, *map(overlay, [*overlays, *own])] for argument in ("--file", file)]
    return ["docker", "compose", "--project-name", development_name(load()), *files]


def run_development(*arguments: str, fix: str, overlays: Sequence[str] = ()) -> None:
    """Run a compose command for the development stack, which is built for this machine, with its base images."""
    environment = {"BUILD_PLATFORM": engine.own_platform()} | load().base_images | os.environ
    run([*development(overlays), *arguments], env=environment, fix=fix)


def render(context: str, name: str, files: list[str], env_file: str, values: dict[str, str]) -> dict[str, Any]:
    """Return the stack as compose resolves it: files, then the env file's values under `values`; never the shell's.

    Stops with compose's own message when it is not valid.
    """
    arguments = [argument for file in files for argument in ("--file", file)]
    docker = ["docker", "--context", context, "compose", "--project-name", name, *arguments, "--env-file", env_file]
    said = read(
        [*docker, "--profile", "*", "config", "--format", "json"],
        env=bare_environment(load().base_images | values),
        fix=f"correct {' or '.join([*files, env_file])}",
    )
    document: dict[str, Any] = json.loads(said)
    # Anchors that the files share have done their work.
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def choose_optional(objects: dict[str, Any], built: Iterable[str]) -> None:
    """Let servers with a profile run when their image was built, and leave them out when not. Tools keep theirs."""
    made = set(built)
    for name, service in list(objects["services"].items()):
        if service.get("profiles") and service.get("restart") != "no":
            if name in made:
                del service["profiles"]
            else:
                del objects["services"][name]


def publishing(objects: dict[str, Any]) -> dict[int, str]:
    """Return the ports that a stack publishes, each with its service."""
    return {
        int(port["published"]): name
        for name, service in objects["services"].items()
        for port in service.get("ports") or ()
    }


def in_order(objects: dict[str, Any]) -> list[list[str]]:
    """Return the services in the order of their dependencies; those of one list need none of each other.

    Services with a profile are run by hand, and left out.
    """
    needs = {
        name: set(service.get("depends_on") or {})
        for name, service in objects["services"].items()
        if not service.get("profiles")
    }
    ordered: list[list[str]] = []
    while needs:
        ready = sorted(name for name, wanted in needs.items() if not wanted & needs.keys())
        ordered.append(ready or sorted(needs))
        needs = {name: wanted for name, wanted in needs.items() if name not in ordered[-1]}
    return ordered


def needed_by(objects: dict[str, Any], services: set[str]) -> set[str]:
    """Return what some services depend on, and what that depends on, without these services themselves."""
    found: set[str] = set()
    left = list(services)
    while left:
        needs = objects["services"].get(left.pop(), {}).get("depends_on") or {}
        left += [name for name in needs if name not in found]
        found |= needs.keys()
    return found - services


def one_shot(objects: dict[str, Any]) -> set[str]:
    """Return the services that others wait for to end, such as a migration."""
    conditions = [
        (name, condition["condition"])
        for service in objects["services"].values()
        for name, condition in (service.get("depends_on") or {}).items()
    ]
    return {name for name, condition in conditions if condition == "service_completed_successfully"}


def env_values(text: str) -> dict[str, str]:
    """Return the variables of an env file."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
