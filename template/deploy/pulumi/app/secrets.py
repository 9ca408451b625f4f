"""The Secret with what must not be in a file of the project."""

from base64 import b64encode
from dataclasses import replace

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from .checksum import checksum
from .component import Component
from .instance import App


def create(app: App) -> list[pulumi.Resource]:
    """Make the Secret, unless there is one already, or nothing to put into it."""
    secrets = app.values["secrets"]
    if secrets["existing"] or not secrets["values"]:
        return []
    # As a secret, Pulumi encrypts it in the stack's state and shows it nowhere.
    data = pulumi.Output.secret({key: b64encode(text.encode()).decode() for key, text in secrets["values"].items()})
    return [Secret(name(app), metadata=app.metadata(name(app), "secrets"), type="Opaque", data=data)]


def give(component: Component) -> Component:
    """Let a component read the Secret."""
    return replace(component, secret=name(component.app), annotations=annotations(component.app))


def name(app: App) -> str:
    """Return the name of the Secret that pods read."""
    existing: str = app.values["secrets"]["existing"]
    return existing or f"{app.name}-secrets"


def annotations(app: App) -> dict[str, str]:
    """Return what replaces pods when a secret changes. Of a Secret that exists, the content is not known here."""
    secrets = app.values["secrets"]
    return {} if secrets["existing"] else {"checksum/secrets": checksum(secrets["values"])}
