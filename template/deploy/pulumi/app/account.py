"""Who the pods are: nobody in particular."""

import pulumi
from pulumi_kubernetes.core.v1 import ServiceAccount

from .instance import App


def create(app: App) -> list[pulumi.Resource]:
    """Make the ServiceAccount, unless there is one already."""
    account = app.values["account"]
    if not account["create"]:
        return []
    metadata = app.metadata(name(app), "account", annotations=account["annotations"])
    return [ServiceAccount(name(app), metadata=metadata, automount_service_account_token=False)]


def name(app: App) -> str:
    """Return the name of the pods' ServiceAccount."""
    account = app.values["account"]
    own: str = account["name"]
    return own or (app.name if account["create"] else "default")
