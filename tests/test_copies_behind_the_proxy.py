"""Promise: what is behind the proxy is as its definition says, in how many containers it says, and no request fails."""

from __future__ import annotations

from typing import Any

import pytest
from tasks._lib.releases import Strategy
from tasks._lib.swap import roads
from tasks._lib.swap.proxy import Side


class Engine:
    """An engine and a proxy, on which every container is healthy as soon as it is there."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.here: list[dict[str, Any]] = []
        self.led: dict[str, Side] = {}
        self.made = 0

    def of(self, service: str) -> list[dict[str, Any]]:
        """Return a service's containers."""
        return [one for one in self.here if one["Config"]["Labels"]["com.docker.compose.service"] == service]

    def beside(
        self, objects: dict[str, Any], more: dict[str, int], _until: float
    ) -> tuple[list[dict[str, Any]], list[Any]]:
        """Make containers."""
        new = [self._container(objects, service) for service, count in more.items() for _ in range(count)]
        self.here += new
        return new, []

    def _container(self, objects: dict[str, Any], service: str) -> dict[str, Any]:
        self.made += 1
        labels = objects["services"][service]["labels"] | {"com.docker.compose.service": service}
        state = {"Status": "running", "Health": {"Status": "healthy"}}
        return {"Id": str(self.made), "Name": f"/{service}-{self.made}", "Config": {"Labels": labels}, "State": state}

    def stop(self, containers: Any) -> None:
        """Remove containers, to none of which the proxy may lead."""
        gone = [one["Id"] for one in containers]
        led = {server for side in self.led.values() for server in side.servers}
        assert not [one for one in self.here if one["Id"] in gone and f"{one['Name'][1:]}:8080" in led]
        self.here = [one for one in self.here if one["Id"] not in gone]

    def sides(self) -> dict[str, Side]:
        """Return the side that serves."""
        return dict(self.led)

    def switch(self, sides: Any) -> None:
        """Lead to the side with most clients."""
        self.led = {side.service: side for side in sorted(sides, key=lambda side: side.share)}

    def meets(self, side: Side, _until: float) -> bool:
        """Say whether there is anything to meet."""
        return bool(side.servers)

    def leads_to(self, side: Side) -> bool:
        """Say whether a side serves."""
        return self.led[side.service].pool == side.pool

    def let_go(self) -> None:
        """Wait for nobody."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with nothing on it."""
    made = Engine()
    monkeypatch.setattr(roads, "Proxy", lambda _containers: made)
    return made


def deploy(engine: Engine, strategy: str = "rolling", **backend: Any) -> list[str]:
    """Bring a backend behind a proxy about, and return the names of its containers; the proxy leads to all of them."""
    nginx = {"image": "nginx", "environment": {"POOLS": "backend:8080"}}
    objects = {"services": {"backend": {"image": "backend", **backend}, "nginx": nginx}}
    assert roads.Swap(engine, objects, lambda: 0.0).apply(Strategy(strategy)) == []  # type: ignore[arg-type]
    there = sorted(one["Name"][1:] for one in engine.here)
    assert sorted(engine.led["backend"].servers) == [f"{name}:8080" for name in there]
    return there


@pytest.mark.parametrize("strategy", ["rolling", "blue-green"])
def test_more_and_fewer_of_the_same(engine: Engine, strategy: str) -> None:
    (first,) = deploy(engine, strategy)
    assert deploy(engine, strategy) == [first]
    three = deploy(engine, strategy, scale=3)
    assert first in three
    assert len(three) == 3
    assert deploy(engine, strategy, deploy={"replicas": 3}) == three
    (left,) = deploy(engine, strategy)
    assert left in three


def test_another_one_in_another_number(engine: Engine) -> None:
    before = deploy(engine, scale=3)
    after = deploy(engine, scale=2, image="newer")
    assert len(after) == 2
    assert not {*before} & {*after}


def test_a_limit_makes_another_one(engine: Engine) -> None:
    before = deploy(engine)
    after = deploy(engine, deploy={"resources": {"limits": {"memory": "1g"}}})
    assert before != after
