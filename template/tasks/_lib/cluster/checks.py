"""What must hold before anything is changed in a cluster; each check stops with what is missing, and how to get it."""

import json
from collections.abc import Iterable, Mapping

from .. import images
from ..console import say, stop
from ..failures import find
from . import secrets
from .kubectl import Cluster, Object, bundle, containers_of, parse, pods_of

# A group, and a resource or a part of one, such as pods/log.
Resource = tuple[str, str]
# The same, and a verb.
Right = tuple[str, str, str]

# What a deploy does besides changing its own objects: remember releases, hold the lock, wait for the pods and look why
# they fail, and say where the app answers.
_ALSO = {
    ("", "secrets"): ("create", "delete", "get", "list"),
    ("coordination.k8s.io", "leases"): ("create", "delete", "get"),
    ("apps", "deployments"): ("list",),
    ("apps", "replicasets"): ("list",),
    ("", "pods"): ("list",),
    ("", "pods/log"): ("get",),
    ("", "events"): ("list",),
    ("", "services"): ("list",),
    ("networking.k8s.io", "ingresses"): ("list",),
}
_VERBS = ("create", "delete", "get", "patch", "update")


def resources(cluster: Cluster, objects: Iterable[Object]) -> set[Resource]:
    """Return group and resource of each kind; stop with the kinds that the cluster does not know."""
    known = cluster.kinds()
    kinds = {(one["apiVersion"], one["kind"]) for one in objects}
    strange = sorted(f"{kind} ({version})" for version, kind in kinds - known.keys())
    if strange:
        stop(
            f"the cluster does not know {', '.join(strange)}",
            "install what brings these kinds, or turn the parameter off that asks for them",
        )
    return {(version.rpartition("/")[0], known[version, kind]) for version, kind in kinds}


def permissions(cluster: Cluster, wanted: set[Resource], tool: Iterable[Right]) -> None:
    """Stop unless whoever asks may do all that a deploy does (as `kubectl auth can-i` says, in one question).

    `wanted` is what the deployed objects are, `tool` what the way's own tool does besides.
    """
    verbs = {resource: set(_VERBS) for resource in wanted}
    for resource, more in _ALSO.items():
        verbs.setdefault(resource, set()).update(more)
    for group, name, verb in tool:
        verbs.setdefault((group, name), set()).add(verb)
    asked = [(group, name, verb) for (group, name), all_of in sorted(verbs.items()) for verb in sorted(all_of)]
    answers = cluster.objects("create", "--filename", "-", stdin=bundle(_review(cluster, *one) for one in asked))
    refused: dict[str, list[str]] = {}
    for (group, name, verb), answer in zip(asked, answers, strict=True):
        if not answer["status"].get("allowed"):
            refused.setdefault(f"{name}.{group}".rstrip("."), []).append(verb)
    if refused:
        lines = "; ".join(f"{'/'.join(all_of)} {name}" for name, all_of in refused.items())
        stop(
            f"you may not do this in the namespace {cluster.namespace}: {lines}",
            "ask the cluster's administrator for a Role that allows it; try: "
            + " ".join(cluster.command("auth", "can-i", "--list")),
        )


def _review(cluster: Cluster, group: str, name: str, verb: str) -> Object:
    resource, _, part = name.partition("/")
    attributes = {"namespace": cluster.namespace, "group": group, "resource": resource, "verb": verb}
    attributes |= {"subresource": part} if part else {}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def platforms(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Stop unless each image is in its registry for the platforms of all nodes that pods may come to."""
    pods = pods_of(objects)
    nodes = _node_platforms(cluster, (pods[0].get("nodeSelector") or {}) if pods else {})
    for reference in sorted({one["image"] for one in containers_of(pods)}):
        if "@" not in reference:
            continue
        found = images.platforms(reference)
        lacking = [node for node in nodes if not any(f"{one}/".startswith(f"{node}/") for one in found)]
        if lacking:
            stop(
                f"{reference} is for {', '.join(found)}, but the cluster has nodes that are {', '.join(lacking)}",
                f"build for these too (`inv build --push --platforms {','.join([*found, *lacking])}`), "
                "or keep the pods off such nodes with pod.nodeSelector",
            )


def _node_platforms(cluster: Cluster, selector: Mapping[str, str]) -> list[str]:
    """Return the platforms of the nodes with some labels; none when nodes may not be listed."""
    chosen = ["--selector", ",".join(f"{name}={value}" for name, value in selector.items())] if selector else []
    done = cluster.ask("get", "nodes", *chosen, "--output", "json")
    if done.returncode != 0:
        say("You may not list the cluster's nodes, so the images' platforms were not compared with theirs.")
        return []
    infos = [node["status"]["nodeInfo"] for node in parse(done.stdout)]
    return sorted({f"{info['operatingSystem']}/{info['architecture']}" for info in infos})


def resolve(reference: str) -> str:
    """Return an image of others by its digest, or as it is where its registry cannot be asked."""
    done = images.ask_registry(reference)
    if done.returncode == 0:
        return f"{reference.rpartition(':')[0]}@{json.loads(done.stdout)['digest']}"
    known = find(done.stderr)
    if known and known.name == "image-missing":
        stop(f"there is no image {reference}", "correct its repository or tag in the environment's values")
    said = (done.stderr.strip().splitlines() or ["no answer"])[-1]
    say(f"{reference} is deployed by its tag, because its registry could not be asked for the digest ({said})")
    return reference


def secret(cluster: Cluster, name: str, keys: list[str], environment: str) -> None:
    """Stop unless a Secret is there and has some keys."""
    there = secrets.read(cluster, name)
    lacking = [key for key in keys if key not in there]
    if lacking:
        stop(
            f"the Secret {name} in the namespace {cluster.namespace} lacks {', '.join(lacking)}",
            f"make it: inv secrets.init --env {environment}",
        )
