"""The difference between what runs in a cluster and what a release would make of it, as the API server itself says."""

from collections.abc import Iterable
from typing import Any

from .. import differences
from ..console import say
from ..failures import stop_because
from ..objects import canonical, key
from . import ownership
from .kubectl import Cluster, Object, bundle, parse

# Written by the cluster's controllers and by kubectl, not by whoever deploys.
_SERVER = ("deployment.kubernetes.io/*", "kubectl.kubernetes.io/last-applied-configuration", "autoscaling.alpha.*")


def compare(cluster: Cluster, live: list[Object], wanted: dict[str, Object], gone: Iterable[Object]) -> list[str]:
    """Return a line for each field that would change, and for each object that would go."""
    there = {key(one): one for one in live}
    stored = [_with_replicas(wanted[name], one) for name, one in there.items() if name in wanted]
    after = {key(one): one for one in _dry_run(cluster, "replace", stored)}
    after |= {name: one for name, one in wanted.items() if name not in there}
    lines = differences.compare(_comparable(there.values()), _comparable(after.values()))
    return [*lines, *(f"- {key(one)}" for one in gone)]


def check(cluster: Cluster, live: list[Object], wanted: dict[str, Object]) -> None:
    """Stop unless the API server would take all objects, the new ones too."""
    there = {key(one): one for one in live}
    _dry_run(cluster, "replace", [_with_replicas(wanted[name], one) for name, one in there.items() if name in wanted])
    _dry_run(cluster, "create", [one for name, one in wanted.items() if name not in there])


def _dry_run(cluster: Cluster, verb: str, objects: list[Object]) -> list[Object]:
    """Return objects as the API server would store them; stop with what it says when it would not."""
    listed = bundle(objects)
    if not listed:
        return []
    done = cluster.ask(verb, "--filename", "-", "--dry-run=server", "--output", "json", stdin=listed)
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning:")]
    for line in warnings:
        say(line)
    if done.returncode != 0:
        said = "\n".join(line for line in done.stderr.splitlines() if line not in warnings)
        stop_because(said, f"the cluster would refuse it: {said}", "correct the values that it names")
    return list(parse(done.stdout))


def _with_replicas(wanted: Object, live: Object) -> Object:
    """Return an object with the live number of pods, where an autoscaler decides on it."""
    if wanted["kind"] != "Deployment" or "replicas" in wanted["spec"] or "replicas" not in live["spec"]:
        return wanted
    return {**wanted, "spec": {**wanted["spec"], "replicas": live["spec"]["replicas"]}}


def _comparable(objects: Iterable[Object]) -> dict[str, Any]:
    """Return objects in their canonical form, with what a Secret holds: the difference tells that it changed."""
    listed = list(objects)
    formed = canonical(listed, [*ownership.marks(), *_SERVER])
    for one in listed:
        if one["kind"] == "Secret":
            formed[key(one)]["data"] = one.get("data") or one.get("stringData") or {}
    return formed
