"""Promise: every overlay on every subset of parts makes a stack that is valid, healthy to wait for, and confined.

`docker compose config` itself lets a missing secret pass, and waiting for the health of what has no health check.
"""

from __future__ import annotations

import copy
import json
import os
import string
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from tests.sets import every_stack
from tools.answers import Answers, choices, subsets

pytestmark = pytest.mark.compose

Document = dict[str, Any]

# Where the stack runs. All other overlays may come on top of each.
PLACES = ["dev", "production", "truenas"]
LASTING = ["production", "truenas"]
# Those that are reached from outside. Everything else that publishes a port belongs to an overlay.
WAYS_IN = {"nginx", "frontend", "backend"}
LOOPBACK = "127.0.0.1"
INTERNAL = {"backend", "monitoring"}


def overlays(root: Path) -> list[str]:
    """Name the overlays of a project."""
    return sorted(path.name.split(".")[1] for path in root.glob("docker-compose.*.yml"))


def stacks(names: list[str]) -> list[list[str]]:
    """List the ways in which overlays are put together: a place or none, and any of the others."""
    others = subsets([name for name in names if name not in PLACES])
    found = [[*place, *more] for place in ([], ["dev"], ["production"]) for more in others]
    # The NAS comes last: it moves what others brought along, too.
    found += [["production", *more, "truenas"] for more in others]
    return [stack for stack in found if set(stack) <= set(names)]


def resolve(root: Path, names: list[str]) -> Document:
    """Return the stack as compose resolves it, all profiles on, with nothing from this shell."""
    files = [f"docker-compose.{name}.yml" for name in names]
    arguments = [argument for file in ["docker-compose.yml", *files] for argument in ("--file", file)]
    done = subprocess.run(
        ["docker", "compose", *arguments, "--profile", "*", "config", "--format", "json"],
        cwd=root,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{names}: {done.stderr}"
    document: Document = json.loads(done.stdout)
    return document


def ends(document: Document) -> set[str]:
    """Name the services that do one thing and end: others wait for that, or people run them by hand."""
    awaited = {
        name
        for service in document["services"].values()
        for name, condition in (service.get("depends_on") or {}).items()
        if condition["condition"] == "service_completed_successfully"
    }
    by_hand = {
        name
        for name, service in document["services"].items()
        if service.get("profiles") and service.get("restart") == "no"
    }
    return awaited | by_hand


def has_health_check(service: Document) -> bool:
    """Say whether a service tells how it is."""
    check = service.get("healthcheck") or {}
    return bool(check.get("test")) and not check.get("disable")


def waiting_faults(document: Document) -> Iterator[str]:
    """Yield who cannot be waited for: without a health check, or waited for in vain."""
    services = document["services"]
    for name, service in services.items():
        if not has_health_check(service) and name not in ends(document):
            yield f"{name} has no health check"
        for other, condition in (service.get("depends_on") or {}).items():
            if other not in services:
                yield f"{name} waits for {other}, which is not there"
            elif condition["condition"] == "service_healthy" and not has_health_check(services[other]):
                yield f"{name} waits for the health of {other}, which has no health check"
            elif condition["condition"] == "service_completed_successfully" and has_health_check(services[other]):
                yield f"{name} waits for the end of {other}, which serves"


def secret_faults(document: Document) -> Iterator[str]:
    """Yield secrets that are not there, are no files, cannot be made, or stand where everybody reads them."""
    known = document.get("secrets") or {}
    used = set()
    for name, service in document["services"].items():
        mounted = {secret["source"] for secret in service.get("secrets") or ()}
        used |= mounted
        for secret in mounted - set(known):
            yield f"{name} wants the secret {secret}, which is not there"
        for variable, value in (service.get("environment") or {}).items():
            if str(value).startswith("/run/secrets/") and Path(value).name not in mounted:
                yield f"{name} reads {value} for {variable}, and does not have that secret"
            secretive = any(word in variable for word in ("PASSWORD", "SECRET", "TOKEN", "KEY"))
            if secretive and not str(value).startswith("/run/secrets/"):
                yield f"{name} has {variable} as a value, not as a file"
    for secret, source in known.items():
        if "file" not in source:
            yield f"the secret {secret} is no file"
        if secret not in used:
            yield f"nobody uses the secret {secret}"
        wanted = {field for _, field, _, _ in string.Formatter().parse(source.get("x-value") or "") if field}
        for other in wanted - set(known):
            yield f"the secret {secret} is made from {other}, which is not there"


def port_faults(document: Document) -> Iterator[str]:
    """Yield what is published to more than this machine, or twice."""
    taken: dict[str, str] = {}
    for name, service in document["services"].items():
        for port in service.get("ports") or ():
            if port.get("host_ip") != LOOPBACK:
                yield f"{name} publishes {port['published']} on {port.get('host_ip') or 'every address'}"
            if port["published"] in taken:
                yield f"{name} publishes {port['published']}, as {taken[port['published']]} does"
            taken[port["published"]] = name
            if INTERNAL.issuperset(service["networks"]):
                yield f"{name} publishes {port['published']}, but is on internal networks only"


def confinement_faults(document: Document) -> Iterator[str]:
    """Yield who may write, or do, or use more than it needs to."""
    for name, service in document["services"].items():
        if not service.get("read_only"):
            yield f"{name} may write to its own files"
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name} keeps capabilities"
        if "no-new-privileges:true" not in (service.get("security_opt") or ()):
            yield f"{name} may gain privileges"
        if not {"max-size", "max-file"} <= set((service.get("logging") or {}).get("options") or ()):
            yield f"the log of {name} grows without end"
        if not service.get("mem_limit") or not service.get("cpus"):
            yield f"{name} has no limits"
        for volume in service.get("volumes") or ():
            if volume["type"] == "bind" and not (volume["source"].startswith("/mnt/") or volume.get("read_only")):
                yield f"{name} mounts {volume['source']} of this machine"


def network_faults(document: Document) -> Iterator[str]:
    """Yield who is on the wrong network."""
    networks = document["networks"]
    for name in INTERNAL & set(networks):
        if not networks[name].get("internal"):
            yield f"the network {name} leads outside"
    for name, service in document["services"].items():
        if "default" in service["networks"]:
            yield f"{name} is on the network of everybody"


def lasting_faults(document: Document) -> Iterator[str]:
    """Yield what does not come back after a restart of the machine, and what comes back although it has ended."""
    for name, service in document["services"].items():
        wanted = {None, "no"} if name in ends(document) else {"always", "unless-stopped"}
        if service.get("restart") not in wanted:
            yield f"{name} is restarted: {service.get('restart', 'no')}"


def faults(document: Document, names: list[str]) -> list[str]:
    """Say all that is wrong with a stack made of some overlays."""
    checks: list[Callable[[Document], Iterator[str]]] = [waiting_faults, secret_faults, port_faults, network_faults]
    if "dev" not in names:
        checks.append(confinement_faults)
    if set(names) & set(LASTING):
        checks.append(lasting_faults)
    return [fault for check in checks for fault in check(document)]


def of_profiles(document: Document, *chosen: str) -> Document:
    """Return what of a stack runs with some profiles."""
    kept = {
        name: service
        for name, service in document["services"].items()
        if not service.get("profiles") or set(service["profiles"]) & set(chosen)
    }
    return document | {"services": kept}


def way_in_faults(document: Document, names: list[str]) -> Iterator[str]:
    """Yield that there is no way in, or more than one. For development, more ports may be open."""
    published = {name for name, service in document["services"].items() if service.get("ports")}
    if "dev" not in names and len(published & WAYS_IN) != 1:
        yield f"the ways in are {sorted(published & WAYS_IN)}"
    # Pages for those who watch, and debuggers, are for this machine alone.
    for name in published - WAYS_IN:
        ports = document["services"][name]["ports"]
        if set(names) <= set(LASTING) or any(port.get("host_ip") != "127.0.0.1" for port in ports):
            yield f"{name} publishes a port"


@every_stack
def test_every_stack_is_sound(project: Project, answers: Answers) -> None:
    root = project(**answers)
    wrong = {}
    for names in stacks(overlays(root)):
        whole = resolve(root, names)
        profiles = {profile for service in whole["services"].values() for profile in service.get("profiles") or ()}
        found = [*faults(whole, names), *way_in_faults(whole, names)]
        for chosen in [(), *((profile,) for profile in sorted(profiles))]:
            part = of_profiles(whole, *chosen)
            found += [f"with {chosen}: {fault}" for fault in (*waiting_faults(part), *port_faults(part))]
        if found:
            wrong["+".join(["base", *names])] = found
    assert wrong == {}


def test_without_a_way_to_deploy_it_is_sound_too(project: Project) -> None:
    for services in subsets(choices()["services"]):
        root = project(services=services, deploy=[])
        for names in stacks(overlays(root)):
            document = resolve(root, names)
            assert [*waiting_faults(document), *secret_faults(document), *port_faults(document)] == []


@pytest.fixture(scope="module")
def sound(everything: Path) -> Document:
    """Give a sound stack, to be broken."""
    document = resolve(everything, ["production", "monitoring"])
    assert faults(document, ["production", "monitoring"]) == []
    return document


BREAKS: dict[str, tuple[Callable[[Document], object], str]] = {
    "no health check": (
        lambda stack: stack["services"]["postgres"].pop("healthcheck"),
        "postgres has no health check",
    ),
    "a health check that is off": (
        lambda stack: stack["services"]["prometheus"]["healthcheck"].update(disable=True),
        "prometheus has no health check",
    ),
    "waiting for no health": (
        lambda stack: stack["services"]["backend"].pop("healthcheck"),
        "waits for the health of backend, which has no health check",
    ),
    "a secret that is not there": (
        lambda stack: stack["secrets"].pop("database_url"),
        "backend wants the secret database_url, which is not there",
    ),
    "a secret that is not mounted": (
        lambda stack: stack["services"]["redis-exporter"].pop("secrets"),
        "redis-exporter reads /run/secrets/redis_exporter for REDIS_PASSWORD_FILE",
    ),
    "a secret as a value": (
        lambda stack: stack["services"]["postgres"]["environment"].update({"POSTGRES_PASSWORD": "hello"}),
        "postgres has POSTGRES_PASSWORD as a value",
    ),
    "a secret out of a variable": (
        lambda stack: stack["secrets"].update(redis_password={"environment": "REDIS_PASSWORD"}),
        "the secret redis_password is no file",
    ),
    "a secret from nothing": (
        lambda stack: stack["secrets"]["redis_url"].update({"x-value": "redis://:{pasword}@redis"}),
        "the secret redis_url is made from pasword",
    ),
    "a port for everybody": (
        lambda stack: stack["services"]["prometheus"]["ports"][0].pop("host_ip"),
        "prometheus publishes 9090 on every address",
    ),
    "a port that nobody can reach": (
        lambda stack: stack["services"]["prometheus"]["networks"].pop("edge"),
        "prometheus publishes 9090, but is on internal networks only",
    ),
    "a port twice": (
        lambda stack: stack["services"]["alertmanager"]["ports"][0].update(published="9090"),
        "publishes 9090, as",
    ),
    "a writable root": (
        lambda stack: stack["services"]["alertmanager"].update(read_only=False),
        "alertmanager may write to its own files",
    ),
    "capabilities": (
        lambda stack: stack["services"]["postgres-exporter"].pop("cap_drop"),
        "postgres-exporter keeps capabilities",
    ),
    "no limit": (lambda stack: stack["services"]["grafana"].pop("mem_limit"), "grafana has no limits"),
    "an endless log": (lambda stack: stack["services"]["backend"].pop("logging"), "the log of backend grows"),
    "a mounted checkout": (
        lambda stack: stack["services"]["prometheus"]["volumes"].append(
            {"type": "bind", "source": "/home/somebody/rules", "target": "/etc/prometheus/rules"}
        ),
        "prometheus mounts /home/somebody/rules",
    ),
    "an open network": (
        lambda stack: stack["networks"]["backend"].pop("internal"),
        "the network backend leads outside",
    ),
    "not restarted": (lambda stack: stack["services"]["prometheus"].pop("restart"), "prometheus is restarted: no"),
    "restarted for ever": (
        lambda stack: stack["services"]["migrate"].update(restart="always"),
        "migrate is restarted: always",
    ),
}


@pytest.mark.parametrize(("break_it", "fault"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_stack_is_found(sound: Document, break_it: Callable[[Document], object], fault: str) -> None:
    stack = copy.deepcopy(sound)
    break_it(stack)
    assert [found for found in faults(stack, ["production", "monitoring"]) if fault in found] != []
