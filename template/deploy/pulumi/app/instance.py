"""What is deployed: its name, place and parameters, and the labels by which its objects find each other."""

from dataclasses import dataclass
from typing import Any

# For what is not worth waiting for: an Ingress without a controller never gets an address, and a Service is ready when
# its pods are, which their Deployment waits for.
DO_NOT_WAIT = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True)
class App:
    """An instance of the project in a namespace."""

    project: str
    name: str
    namespace: str
    # Checked, and complete: every parameter of ../values.schema.json has a value.
    values: dict[str, Any]
    # Whether Pulumi waits until the pods are ready.
    wait: bool

    def labels(self, component: str = "") -> dict[str, str]:
        """Return the labels that select the pods of one component, or of all. They never change: a selector cannot."""
        labels = {"app.kubernetes.io/name": self.project, "app.kubernetes.io/instance": self.name}
        return labels | ({"app.kubernetes.io/component": component} if component else {})

    def metadata(
        self, name: str, component: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the metadata of an object. Without a name in it, Pulumi would make one up."""
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": (labels or {}) | self.labels(component),
            "annotations": annotations or None,
        }
