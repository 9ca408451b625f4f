"""What a NAS must have before an app is sent to it: asked through its API, as far as the user's roles let us."""

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import compose
from ..findings import Finding
from ..programs import version
from ..project import Environment
from ..releases import Failure
from .api import Api
from .problems import ProblemError, RefusedError

_LEAST = (25, 4)
_SCHEMA = Path(__file__).with_name("environment.schema.json")
# The user that TrueNAS has for apps.
APPS = "568:568"


def settings(environment: Environment) -> None:
    """Raise a ProblemError when the environment in invoke.yaml is not one of a NAS."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(json.loads(_SCHEMA.read_text())).iter_errors(environment.settings))
    if error is not None:
        where = ".".join(["environments", environment.name, *map(str, error.absolute_path)])
        hint = error.schema.get("description") if isinstance(error.schema, dict) else None
        raise ProblemError(f"invoke.yaml, {where}: {error.message}", hint or "see docs/deployment/truenas-guide.md")


def name(app: str, environment: str) -> None:
    """Raise a ProblemError when TrueNAS would not take the name of an app."""
    if len(app) > 40 or not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", app):
        raise ProblemError(
            f"TrueNAS does not take {app!r} as the name of an app ({len(app)} characters)",
            f"set `app:` under environments.{environment} in invoke.yaml: at most 40 lower-case letters, digits and "
            "hyphens, a letter first",
        )


def release(api: Api) -> str:
    """Return the NAS's version; raise a ProblemError when it is too old."""
    said = str(_ask(api, "system.version") or "")
    if said and version(said) < _LEAST:
        raise ProblemError(f"{api.host} is {said}", "update it to TrueNAS 25.04 or later: apps are deployed by its API")
    return said or "a version that this user may not ask for"


def role(api: Api) -> str:
    """Return the role by which the user may change apps; raise a ProblemError when there is none."""
    roles = (api.user.get("privilege") or {}).get("roles") or []
    for name in ("FULL_ADMIN", "APPS_WRITE"):
        if name in roles:
            return name
    raise ProblemError(
        f"the user of the key may not change apps on {api.host}; its roles are: {', '.join(sorted(roles)) or 'none'}",
        "give its group a privilege with the role APPS_WRITE (Credentials → Groups → Privileges)",
    )


def pool(api: Api) -> str:
    """Return the state of the NAS's apps; raise a ProblemError when they have no pool or do not run."""
    status = _ask(api, "docker.status") or {"status": "RUNNING"}
    if status["status"] == "UNCONFIGURED":
        raise ProblemError(
            f"no pool of {api.host} is chosen for apps", "choose one: Apps → Configuration → Choose Pool"
        )
    if status["status"] != "RUNNING":
        cause = f"the apps service of {api.host} is {status['status']}: {status.get('description', '')}"
        raise ProblemError(cause, "see Apps on the NAS; it starts them once their pool is imported and unlocked")
    return str(status["status"])


def ports(api: Api, app: str, objects: dict[str, Any]) -> None:
    """Raise a ProblemError when another app has a port that a stack publishes."""
    wanted = compose.publishing(objects)
    for other in api.call("app.query", [["name", "!=", app]]):
        for used in other["active_workloads"]["used_ports"]:
            for port in {int(one["host_port"]) for one in used["host_ports"]} & wanted.keys():
                raise ProblemError(
                    f"port {port} of {api.host} is in use by the app {other['name']}",
                    f"set another port for {wanted[port]} in the environment's values (.env.example names its "
                    "variable), or stop that app",
                )


def missing_secrets(api: Api, folder: str, names: list[str]) -> list[str]:
    """Return the secrets that a folder lacks or has empty; raise a ProblemError when one cannot be read by a container.

    None is missing where the user may not look: then the start will tell.
    """
    lacking = []
    for name in names:
        found = _stat(api, f"{folder}/{name}")
        if found is None or found.get("size") == 0:
            lacking.append(name)
        # A container's user is none of the NAS's, and a bind-mounted file keeps its mode.
        elif "mode" in found and not found["mode"] & 0o004:
            raise ProblemError(
                f"{folder}/{name} cannot be read by the containers: its mode is {found['mode'] & 0o777:04o}",
                f"on the NAS: chmod 0444 {folder}/{name}; the folder's 0700 keeps others out",
            )
    return lacking


def folders(api: Api, wanted: dict[str, str]) -> None:
    """Raise a ProblemError when a folder that a service writes to is not there, or belongs to another user."""
    for folder, user in wanted.items():
        found = _stat(api, folder)
        if found is None:
            raise ProblemError(f"{api.host} has no folder {folder}", make_folder(folder, user))
        owner = f"{found['uid']}:{found['gid']}" if "uid" in found else user
        # An access control list may let the user in whoever the owner is.
        if user and owner.partition(":")[0] != user.partition(":")[0] and not found.get("acl"):
            raise ProblemError(
                f"{folder} on {api.host} belongs to {owner}, and the app writes as {user}", make_folder(folder, user)
            )


def make_folder(folder: str, user: str) -> str:
    """Say how a folder is made on the NAS."""
    return f"on the NAS: mkdir -p {folder} && chown {user or APPS} {folder} (or a dataset with the preset Apps)"


def holds_data(api: Api, wanted: dict[str, str]) -> list[str]:
    """Return the folders that already hold something."""
    held = []
    for folder in wanted:
        try:
            if api.call("filesystem.listdir", folder, [], {"limit": 1}):
                held.append(folder)
        except RefusedError:
            continue
    return held


def registry(api: Api, name: str, host: str) -> Finding:
    """Say whether the NAS has an account for a registry, which only private images need."""
    known = {_registry_host(str(one["uri"])) for one in _ask(api, "app.registry.query") or ()}
    said = "has an account for" if host in known else "has no account for (private images need one)"
    return Finding(f"{name}: registry", f"the NAS {said} {host}")


def findings(api: Api, name: str) -> Iterator[Finding]:
    """Yield what `inv doctor` says about a NAS that was logged in to, for an environment of this name."""
    for subject, check in (("version", release), ("role", role), ("apps", pool)):
        try:
            yield Finding(f"{name}: {subject}", check(api))
        except ProblemError as problem:
            yield Finding(f"{name}: {subject}", problem.cause, problem.fix)
        except RefusedError as refusal:
            yield Finding(
                f"{api.host}: {subject}", f"refused: {refusal.reason}", "see docs/deployment/truenas-guide.md"
            )


def logs(
    api: Api, app: str, containers: list[dict[str, Any]], lines: int, quiet: float | None
) -> Iterator[tuple[str, str]]:
    """Yield service and line of what containers logged last, and with no `quiet`, of what they go on to log."""
    names = {
        "app.container_log_follow:" + json.dumps({"app_name": app, "container_id": one["id"], "tail_lines": lines}): one
        for one in containers
    }
    for name, fields in api.events(list(names), quiet):
        yield str(names[name]["service_name"]), str(fields["data"]).rstrip("\n")


def failure(api: Api, app: str, container: dict[str, Any]) -> Failure:
    """Return what is known of a container that is not well: TrueNAS tells its state and its log, not its probe."""
    if "id" not in container:
        return Failure(str(container["service_name"]), "has no container", "", "")
    try:
        said = "\n".join(line for _, line in logs(api, app, [container], 20, 1.0))
    except (ProblemError, RefusedError) as error:
        said = f"(no log: {error})"
    return Failure(str(container["service_name"]), str(container["state"]), "", said)


def _ask(api: Api, method: str) -> Any:
    """Return what a method returns, or None where the user may not ask."""
    try:
        return api.call(method)
    except RefusedError as refusal:
        if refusal.kind == "EACCES" or "not authorized" in refusal.reason.lower():
            return None
        raise


def _stat(api: Api, path: str) -> dict[str, Any] | None:
    """Return what a path is, None where there is nothing, and an empty answer where the user may not ask."""
    try:
        found: dict[str, Any] = api.call("filesystem.stat", posixpath.normpath(path))
    except RefusedError as refusal:
        return None if refusal.kind == "ENOENT" else {}
    return found


def _registry_host(uri: str) -> str:
    return uri.rpartition("://")[2].partition("/")[0]
