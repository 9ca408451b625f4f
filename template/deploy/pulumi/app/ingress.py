"""The way in, through the cluster's ingress controller."""

from pulumi_kubernetes.networking.v1 import Ingress

from . import parts
from .instance import DO_NOT_WAIT, App


def create(app: App) -> None:
    """Make the Ingress, where the values ask for one."""
    ingress = app.values["ingress"]
    if not ingress["enabled"]:
        return
    backend = {"service": {"name": f"{app.name}-{parts.ENTRY}", "port": {"name": "http"}}}
    Ingress(
        app.name,
        metadata=app.metadata(app.name, "ingress", annotations=ingress["annotations"] | DO_NOT_WAIT),
        spec={
            "ingress_class_name": ingress["className"] or None,
            "rules": [
                {
                    "host": host["host"],
                    "http": {"paths": [{"path": host.get("path", "/"), "path_type": "Prefix", "backend": backend}]},
                }
                for host in ingress["hosts"]
            ]
            or None,
            "tls": [{"secret_name": tls["secretName"], "hosts": tls["hosts"]} for tls in ingress["tls"]] or None,
        },
    )
