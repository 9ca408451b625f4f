"""The proxy: which containers it leads to, changing that while it runs, and asking it what it does."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from subprocess import CompletedProcess
from typing import Any

from ..console import stop
from ..containers import Containers, state_of
from ..run import ask

SERVICE = "nginx"
# By its own `keepalive_min_timeout`, an old worker takes requests on connections that it has for ten seconds more.
_LETTING_GO = 12.0


@dataclass(frozen=True)
class Side:
    """Some containers of a service, `host:port` each, and the percentage of clients that they serve."""

    service: str
    colour: str
    share: int
    servers: tuple[str, ...]

    @property
    def pool(self) -> str:
        """The name by which the proxy knows them."""
        return f"{self.service}-{self.colour}"

    @property
    def other(self) -> str:
        """The colour that is free beside it."""
        return "green" if self.colour == "blue" else "blue"


def ports(objects: dict[str, Any]) -> dict[str, str]:
    """Return the services behind a stack's proxy, each with its port; none where there is no proxy."""
    environment = (objects["services"].get(SERVICE) or {}).get("environment") or {}
    return dict(pool.split(":") for pool in str(environment.get("POOLS") or "").split())


def entrance(published: Iterable[tuple[str, int, int]]) -> int | None:
    """Return the port that clients come in by, out of each service, its container's port and the published one."""
    # Of the proxy's ports, the app's own is the lowest; others are for those who watch.
    ports = sorted((service != SERVICE, inner, outer) for service, inner, outer in published)
    return ports[0][2] if ports else None


class Proxy:
    """The proxy that runs."""

    def __init__(self, containers: Containers) -> None:
        """Take the containers that it is one of."""
        self._containers = containers

    def runs(self) -> bool:
        """Return whether it serves."""
        return any(state_of(container) == "healthy" for container in self._containers.of(SERVICE))

    def sides(self) -> dict[str, Side]:
        """Return by service the side that serves, or that serves most."""
        found: dict[str, Side] = {}
        for line in self._run("pools", "show").splitlines():
            service, colour, share, *servers = line.split()
            side = Side(service, colour, int(share), tuple(servers))
            if service not in found or side.share > found[service].share:
                found[service] = side
        return found

    def switch(self, sides: Iterable[Side]) -> None:
        """Lead to some sides from now on: when this returns, nothing new is led by what held before."""
        lines = [f"{side.service} {side.colour} {side.share} {' '.join(side.servers)}\n" for side in sides]
        self._run("pools", "switch", stdin="".join(lines))

    def meets(self, side: Side, until: float) -> bool:
        """Wait until a side answers through the proxy, which may have to find its address first."""
        while not self.answers(side):
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def answers(self, side: Side) -> bool:
        """Return whether a side answers through the proxy that it is ready."""
        return self._ask("ask", "8082", f"/{side.pool}/readyz").returncode == 0

    def leads_to(self, side: Side) -> bool:
        """Return whether requests to a service are led to a side."""
        return f"{side.service}={side.pool}" in self._ask("ask", "8082", "/pools").stdout.split()

    def let_go(self) -> None:
        """Wait until no worker leads requests by what held before the last switch; streams may go on."""
        until = time.monotonic() + _LETTING_GO
        while self._ask("pools", "calm").returncode != 0 and time.monotonic() < until:
            time.sleep(0.1)

    def _run(self, *command: str, stdin: str = "") -> str:
        done = self._ask(*command, stdin=stdin)
        if done.returncode != 0:
            stop(
                f"the proxy does not do `{' '.join(command)}`: {done.stderr.strip()}",
                f"see what it says: inv logs --env NAME --service {SERVICE}",
            )
        return done.stdout

    def _ask(self, *command: str, stdin: str = "") -> CompletedProcess[str]:
        docker = self._containers.docker
        return ask([*docker, "exec", "--interactive", self._id, *command], stdin=stdin)

    @cached_property
    def _id(self) -> str:
        """Its container, which nothing replaces while releases are switched behind it."""
        (container,) = self._containers.of(SERVICE)[:1]
        return str(container["Id"])
