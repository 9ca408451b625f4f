"""The database, which runs elsewhere: its URL is a secret."""

from dataclasses import replace

from . import secrets
from .component import Component


def connect(backend: Component) -> Component:
    """Connect the backend to it, where the mode is `external`."""
    values = backend.app.values
    if values["postgres"]["mode"] != "external":
        return backend
    return replace(
        secrets.give(backend),
        env=backend.env | {"DATABASE_URL_FILE": "/run/secrets/database_url"},
        # Brings it to the release's schema; a lock in the database lets one pod at a time do so.
        first=("migrate",) if values["migrations"]["enabled"] else (),
    )
