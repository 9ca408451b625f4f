"""One of the app's programs, as far as it differs from the others."""

from dataclasses import dataclass, field
from typing import Any

from .instance import App


@dataclass(frozen=True)
class Component:
    """A program, its ports, and what its pods are given."""

    app: App
    name: str
    # Where others call it; None is a program that nobody calls, which has no Service.
    port: int | None
    metrics_port: int
    # Who may call it: peers of a NetworkPolicy; nobody named is everybody.
    callers: list[dict[str, Any]]
    # The port, by its name, where it is asked whether it lives and is ready.
    probed: str = "http"
    # The program's arguments; none is what it does by itself.
    args: tuple[str, ...] = ()
    # The component whose image it is of; empty is its own.
    image_of: str = ""
    # Environment variables besides those of the ConfigMap and of the values.
    env: dict[str, str] = field(default_factory=dict)
    # The Secret that it reads; empty is none.
    secret: str = ""
    # Annotations of its pods.
    annotations: dict[str, str] = field(default_factory=dict)
    # Commands of the program that must end well before it serves.
    first: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Return the name of its objects."""
        return f"{self.app.name}-{self.name}"

    @property
    def values(self) -> dict[str, Any]:
        """Return its own parameters."""
        values: dict[str, Any] = self.app.values[self.name]
        return values

    @property
    def image(self) -> dict[str, Any]:
        """Return the parameters of its image."""
        image: dict[str, Any] = self.app.values[self.image_of or self.name]["image"]
        return image

    def metadata(self, annotations: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the metadata of one of its objects."""
        return self.app.metadata(self.full_name, self.name, annotations=annotations)
