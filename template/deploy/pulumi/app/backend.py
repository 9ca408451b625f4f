"""The API."""

import pulumi

from . import network, parts, workload
from .component import Component
from .instance import App


def create(app: App, needs: list[pulumi.Resource]) -> None:
    """Make its objects, the pods after what they need."""
    callers = network.callers(app, "backend", parts.ENTRY)
    backend = Component(app, "backend", port=8080, metrics_port=9090, callers=callers)
    for connect in parts.CONNECTIONS:
        backend = connect(backend)
    workload.create(backend, needs)
