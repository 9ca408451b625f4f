"""What every way of deploying has in common: a release, a failure, and what a method must be able to do."""

import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any, Protocol

from .findings import Finding
from .images import Image
from .project import Environment, Project
from .run import ask


@dataclass(frozen=True)
class Release:
    """What was deployed. `origin` is its own number, or that of the release that a rollback returned to.

    `revision` is the number by which the method's own tool knows the release, where that tool counts too. `source` is
    the commit of the images, where it is known and another than that of the checkout.
    """

    number: int
    origin: int
    commit: str
    author: str
    time: str
    images: dict[str, str]
    values: dict[str, Any]
    objects: dict[str, Any]
    method: str = ""
    revision: int = 0
    source: str = ""

    @property
    def code(self) -> str:
        """The commit of what runs."""
        return self.source or self.commit

    def record(self) -> dict[str, Any]:
        """Return what a target is to remember. What has nothing to say is left out: older checkouts may not know it."""
        silent = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != silent[name]}

    @classmethod
    def recorded(cls, record: dict[str, Any]) -> "Release":
        """Return what a target remembers, without what a newer checkout may have added to it."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in record.items() if name in known})


@dataclass(frozen=True)
class Failure:
    """A part of a release that did not become healthy: what its probe said, and its last log lines."""

    part: str
    state: str
    probe: str
    logs: str


@dataclass(frozen=True)
class Permitted:
    """What a deploy may do besides changing its own objects, because it was told so."""

    create_namespace: bool = False
    adopt: bool = False


@dataclass(frozen=True)
class Strategy:
    """How the new takes the old one's place; without a name, as the method does it by itself.

    `weight` is the percentage of clients that a canary serves while it is judged.
    """

    name: str = ""
    weight: int = 10


class Method(Protocol):
    """One way to deploy, for one environment."""

    def __init__(self, project: Project, environment: Environment) -> None: ...

    def check(self) -> None:
        """Stop unless the programs that the method calls are here, and new enough."""

    def findings(self) -> Iterator[Finding]:
        """Yield what `inv doctor` says about the environment. Never stops."""

    def make_secrets(self, permitted: Permitted) -> None:
        """Make the secrets that are missing; stop when they would not fit the data that is there."""

    def use(self, strategy: Strategy) -> None:
        """Replace the old by the new as a strategy says, from now on; stop when the method does not have it."""

    def images(self) -> tuple[str, ...]:
        """Return the names of the images that a deploy needs."""

    def prepare(
        self, images: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check everything and return image references, values and objects. Changes nothing that serves."""

    def prepare_again(self, release: Release) -> None:
        """Check that a former release can be applied as it was recorded."""

    def compare(self, current: Release | None, objects: dict[str, Any]) -> list[str]:
        """Return the difference between what runs and some objects: that of `prepare`, or of a former release."""

    def releases(self) -> list[Release]:
        """Return the releases that the target remembers, oldest first."""

    def lock(self, release: Release) -> AbstractContextManager[None]:
        """Hold the environment for a release; stop with the holder's name when somebody else does."""

    def apply(self, release: Release, before: Release | None) -> list[Failure]:
        """Bring a new release about in place of another, wait until it is healthy, and return what is not."""

    def apply_again(self, release: Release, before: Release | None) -> list[Failure]:
        """Bring a former release back in place of another, exactly as it was recorded."""

    def record(self, release: Release) -> None:
        """Make the target remember a release."""

    def address(self) -> str:
        """Return where the app answers."""

    def status(self) -> list[tuple[str, str, str]]:
        """Return name, state and image of each part that runs."""

    def logs(self, service: str, follow: bool) -> None:
        """Show the parts' logs."""

    def inside(self, service: str, program: str) -> list[str]:
        """Return the start of a command that runs a program in a part that runs; it gets our standard input."""

    def destroy(self, data: bool) -> None:
        """Remove everything, the releases too; the data only if asked."""


def who() -> str:
    """Return who is deploying, and from where."""
    name = ask(["git", "config", "user.name"]).stdout.strip() or _account()
    return f"{name} on {platform.node()}"


def _account() -> str:
    """Return what the account is called here; in a pipeline's container it may have nothing but a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def now() -> str:
    """Return the time, in UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
