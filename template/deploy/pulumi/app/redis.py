"""The cache that pods share: bounded, and empty after a restart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Service

from . import network, pod, secrets, workload
from .component import Component
from .instance import DO_NOT_WAIT, App

PORT = 6379
# Nobody: the server needs no file of a user of its own.
USER = 65532
# The password comes by standard input: an argument would show in `ps`. Only what expires is forgotten early.
START = """\
exec redis-server - <<END
maxmemory $REDIS_MAXMEMORY
maxmemory-policy volatile-lru
save ""
dir /data
requirepass $(cat /run/secrets/redis_password)
END
"""
PING = '[ "$(REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli ping)" = PONG ]'


def create(app: App, needs: list[pulumi.Resource], clients: Sequence[str]) -> None:
    """Make one in the namespace, which some components may call, where the mode is `internal`."""
    if app.values["redis"]["mode"] != "internal":
        return
    name = f"{app.name}-redis"
    selector = app.labels("redis")
    Deployment(
        name,
        metadata=app.metadata(name, "redis", annotations={} if app.wait else DO_NOT_WAIT),
        spec={
            "replicas": 1,
            **workload.ROLLOUT,
            "selector": {"match_labels": selector},
            "template": _template(app),
        },
        opts=pulumi.ResourceOptions(depends_on=needs),
    )
    Service(
        name,
        metadata=app.metadata(name, "redis", annotations=DO_NOT_WAIT),
        spec={
            "type": "ClusterIP",
            "session_affinity": "None",
            "selector": selector,
            "ports": [{"name": "redis", "port": PORT, "target_port": "redis", "protocol": "TCP"}],
        },
    )
    network.policy(app, "redis", PORT, callers=[network.pods(app, client) for client in clients])


def connect(backend: Component) -> Component:
    """Connect the backend to the one in the namespace, or to yours: by its URL, or by the secret that holds it."""
    redis = backend.app.values["redis"]
    if redis["mode"] == "none":
        return backend
    if redis["mode"] == "external" and redis["url"]:
        return replace(backend, env=backend.env | {"REDIS_URL": redis["url"]})
    return replace(secrets.give(backend), env=backend.env | {"REDIS_URL_FILE": "/run/secrets/redis_url"})


def _template(app: App) -> dict[str, Any]:
    values = app.values["pod"]
    return {
        "metadata": {
            "labels": values["labels"] | app.labels("redis"),
            "annotations": values["annotations"] | secrets.annotations(app) or None,
        },
        "spec": {
            **pod.shared_spec(app),
            "termination_grace_period_seconds": 30,
            "security_context": pod.security_context(USER, USER, USER),
            "containers": [_container(app)],
            "volumes": [{"name": "data", "empty_dir": {}}, pod.secret_volume("secrets", secrets.name(app))],
        },
    }


def _container(app: App) -> dict[str, Any]:
    redis = app.values["redis"]
    return {
        "name": "redis",
        "image": pod.image(redis["image"]),
        "image_pull_policy": app.values["images"]["pullPolicy"],
        "command": ["sh", "-c"],
        "args": [START],
        "env": [{"name": "REDIS_MAXMEMORY", "value": redis["maxMemory"]}],
        "security_context": pod.container_security_context([]),
        "resources": redis["resources"],
        "termination_message_path": pod.TERMINATION_MESSAGE,
        "ports": [{"name": "redis", "container_port": PORT, "protocol": "TCP"}],
        "startup_probe": _probe(every=1, failures=60),
        "readiness_probe": _probe(every=5, failures=2),
        "liveness_probe": _probe(every=10, failures=3),
        "volume_mounts": [pod.mount("data", "/data", read_only=False), pod.mount("secrets", "/run/secrets")],
    }


def _probe(every: int, failures: int) -> dict[str, Any]:
    return {
        "exec_": {"command": ["sh", "-c", PING]},
        "period_seconds": every,
        "timeout_seconds": 4,
        "failure_threshold": failures,
        "success_threshold": 1,
    }
