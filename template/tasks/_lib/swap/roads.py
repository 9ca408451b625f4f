"""The ways from one release to the next behind the proxy: rolling, blue-green, canary."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from .. import compose
from ..console import say, stop
from ..containers import DEFINITION, Container, Containers, definition_of, name_of, state_of
from ..releases import Failure, Strategy
from ..stacks import service_of
from . import canary
from .proxy import SERVICE, Proxy, Side, ports

Gate = Callable[[list[Side]], list[Failure]]

STRATEGIES = ("rolling", "blue-green", "canary")


def check(objects: dict[str, Any], strategy: Strategy, asked: bool) -> None:
    """Stop when two releases of the stack cannot run side by side, or not as it was asked for."""
    behind = ports(objects)
    if not behind and asked:
        stop(
            f"--strategy {strategy.name} needs a proxy, and the stack has no service {SERVICE} that leads to others",
            f"put {SERVICE} back into {compose.BASE}, or leave --strategy out: then requests fail for a moment",
        )
    for service in behind:
        found = objects["services"].get(service)
        if found is None:
            stop(f"{SERVICE} leads to {service}, which the stack does not have", f"correct POOLS in {compose.BASE}")
        probe = found.get("healthcheck") or {}
        if not probe.get("test") or probe.get("disable"):
            stop(
                f"{service} has no health check, so nobody can tell when a new one may take over",
                f"give it a `healthcheck:` in {compose.BASE}",
            )
        for key in ("ports", "container_name"):
            if found.get(key):
                stop(
                    f"{service} has `{key}:`, which two containers cannot share, so it is not replaced while it runs",
                    f"remove it: {SERVICE} leads to {service}",
                )


def marked(objects: dict[str, Any]) -> dict[str, Any]:
    """Return a stack in which what is behind the proxy has a label that tells its definition."""
    services = dict(objects["services"])
    for name in ports(objects):
        labels = (services[name].get("labels") or {}) | {DEFINITION: _definition(objects, name)}
        services[name] = services[name] | {"labels": labels}
    return objects | {"services": services}


def _definition(objects: dict[str, Any], name: str) -> str:
    """Return a hash of all that a container of a service is made by."""
    made = objects["services"][name]
    # How many there are of it makes none another.
    deploy = {key: value for key, value in (made.get("deploy") or {}).items() if key != "replicas"}
    service = {key: value for key, value in made.items() if key not in ("scale", "deploy")}
    service |= {"deploy": deploy} if deploy else {}
    sources = [secret["source"] for secret in service.get("secrets") or ()]
    secrets = {source: (objects.get("secrets") or {}).get(source) for source in sources}
    return hashlib.sha256(json.dumps([service, secrets], sort_keys=True).encode()).hexdigest()[:16]


def interruptions(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what a plan says of requests that will fail, between two stacks."""
    old, new = (stack.get("services", {}) for stack in (before, after))
    if not ports(after) and old != new:
        return ["! no proxy leads to the app, so requests fail for a moment"]
    if ports(after) and old.get(SERVICE) != new.get(SERVICE):
        return ["! the proxy restarts, so requests fail for a moment"]
    return []


class Swap:
    """Bringing what is behind the proxy to a release, each step without a request that fails."""

    def __init__(self, containers: Containers, objects: dict[str, Any], until: Callable[[], float]) -> None:
        """Take the containers, the release's stack, and what says until when that which starts now must be healthy."""
        self._containers = containers
        self._proxy = Proxy(containers)
        self._objects = marked(objects)
        self._ports = ports(objects)
        self._definitions = {name: _definition(objects, name) for name in self._ports}
        self._until = until

    def apply(self, strategy: Strategy) -> list[Failure]:
        """Replace by a strategy what is not of this release; on failure, the old serves and nothing new is left."""
        self.settle()
        behind = [name for names in compose.in_order(self._objects) for name in names if name in self._ports]
        if strategy.name == "canary":
            return self._replace(behind, strategy.weight, lambda new: self._gate(strategy, new))
        for services in [behind] if strategy.name == "blue-green" else [[name] for name in behind]:
            failures = self._replace(services)
            if failures:
                return failures
        return []

    def _replace(self, services: Sequence[str], share: int = 0, gate: Gate | None = None) -> list[Failure]:
        """Start the new beside the old, let the proxy meet them, judge them by a gate, switch, and end the old."""
        present = {name: self._containers.of(name) for name in services}
        current = {name: [one for one in present[name] if self._is_current(one)] for name in services}
        stale = [name for name in services if not len(present[name]) == len(current[name]) == self._wanted(name)]
        if not stale:
            return []
        more = {name: self._wanted(name) - len(current[name]) for name in stale}
        more = {name: count for name, count in more.items() if count > 0}
        # Letting the service before end what it did may have taken minutes.
        until = self._until()
        made, failures = self._containers.beside(self._objects, more, until) if more else ([], [])
        if failures:
            self._containers.remove([container["Id"] for container in made])
            return failures
        before = self._proxy.sides()
        own = {name: self._own(name) for name in stale}
        new = [self._side(name, own[name], share, before.get(name)) for name in stale]
        self._proxy.switch([*before.values(), *new])
        late = [side for side in new if not self._proxy.meets(side, until)]
        failures = [Failure(side.service, "does not answer through the proxy", "", "") for side in late]
        if not failures and gate:
            failures = gate(new)
        if failures:
            self._switch_alone(before)
            self._proxy.let_go()
            self._containers.stop(made)
            return failures
        self._switch(before, new)
        kept = {one["Id"] for name in stale for one in own[name]}
        self._containers.stop(old for name in stale for old in present[name] if old["Id"] not in kept)
        return []

    def _switch(self, before: dict[str, Side], new: list[Side]) -> None:
        """Lead all clients to new sides, and wait until nobody is led to the old ones any more."""
        say(f"  the proxy leads to {', '.join(side.pool for side in new)}")
        self._switch_alone(before | {side.service: side for side in new})
        for side in new:
            if not self._proxy.leads_to(side):
                stop(
                    f"the proxy does not lead to {side.pool} after the switch",
                    f"inv logs --env NAME --service {SERVICE}",
                )
        self._proxy.let_go()

    def _switch_alone(self, sides: dict[str, Side]) -> None:
        self._proxy.switch(Side(one.service, one.colour, 100, one.servers) for one in sides.values())

    def _gate(self, strategy: Strategy, new: list[Side]) -> list[Failure]:
        say(f"  {strategy.weight} % of clients are led to {', '.join(side.pool for side in new)}")
        failures = canary.judge(self._proxy, self._containers, new)
        say("  the new release is " + ("taken back" if failures else "promoted"))
        return failures

    def settle(self) -> None:
        """Name the containers that serve, where the proxy goes by services' names: these lead to new ones too."""
        sides = self._proxy.sides()
        for name, side in sides.items():
            serving = [one for one in self._containers.of(name) if state_of(one) == "healthy"]
            known = {self._server(name, one) for one in serving}
            if known and not set(side.servers) <= known:
                sides[name] = Side(name, side.colour, 100, tuple(sorted(known)))
        self._switch_alone(sides)

    def _own(self, service: str) -> list[Container]:
        """Return the release's own containers of a service, as many as it is to have."""
        own = [one for one in self._containers.of(service) if self._is_current(one)]
        return sorted(own, key=name_of)[: self._wanted(service)]

    def _side(self, service: str, own: list[Container], share: int, before: Side | None) -> Side:
        """Return the side of the release's own containers of a service."""
        servers = tuple(sorted(self._server(service, one) for one in own))
        return Side(service, before.other if before else "blue", share if before else 100, servers)

    def _server(self, service: str, container: Container) -> str:
        return f"{name_of(container)}:{self._ports.get(service, '')}"

    def _is_current(self, container: Container) -> bool:
        return definition_of(container) == self._definitions.get(service_of(container)) and state_of(container) in (
            "healthy",
            "starting",
        )

    def _wanted(self, service: str) -> int:
        """Return how many containers a service is to have."""
        definition = self._objects["services"][service]
        return int(definition.get("scale") or (definition.get("deploy") or {}).get("replicas") or 1)
