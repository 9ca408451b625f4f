"""Promise: on a running stack, every query of every dashboard and rule has an answer, and an alert is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from demo.native import free_port

from .conftest import PLATFORMS, Site, docker, eventually
from .load import load
from .queries import asked, without_data

pytestmark = pytest.mark.docker


@dataclass
class Watched:
    """A stack that is watched, and where its watchers answer."""

    site: Site
    prometheus: str
    alertmanager: str


@pytest.fixture(scope="module")
def watched(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The development stack with its monitoring. It compiles for all platforms, as the shared build did."""
    site = Site(tmp_path_factory.mktemp("watched") / "road", free_port(), {"BUILD_PLATFORM": ",".join(PLATFORMS)})
    shutil.copytree(built.folder, site.folder)
    ports = {
        "HTTP_PORT": site.port,
        "BOARD_PORT": free_port(),
        "PROMETHEUS_PORT": free_port(),
        "ALERTMANAGER_PORT": free_port(),
    }
    (site.folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
    try:
        output = site.succeed("up", "--monitoring")
        assert f"The stack is up at http://localhost:{site.port}" in output
        assert f"prometheus: http://localhost:{ports['PROMETHEUS_PORT']}" in output
        yield Watched(
            site,
            f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}",
            f"http://127.0.0.1:{ports['ALERTMANAGER_PORT']}",
        )
    finally:
        site.inv("down", "--volumes")
        assert "road-dev_prometheus" not in docker("volume", "ls", "--quiet").stdout


def test_every_target_is_up(watched: Watched) -> None:
    def targets() -> dict[str, str]:
        answer = requests.get(f"{watched.prometheus}/api/v1/targets", params={"state": "active"}, timeout=10)
        return {one["labels"]["job"]: one["health"] for one in answer.json()["data"]["activeTargets"]}

    wanted = {"prometheus", "alertmanager", "backend", "frontend", "postgres", "redis", "nginx"}
    wanted |= {"worker", "worker-bulk", "scheduler", "board"}
    eventually(lambda: set(targets()) >= wanted and set(targets().values()) == {"up"}, seconds=90)


def test_every_query_has_an_answer(watched: Watched, record_property: Callable[[str, object], None]) -> None:
    queries = asked(watched.site.folder)
    assert len(queries) > 50
    site = watched.site
    # A query about five minutes is answered as soon as there are two readings in them.
    with load(site.url("/api/notes"), site.url("/"), site.url("/nowhere")):
        empty: list[str] = []

        def answered() -> bool:
            # Each note is a job.
            requests.post(site.url("/api/notes"), json={"text": "watched"}, timeout=5).raise_for_status()
            empty[:] = without_data(watched.prometheus, queries)
            return not empty

        try:
            eventually(answered, seconds=180)
        except AssertionError:
            pytest.fail(f"no answer: {empty}")
    record_property("queries that have an answer", len(queries))


def test_a_wrong_query_is_found(watched: Watched) -> None:
    queries = asked(watched.site.folder)
    place = next(place for place in queries if place.startswith("backend.json: Requests"))
    queries = {place: queries[place].replace("http_requests_total", "http_request_total")}
    assert without_data(watched.prometheus, queries) == [place]


def test_every_rule_is_evaluated(watched: Watched) -> None:
    def health() -> set[str]:
        groups = requests.get(f"{watched.prometheus}/api/v1/rules", timeout=10).json()["data"]["groups"]
        return {rule["health"] for group in groups for rule in group["rules"]}

    eventually(lambda: health() == {"ok"}, seconds=60)


def test_an_alert_is_told(watched: Watched) -> None:
    def told() -> set[str]:
        alerts = requests.get(f"{watched.alertmanager}/api/v2/alerts", timeout=10).json()
        ours = [alert["labels"] for alert in alerts if alert["receivers"] == [{"name": "team"}]]
        return {labels["alertname"] for labels in ours if labels["stack"] == "road-dev"}

    wanted, stopped = {"RedisDown", "SchedulerDown"}, ("road-dev-redis-1", "road-dev-scheduler-1")
    assert not told() & wanted
    docker("stop", *stopped)
    try:
        eventually(lambda: told() >= wanted, seconds=180)
    finally:
        docker("start", *stopped)
    eventually(lambda: not told() & wanted, seconds=420)
