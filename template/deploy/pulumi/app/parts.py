"""The parts that this project has besides the backend; the only file that names them all."""

from collections.abc import Callable
from functools import partial

import pulumi

from . import frontend, jobs, postgres, redis, secrets
from .component import Component
from .instance import App

# The component that the way in leads to.
ENTRY = "frontend"
# What connects a component to the servers.
CONNECTIONS: list[Callable[[Component], Component]] = [postgres.connect, redis.connect]
# What makes objects that a pod cannot start without.
NEEDS: list[Callable[[App], list[pulumi.Resource]]] = [secrets.create]
# What makes pods, after those objects.
PODS: list[Callable[[App, list[pulumi.Resource]], None]] = [
    frontend.create,
    partial(redis.create, clients=["backend", "worker", "scheduler", "board"]),
    partial(jobs.create, connections=CONNECTIONS),
]
