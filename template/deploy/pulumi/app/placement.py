"""Which nodes pods may run on, and which they prefer."""

from typing import Any

Part = dict[str, Any]


def tolerations(values: list[Part]) -> list[Part]:
    """Return the taints that pods tolerate; what is empty is left out, which means every key, effect or time."""
    return [
        {
            "operator": value.get("operator", "Equal"),
            "key": value.get("key") or None,
            "value": value.get("value") or None,
            "effect": value.get("effect") or None,
            "toleration_seconds": value.get("tolerationSeconds") or None,
        }
        for value in values
    ]


def spread(rules: list[Part], labels: dict[str, str]) -> list[Part]:
    """Return how the pods with these labels spread."""
    return [
        {
            "max_skew": rule.get("maxSkew", 1),
            "topology_key": rule["topologyKey"],
            "when_unsatisfiable": rule.get("whenUnsatisfiable", "ScheduleAnyway"),
            "label_selector": {"match_labels": labels},
        }
        for rule in rules
    ]


def affinity(values: Part) -> Part | None:
    """Return near, or away from, which nodes and pods: nothing when nothing is asked for."""
    parts = {
        "node_affinity": _near_nodes(values["node"]),
        "pod_affinity": _near_pods(values["pod"]),
        "pod_anti_affinity": _near_pods(values["antiPod"]),
    }
    return {name: part for name, part in parts.items() if part} or None


def _near_nodes(values: Part) -> Part:
    required = [_node_term(term) for term in values["required"]]
    preferred = [{"weight": term["weight"], "preference": _node_term(term)} for term in values["preferred"]]
    return _terms({"node_selector_terms": required} if required else None, preferred)


def _near_pods(values: Part) -> Part:
    required = [_pod_term(term) for term in values["required"]]
    preferred = [{"weight": term["weight"], "pod_affinity_term": _pod_term(term)} for term in values["preferred"]]
    return _terms(required, preferred)


def _terms(required: Any, preferred: list[Part]) -> Part:
    parts = {
        "required_during_scheduling_ignored_during_execution": required,
        "preferred_during_scheduling_ignored_during_execution": preferred,
    }
    return {name: part for name, part in parts.items() if part}


def _node_term(term: Part) -> Part:
    conditions = [
        {"key": condition["key"], "operator": condition["operator"], "values": condition.get("values") or None}
        for condition in term["matchExpressions"]
    ]
    return {"match_expressions": conditions}


def _pod_term(term: Part) -> Part:
    return {"topology_key": term["topologyKey"], "label_selector": {"match_labels": term.get("matchLabels", {})}}
