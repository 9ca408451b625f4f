"""What manifests are to say: an environment's values, complete, and the forms in which manifests take them."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .values import Values


@dataclass(frozen=True)
class Facts:
    """The values of an instance called `name`; `component` is the one whose object is being written."""

    project: str
    name: str
    entry: str
    values: Values
    component: str = ""

    def get(self, parameter: str) -> Any:
        """Return a parameter by its dotted name; None where this project has none of that name."""
        value: Any = self.values
        for step in parameter.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def holds(self, case: Mapping[str, Any]) -> bool:
        """Return whether each parameter of a case has the case's value."""
        return all(self.get(parameter) == value for parameter, value in case.items())

    def resolve(self, source: Any) -> Any:
        """Return what a source in parameters.yaml stands for; None for whatever is empty."""
        value = self._resolve(source)
        return None if value in ("", [], {}) else value

    def _resolve(self, source: Any) -> Any:
        if isinstance(source, list):
            return {key: value for part in source for key, value in (self._resolve(part) or {}).items()}
        if isinstance(source, dict):
            ((key, inner),) = source.items()
            value = self._resolve(inner)
            return FORMS[key](value, self) if key in FORMS else {key: value}
        if "{" in source:
            named = source.replace("$name", self.name)
            return re.sub(r"{([\w.]+)}", lambda found: str(self.get(found[1])), named)
        return self.get(source)

    def labels(self, component: str) -> dict[str, str]:
        """Return the labels by which a component's objects find each other."""
        parts = {"name": self.project, "instance": self.name, "component": component}
        return {f"app.kubernetes.io/{key}": value for key, value in parts.items()}


def secret_name(secrets: Values, facts: Facts) -> str:
    """Return the name of the Secret: one that exists, or the app's own."""
    return secrets["existing"] or f"{facts.name}-secrets"


def checksum(data: Values, _facts: Facts) -> str:
    """Return sha256 of compact, sorted JSON in which `<>&` are escaped, as every way of deploying makes it."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()


def _sealed(secrets: Values, facts: Facts) -> Values:
    """Mark a pod that reads the Secret; one that exists can change without a deploy, so it marks nothing."""
    return {} if secrets["existing"] else {"checksum/secrets": checksum(secrets["values"], facts)}


def _account(account: Values, facts: Facts) -> str:
    return account["name"] or (facts.name if account["create"] else "default")


def _grace(config: Values, _facts: Facts) -> int:
    return int(config["drainSeconds"]) + int(config["shutdownSeconds"]) + 5


def _given(value: Any, _facts: Facts) -> Any:
    """Leave out what is empty or 0."""
    if isinstance(value, list):
        return [{key: part for key, part in item.items() if part} for item in value]
    return value or None


def _named(names: list[str], _facts: Facts) -> list[Values]:
    return [{"name": name} for name in names]


def _variables(variables: dict[str, str], _facts: Facts) -> list[Values]:
    return [{"name": name, "value": value} for name, value in sorted(variables.items())]


def _volumes(volumes: list[Values], _facts: Facts) -> list[Values]:
    return [{"name": volume["name"], **_source(volume)} for volume in volumes]


def _source(volume: Values) -> Values:
    if volume["configMap"]:
        return {"configMap": {"name": volume["configMap"], "defaultMode": 0o444, "optional": False}}
    if volume["secret"]:
        return {"secret": {"secretName": volume["secret"], "defaultMode": 0o440, "optional": False}}
    return {"emptyDir": {"sizeLimit": volume["emptyDir"]}}


def _mounts(mounts: list[Values], facts: Facts) -> list[Values]:
    kept = _given(mounts, facts)
    return [mount | {"mountPropagation": "None", "readOnly": mount.get("readOnly", False)} for mount in kept]


def _joined(names: list[str], _facts: Facts) -> str:
    return ",".join(names)


def _spread(rules: list[Values], facts: Facts) -> list[Values]:
    return [{**rule, "labelSelector": {"matchLabels": facts.labels(facts.component)}} for rule in rules]


def _affinity(affinity: Values, facts: Facts) -> Values:
    node = affinity["node"]
    terms = {"nodeSelectorTerms": [_node_term(term, facts) for term in node["required"]]} if node["required"] else {}
    wishes = [{"weight": wish["weight"], "preference": _node_term(wish, facts)} for wish in node["preferred"]]
    kinds = {
        "nodeAffinity": _scheduling(terms, wishes),
        "podAffinity": _pod_affinity(affinity["pod"]),
        "podAntiAffinity": _pod_affinity(affinity["antiPod"]),
    }
    return {kind: part for kind, part in kinds.items() if part}


def _node_term(term: Values, facts: Facts) -> Values:
    return {"matchExpressions": _given(term["matchExpressions"], facts)}


def _pod_affinity(pods: Values) -> Values:
    wishes = [{"weight": wish["weight"], "podAffinityTerm": _pod_term(wish)} for wish in pods["preferred"]]
    return _scheduling([_pod_term(term) for term in pods["required"]], wishes)


def _pod_term(term: Values) -> Values:
    return {"topologyKey": term["topologyKey"], "labelSelector": {"matchLabels": term["matchLabels"]}}


def _scheduling(required: Any, preferred: Any) -> Values:
    """Say what must hold, and what should."""
    both = {"required": required, "preferred": preferred}
    return {f"{how}DuringSchedulingIgnoredDuringExecution": terms for how, terms in both.items() if terms}


def _peers(peers: list[Values], _facts: Facts) -> list[Values]:
    """Name pods by their labels; without a namespace's labels, of this namespace."""
    kinds = {"namespaceSelector": "namespaceLabels", "podSelector": "podLabels"}
    return [
        {
            selector: {"matchLabels": peer[labels]} if peer[labels] else {}
            for selector, labels in kinds.items()
            if peer[labels] or selector == "podSelector"
        }
        for peer in peers
    ]


def _egress(ports: list[int], _facts: Facts) -> Values | None:
    """Let out to ports. Without any there is no such rule: one that names no port would let out to all."""
    return {"ports": [{"port": port, "protocol": "TCP"} for port in ports]} if ports else None


def _rules(hosts: list[Values], facts: Facts) -> list[Values]:
    service = {"service": {"name": f"{facts.name}-{facts.entry}", "port": {"name": "http"}}}
    return [
        {
            "host": host["host"],
            "http": {"paths": [{"path": host["path"], "pathType": "Prefix", "backend": service}]},
        }
        for host in hosts
    ]


def _gateways(parents: list[Values], facts: Facts) -> list[Values]:
    kind = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    return [kind | parent for parent in _given(parents, facts)]


def _balanced(service_type: str, _facts: Facts) -> bool | None:
    """Say of a load balancer's Service, and of no other, that it has ports on the nodes."""
    return True if service_type == "LoadBalancer" else None


FORMS: dict[str, Callable[[Any, Facts], Any]] = {
    "account": _account,
    "affinity": _affinity,
    "balanced": _balanced,
    "checksum": checksum,
    "egress": _egress,
    "gateways": _gateways,
    "given": _given,
    "grace": _grace,
    "joined": _joined,
    "mounts": _mounts,
    "named": _named,
    "peers": _peers,
    "rules": _rules,
    "sealed": _sealed,
    "secret": secret_name,
    "spread": _spread,
    "variables": _variables,
    "volumes": _volumes,
}
