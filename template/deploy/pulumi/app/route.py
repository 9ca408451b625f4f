"""The way in, through a Gateway."""

from pulumi_kubernetes.apiextensions import CustomResource

from . import parts
from .instance import App

GROUP = "gateway.networking.k8s.io"


def create(app: App) -> None:
    """Make the HTTPRoute, where the values ask for one."""
    route = app.values["route"]
    if not route["enabled"]:
        return
    service = {
        "group": "",
        "kind": "Service",
        "name": f"{app.name}-{parts.ENTRY}",
        "port": app.values[parts.ENTRY]["service"]["port"],
        "weight": 1,
    }
    gateways = [{key: value for key, value in parent.items() if value} for parent in route["parents"]]
    CustomResource(
        f"{app.name}-route",
        api_version=f"{GROUP}/v1",
        kind="HTTPRoute",
        metadata=app.metadata(app.name, "route", annotations=route["annotations"]),
        spec={
            "parentRefs": [{"group": GROUP, "kind": "Gateway", **gateway} for gateway in gateways],
            **({"hostnames": route["hostnames"]} if route["hostnames"] else {}),
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": route["path"]}}],
                    "backendRefs": [service],
                }
            ],
        },
    )
