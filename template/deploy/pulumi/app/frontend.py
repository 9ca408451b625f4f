"""The site, and the proxy to the API."""

import pulumi

from . import network, workload
from .component import Component
from .instance import App


def create(app: App, needs: list[pulumi.Resource]) -> None:
    """Make its objects, the pods after what they need."""
    port = app.values["backend"]["service"]["port"]
    frontend = Component(
        app,
        "frontend",
        port=8000,
        metrics_port=9091,
        callers=network.callers(app, "frontend", "frontend"),
        env={"BACKEND_URL": f"http://{app.name}-backend:{port}"},
    )
    workload.create(frontend, needs)
