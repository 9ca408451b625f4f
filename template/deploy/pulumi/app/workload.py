"""The objects that each of the app's programs has: Deployment, Service, and what scales and protects them."""

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import Service
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from . import network, pod
from .component import Component
from .instance import DO_NOT_WAIT

# A new pod serves before an old one ends.
ROLLOUT = {
    "revision_history_limit": 10,
    "progress_deadline_seconds": 600,
    "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
}
# The cluster's own defaults.
BEHAVIOR = {
    "scale_up": {
        "stabilization_window_seconds": 0,
        "select_policy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "period_seconds": 15},
            {"type": "Percent", "value": 100, "period_seconds": 15},
        ],
    },
    "scale_down": {
        "stabilization_window_seconds": 300,
        "select_policy": "Max",
        "policies": [{"type": "Percent", "value": 100, "period_seconds": 15}],
    },
}


def create(component: Component, needs: list[pulumi.Resource]) -> None:
    """Make a component's objects, the pods after what they need."""
    _deployment(component, needs)
    if component.port:
        _service(component)
    if "autoscaling" in component.values:
        _autoscaler(component)
    _disruption(component)
    network.policy(component.app, component.name, component.port, component.callers, component.metrics_port)


def _deployment(component: Component, needs: list[pulumi.Resource]) -> None:
    app, values = component.app, component.values
    Deployment(
        component.full_name,
        metadata=component.metadata({} if app.wait else DO_NOT_WAIT),
        spec={
            # Not written where the autoscaler decides.
            "replicas": None if values.get("autoscaling", {}).get("enabled") else values["replicas"],
            **ROLLOUT,
            "selector": {"match_labels": app.labels(component.name)},
            "template": pod.template(component),
        },
        opts=pulumi.ResourceOptions(depends_on=needs),
    )


def _service(component: Component) -> None:
    service = component.values["service"]
    Service(
        component.full_name,
        metadata=component.metadata(service["annotations"] | DO_NOT_WAIT),
        spec={
            "type": service["type"],
            "session_affinity": "None",
            "allocate_load_balancer_node_ports": True if service["type"] == "LoadBalancer" else None,
            "selector": component.app.labels(component.name),
            "ports": [
                {
                    "name": "http",
                    "port": service["port"],
                    "target_port": "http",
                    "protocol": "TCP",
                    "node_port": service["nodePort"] or None,
                }
            ],
        },
    )


def _autoscaler(component: Component) -> None:
    autoscaling = component.values["autoscaling"]
    if not autoscaling["enabled"]:
        return
    target = {"type": "Utilization", "average_utilization": autoscaling["targetCPUUtilizationPercentage"]}
    HorizontalPodAutoscaler(
        component.full_name,
        metadata=component.metadata(),
        spec={
            "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": component.full_name},
            "min_replicas": autoscaling["minReplicas"],
            "max_replicas": autoscaling["maxReplicas"],
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": BEHAVIOR,
        },
    )


def _disruption(component: Component) -> None:
    disruption = component.values["disruption"]
    if not disruption["enabled"]:
        return
    PodDisruptionBudget(
        component.full_name,
        metadata=component.metadata(),
        spec={
            "max_unavailable": disruption["maxUnavailable"],
            "selector": {"match_labels": component.app.labels(component.name)},
        },
    )
