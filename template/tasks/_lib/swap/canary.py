"""Judging a canary: by probes through the proxy, and by what Prometheus measured of it, where that is deployed."""

import json
import time
from pathlib import Path
from typing import Any

import yaml

from ..console import say
from ..containers import Container, Containers, state_of
from ..releases import Failure
from ..run import ask
from .proxy import Proxy, Side

_LIMITS = Path(__file__).with_name("canary.yaml")


def judge(proxy: Proxy, containers: Containers, sides: list[Side], made: list[Container]) -> list[Failure]:
    """Watch the new sides while they serve a part of the clients; return what speaks against them."""
    limits: dict[str, Any] = yaml.safe_load(_LIMITS.read_text(encoding="utf-8"))
    failed = dict.fromkeys((side.service for side in sides), 0)
    for _ in range(limits["probes"]):
        for side in sides:
            failed[side.service] += not proxy.answers(side)
        time.sleep(limits["interval"])
    say(f"  {limits['probes']} probes of each: {', '.join(f'{name} failed {count}' for name, count in failed.items())}")
    failures = [
        Failure(name, f"{count} of {limits['probes']} probes through the proxy failed", "", "")
        for name, count in failed.items()
        if count > limits["failed"]
    ]
    return failures or _measured(containers, made, limits["measures"])


def _measured(containers: Containers, made: list[Container], measures: list[dict[str, Any]]) -> list[Failure]:
    """Return the measures of Prometheus that are beyond their limit; those without data say nothing."""
    running = [one for one in containers.of("prometheus") if state_of(one) in ("healthy", "running")]
    if not running:
        return []
    addresses = [network["IPAddress"] for one in made for network in one["NetworkSettings"]["Networks"].values()]
    instances = "|".join(f"{address.replace('.', '[.]')}:.*" for address in addresses if address)
    failures = []
    for measure in measures:
        query = measure["query"].replace("INSTANCES", instances)
        command = ["promtool", "query", "instant", "--format", "json", "http://127.0.0.1:9090", query]
        done = ask([*containers.docker, "exec", running[0]["Id"], *command])
        found = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []
        value = float(found[0]["value"][1]) if found else float("nan")
        say(f"  {measure['name']}: {f'{value:.3g}' if value == value else 'no data'} (limit {measure['limit']})")
        if value > measure["limit"]:
            failures.append(
                Failure("canary", f"{measure['name']} is {value:.3g}, more than {measure['limit']}", "", "")
            )
    return failures
