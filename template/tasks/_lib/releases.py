"""What every way of deploying has in common: a release, a failure, and what a method must be able to do."""

import getpass
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from .images import Image
from .project import Environment, Project
from .run import ask


@dataclass(frozen=True)
class Release:
    """What was deployed. `origin` is its own number, or that of the release that a rollback returned to."""

    number: int
    origin: int
    commit: str
    author: str
    time: str
    images: dict[str, str]
    values: dict[str, str]
    objects: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """A part of a release that did not become healthy: what its probe said, and its last log lines."""

    part: str
    state: str
    probe: str
    logs: str


class Method(Protocol):
    """One way to deploy, for one environment."""

    def __init__(self, project: Project, environment: Environment) -> None: ...

    def prepare(self, images: dict[str, Image]) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """Check everything and return image references, values and objects. Changes nothing that serves."""

    def prepare_again(self, release: Release) -> None:
        """Check that a former release can be applied as it was recorded."""

    def releases(self) -> list[Release]:
        """Return the releases that the target remembers, oldest first."""

    def lock(self, image: str) -> AbstractContextManager[None]:
        """Hold the environment; stop with the holder's name when somebody else does."""

    def apply(self, objects: dict[str, Any]) -> list[Failure]:
        """Bring objects about, wait until they are healthy, and return what is not."""

    def record(self, release: Release) -> None:
        """Make the target remember a release."""

    def address(self) -> str:
        """Return where the app answers."""

    def status(self) -> list[tuple[str, str, str]]:
        """Return name, state and image of each part that runs."""

    def logs(self, service: str, follow: bool) -> None:
        """Show the parts' logs."""

    def destroy(self, data: bool) -> None:
        """Remove everything, the releases too; the data only if asked."""


def who() -> str:
    """Return who is deploying, and from where."""
    name = ask(["git", "config", "user.name"]).stdout.strip() or getpass.getuser()
    return f"{name} on {platform.node()}"


def now() -> str:
    """Return the time, in UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def commit() -> str:
    """Return the commit of this checkout."""
    return ask(["git", "rev-parse", "HEAD"]).stdout.strip() or "unknown"
