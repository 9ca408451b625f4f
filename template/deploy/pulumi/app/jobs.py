"""What does the jobs, sends them and shows them: three programs of one image."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pulumi

from . import network, workload
from .component import Component
from .instance import App

Connection = Callable[[Component], Component]


def create(app: App, needs: list[pulumi.Resource], connections: Sequence[Connection]) -> None:
    """Make the objects of those that the values ask for, the pods after what they need."""
    for component in _components(app):
        if component.values["enabled"]:
            for connect in connections:
                component = connect(component)
            workload.create(component, needs)


def _components(app: App) -> Iterator[Component]:
    queues = ",".join(app.values["worker"]["queues"])
    alike: dict[str, Any] = {"metrics_port": 9092, "probed": "metrics", "image_of": "worker"}
    yield Component(app, "worker", port=None, callers=[], args=("run", "--queues", queues), **alike)
    yield Component(app, "scheduler", port=None, callers=[], args=("scheduler",), **alike)
    yield Component(app, "board", port=8082, callers=network.callers(app, "board", "board"), args=("board",), **alike)
