"""For the Prometheus operator: a Service that lists the pods' metrics ports, and what reads them."""

from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Service

from .instance import DO_NOT_WAIT, App


def create(app: App) -> None:
    """Make the ServiceMonitor and its Service, where the values ask for them."""
    monitor = app.values["metrics"]["serviceMonitor"]
    if not monitor["enabled"]:
        return
    name = f"{app.name}-metrics"
    Service(
        name,
        metadata=app.metadata(name, "metrics", annotations=DO_NOT_WAIT),
        spec={
            "type": "ClusterIP",
            "cluster_ip": "None",
            "session_affinity": "None",
            "selector": app.labels(),
            "ports": [{"name": "metrics", "port": 9090, "target_port": "metrics", "protocol": "TCP"}],
        },
    )
    CustomResource(
        name,
        api_version="monitoring.coreos.com/v1",
        kind="ServiceMonitor",
        metadata=app.metadata(app.name, "metrics", labels=monitor["labels"]),
        spec={
            "selector": {"matchLabels": app.labels("metrics")},
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": monitor["interval"]}],
        },
    )
