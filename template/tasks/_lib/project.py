"""The project's facts: invoke.yaml, read once and checked against its schema."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .console import stop
from .run import ROOT

FILE = ROOT / "invoke.yaml"
_SCHEMA = Path(__file__).with_name("invoke.schema.json")


@dataclass(frozen=True)
class Environment:
    """Where one environment runs, and how it gets there."""

    name: str
    method: str
    context: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Signer:
    """Who may sign images: whoever has the private half of a key, or a workflow that an issuer vouches for."""

    key: str = ""
    identity: str = ""
    issuer: str = "https://token.actions.githubusercontent.com"

    def __str__(self) -> str:
        """Return how people are told of it."""
        return self.key or self.identity


@dataclass(frozen=True)
class Project:
    """What invoke.yaml says."""

    name: str
    registry: str
    binaries: tuple[str, ...]
    configured: tuple[str, ...]
    servers: tuple[str, ...]
    platforms: tuple[str, ...]
    base_images: dict[str, str]
    environments: dict[str, Environment]
    # Those that the pipeline deploys to, in their order.
    pipeline: tuple[str, ...]
    # Who may sign images, where that is said.
    signer: Signer | None

    def repository(self, image: str, registry: str | None = None) -> str:
        """Return the repository of an image, in `registry` or the project's own."""
        return f"{registry or self.registry}/{self.name}-{image}"

    @property
    def images(self) -> tuple[str, ...]:
        """The images that this project makes: of its binaries, and of others with its configuration."""
        return self.binaries + self.configured

    def environment(self, name: str | None, method: str = "") -> Environment:
        """Return an environment by name; without a name, the only one, or the only one of a method.

        Stops with the names there are.
        """
        known = ", ".join(sorted(self.environments)) or "none"
        if name is None:
            of_method = [one for one in self.environments.values() if one.method == method]
            fitting = of_method or list(self.environments.values())
            if len(fitting) != 1:
                stop(f"which environment? invoke.yaml has: {known}", "name it with --env")
            return fitting[0]
        if name not in self.environments:
            stop(
                f"there is no environment {name!r}; invoke.yaml has: {known}",
                "correct --env, or add it under `environments:` in invoke.yaml",
            )
        return self.environments[name]


@cache
def load() -> Project:
    """Return the facts; stop with the place in invoke.yaml that is wrong, and what would be right."""
    document = _parse()
    _check(document)
    facts = document["project"]
    return Project(
        name=facts["name"],
        registry=facts["registry"],
        binaries=tuple(facts["binaries"]),
        configured=tuple(facts.get("configured") or ()),
        servers=tuple(facts["servers"]),
        platforms=tuple(facts["platforms"]),
        base_images=dict(facts.get("base_images") or {}),
        environments={
            name: Environment(
                name=name,
                method=where["method"],
                context=where.get("context", ""),
                settings={key: value for key, value in where.items() if key not in ("method", "context")},
            )
            for name, where in (document.get("environments") or {}).items()
        },
        pipeline=tuple(document.get("pipeline") or ()),
        signer=Signer(**document["signing"]) if document.get("signing") else None,
    )


def _parse() -> Any:
    try:
        return yaml.safe_load(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        stop("there is no invoke.yaml beside tasks/", "restore it: `git checkout invoke.yaml`", code=2)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        stop(f"invoke.yaml{where}: {problem}", "correct that line; `git diff invoke.yaml` shows what changed", code=2)


def _check(document: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(json.loads(_SCHEMA.read_text())).iter_errors(document))
    if error is not None:
        where = ".".join(str(step) for step in error.absolute_path) or "the document"
        hint = error.schema.get("description") if isinstance(error.schema, dict) else None
        stop(
            f"invoke.yaml, {where}: {error.message}", hint or "the comments in invoke.yaml say what goes where", code=2
        )
