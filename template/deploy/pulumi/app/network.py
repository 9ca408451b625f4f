"""Who may talk to whom. Nobody reaches a pod of the app, and the app reaches only names, itself and the listed ports;
the components' own policies then let some in."""

from typing import Any

from pulumi_kubernetes.networking.v1 import NetworkPolicy

from .instance import App

Part = dict[str, Any]


def create(app: App) -> None:
    """Make the policy that holds for all pods."""
    network = app.values["network"]
    if not network["enabled"]:
        return
    pods = {"match_labels": app.labels()}
    egress: list[Part] = [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"to": [{"pod_selector": pods}]},
    ]
    if network["egressPorts"]:
        egress.append({"ports": [{"port": port, "protocol": "TCP"} for port in network["egressPorts"]]})
    NetworkPolicy(
        app.name,
        metadata=app.metadata(app.name, "network"),
        spec={"pod_selector": pods, "policy_types": ["Ingress", "Egress"], "ingress": [], "egress": egress},
    )


def policy(app: App, component: str, port: int | None, callers: list[Part], metrics_port: int | None = None) -> None:
    """Make the policy that lets callers reach a component's port: nobody named is everybody."""
    network = app.values["network"]
    if not network["enabled"]:
        return
    ingress: list[Part] = []
    if port:
        ingress.append({"ports": [{"port": port, "protocol": "TCP"}], "from_": callers or None})
    if metrics_port:
        readers = [{"pod_selector": {}}, *_peers(network["metricsFrom"])]
        ingress.append({"ports": [{"port": metrics_port, "protocol": "TCP"}], "from_": readers})
    name = f"{app.name}-{component}"
    NetworkPolicy(
        name,
        metadata=app.metadata(name, component),
        spec={
            "pod_selector": {"match_labels": app.labels(component)},
            "policy_types": ["Ingress"],
            "ingress": ingress,
        },
    )


def callers(app: App, component: str, entry: str) -> list[Part]:
    """Return who may call a component: whoever is let in calls the entry, and the entry calls the others."""
    if component == entry:
        return _peers(app.values["network"]["allowFrom"])
    return [pods(app, entry)]


def pods(app: App, component: str) -> Part:
    """Return a component's pods, as a peer."""
    return {"pod_selector": {"match_labels": app.labels(component)}}


def _peers(values: list[Part]) -> list[Part]:
    """Return pods by their labels; without a namespace's labels, of this namespace."""
    return [
        {
            "namespace_selector": _selector(value["namespaceLabels"]) if value.get("namespaceLabels") else None,
            "pod_selector": _selector(value.get("podLabels")),
        }
        for value in values
    ]


def _selector(labels: dict[str, str] | None) -> Part:
    """Return a selector; without labels, of everything."""
    return {"match_labels": labels} if labels else {}
