"""Judging a canary: by probes through the proxy, and by what Prometheus measured of it, where that is deployed."""

import math
import time
from pathlib import Path
from typing import Any

import yaml

from ..console import say
from ..containers import Container, Containers, name_of
from ..releases import Failure
from ..stacks import service_of
from .prometheus import SERVICE, Part, Prometheus
from .proxy import Proxy, Side

_LIMITS = Path(__file__).with_name("canary.yaml")


def judge(proxy: Proxy, containers: Containers, sides: list[Side]) -> list[Failure]:
    """Watch the new sides while they serve a part of the clients; return what speaks against them."""
    limits: dict[str, Any] = yaml.safe_load(_LIMITS.read_text(encoding="utf-8"))
    return _probed(proxy, sides, limits) or _measured(containers, sides, limits)


def _probed(proxy: Proxy, sides: list[Side], limits: dict[str, Any]) -> list[Failure]:
    failed = dict.fromkeys((side.service for side in sides), 0)
    for _ in range(limits["probes"]):
        for side in sides:
            failed[side.service] += not proxy.answers(side)
        time.sleep(limits["interval"])
    say(f"  {limits['probes']} probes of each: {', '.join(f'{name} failed {count}' for name, count in failed.items())}")
    return [
        Failure(name, f"{count} of {limits['probes']} probes through the proxy failed", "", "")
        for name, count in failed.items()
        if count > limits["failed"]
    ]


def _measured(containers: Containers, sides: list[Side], limits: dict[str, Any]) -> list[Failure]:
    """Return the measures of Prometheus that are beyond their limit, once it has read all that happened until now."""
    there = containers.all()
    found = [container for container in there if service_of(container) == SERVICE]
    if not found:
        say(f"  {SERVICE} is not deployed here, so the probes decide")
        return []
    prometheus = Prometheus(containers.docker, found[0])
    unread = [side.service for side in sides if not prometheus.reads(side.service)]
    if unread:
        say(f"  {SERVICE} has no target {', '.join(unread)}: there, the probes decide")
    parts = [_part(there, side) for side in sides if side.service not in unread]
    say(f"  {SERVICE} reads what came of it …")
    late = prometheus.lacks(parts, limits["patience"])
    if late:
        names = ", ".join(part.service for part in late)
        state = f"has not read the new {names} within {limits['patience']} s, so nothing is known of it"
        return [Failure(SERVICE, state, prometheus.said, "")]
    return [failure for part in parts for failure in _beyond(prometheus, part, limits["measures"])]


def _part(there: list[Container], side: Side) -> Part:
    """Return what Prometheus knows a side by: services are read under their names, containers by their addresses."""
    names = {server.rpartition(":")[0] for server in side.servers}
    own = [one for one in there if service_of(one) == side.service and name_of(one) in names]
    networks = [network for one in own for network in one["NetworkSettings"]["Networks"].values()]
    return Part(side.service, tuple(network["IPAddress"] for network in networks if network["IPAddress"]), len(own))


def _beyond(prometheus: Prometheus, part: Part, measures: list[dict[str, Any]]) -> list[Failure]:
    failures = []
    for measure in measures:
        value = prometheus.value(measure["query"].replace("CANARY", part.selector))
        shown = "no request" if math.isnan(value) else f"{value:.3g}"
        say(f"  {part.service}: {measure['name']}: {shown} (limit {measure['limit']})")
        if value > measure["limit"]:
            said = f"{measure['name']} is {value:.3g}, more than {measure['limit']}"
            failures.append(Failure(part.service, said, "", ""))
    return failures
