"""A stack that stands alone: what TrueNAS stores and starts, with nothing beside it but images and a pool."""

import copy
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from .. import compose
from ..console import stop

# A folder on a pool; /mnt/.ix-apps is TrueNAS's own.
_ON_A_POOL = re.compile(r"/mnt/[A-Za-z0-9][^/]*/.")


def alone(objects: dict[str, Any]) -> dict[str, Any]:
    """Return a resolved stack without what TrueNAS cannot use; stop at what it could not start, or would never end.

    Services with a profile are run by hand, which its API cannot do.
    """
    services = {name: copy.deepcopy(one) for name, one in objects["services"].items() if not one.get("profiles")}
    for service in services.values():
        service.pop("build", None)
        for mount in _mounts(service, "bind"):
            # Versions of compose differ: some make a folder of root's in the place of a missing one.
            mount["bind"] = {**(mount.get("bind") or {}), "create_host_path": False}
    used = {mount["source"] for service in services.values() for mount in _mounts(service, "volume")}
    volumes = {name: volume for name, volume in (objects.get("volumes") or {}).items() if name in used}
    made = {**objects, "services": services, "volumes": volumes}
    if not volumes:
        del made["volumes"]
    _check_paths(made)
    _check_health(made)
    return made


def folders(objects: dict[str, Any]) -> dict[str, str]:
    """Return the folders of a pool that a stack writes to, each with the user that does (`uid:gid`, or empty)."""
    return {
        str(mount["source"]): str(service.get("user", ""))
        for service in objects["services"].values()
        for mount in _mounts(service, "bind")
        if not mount.get("read_only")
    }


def _mounts(service: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [mount for mount in service.get("volumes") or () if mount["type"] == kind and mount.get("source")]


def _paths(objects: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each path of the machine that a stack uses, and what uses it."""
    for name, service in objects["services"].items():
        for mount in _mounts(service, "bind"):
            yield f"services.{name}", str(mount["source"])
        for device in service.get("devices") or ():
            yield f"services.{name}", str(device["source"])
    for kind in ("secrets", "configs"):
        for name, one in (objects.get(kind) or {}).items():
            # What is no file would be a value inside the stored YAML.
            yield f"{kind}.{name}", str(one.get("file", "(no file)"))


def _check_paths(objects: dict[str, Any]) -> None:
    for user, path in _paths(objects):
        if not _ON_A_POOL.match(path) or posixpath.normpath(path) != path.rstrip("/"):
            stop(
                f"{user} uses {path}, which is on no pool of the NAS",
                "give it a path under /mnt/POOL in docker-compose.truenas.yml, or put the file into an image",
            )


def _check_health(objects: dict[str, Any]) -> None:
    """Stop at a service that runs on and cannot say whether it is well: TrueNAS would call it so from its start."""
    for name in sorted(lasting(objects)):
        health = objects["services"][name].get("healthcheck") or {}
        if health.get("disable") or not health.get("test"):
            stop(f"the service {name} has no health check, so nobody can say when it is well", "give it one")


def lasting(objects: dict[str, Any]) -> set[str]:
    """Return the services that run until they are stopped."""
    return set(objects["services"]) - compose.one_shot(objects)
