"""Whose the objects in a cluster are: exactly one way's, and how they become another one's."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .. import ways as all_ways
from ..console import say
from ..releases import Release
from .kubectl import Cluster

if TYPE_CHECKING:
    from .method import ClusterMethod

_MANAGER = "app.kubernetes.io/managed-by"


def ways() -> dict[str, type["ClusterMethod"]]:
    """Return the ways to a cluster that this project has, by name."""
    # Only these render objects that a cluster would have.
    found = {name: all_ways.named(name) for name in all_ways.names()}
    return {name: way for name, way in found.items() if hasattr(way, "RENDERER")}


def marks() -> list[str]:
    """Return the marks that any way leaves on objects: whoever made an object, it counts as the same."""
    return [mark for way in ways().values() for mark in way.RENDERER.OWNERSHIP]


def by_memory(cluster: Cluster, name: str) -> str:
    """Return the way whose tool remembers objects of an instance; nothing when none does."""
    for way, method in ways().items():
        if method.OWN_MEMORY:
            selector = method.OWN_MEMORY.format(name=name)
            if cluster.read("get", "secrets", "--selector", selector, "--output", "name").strip():
                return way
    return ""


def end(cluster: Cluster, name: str, owner: str, release: Release) -> None:
    """Make a former owner forget the objects of a release: its marks on them go, and so does its own memory."""
    former = ways()[owner]
    for one in cluster.get(release.objects.values()):
        metadata = one["metadata"]
        thing = f"{one['kind']}.{one['apiVersion'].rpartition('/')[0]}".rstrip(".")
        labels = _marked(metadata.get("labels") or {}, former.RENDERER.OWNERSHIP)
        if metadata.get("labels", {}).get(_MANAGER, "").lower() == owner:
            labels.append(_MANAGER)
        annotations = _marked(metadata.get("annotations") or {}, former.RENDERER.OWNERSHIP)
        for verb, found in (("label", labels), ("annotate", annotations)):
            if found:
                cluster.read(verb, thing, metadata["name"], *(f"{mark}-" for mark in found))
    if former.OWN_MEMORY:
        cluster.read("delete", "secrets", "--selector", former.OWN_MEMORY.format(name=name))
    say(f"{owner} no longer owns anything here.")


def _marked(names: Iterable[str], patterns: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
