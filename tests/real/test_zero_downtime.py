"""Promise: no strategy loses a request, on the way to a release or back; and plain compose, which does, is seen to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .clients import Counts, clients
from .conftest import PRODUCTION, Site, container, containers, docker, index_of, on_this_machine, production, sql

pytestmark = pytest.mark.docker

STRATEGIES = ["rolling", "blue-green", "canary"]
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def deployed(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app, deployed, with a second release of other digests at hand in another.json."""
    site = on_this_machine(built, tmp_path_factory.mktemp("swapped"))
    site.edit("deploy/environments/production.env", "DRAIN_DELAY=5s", "DRAIN_DELAY=500ms")
    site.edit("tasks/_lib/swap/canary.yaml", "interval: 0.5", "interval: 0.1")
    record = site.images()
    for name in ("backend", "frontend"):
        tag = f"{record[name]['repository']}:another"
        dockerfile = f"FROM {site.reference(name)}\nLABEL release=another\n"
        docker("build", "--quiet", "--provenance=false", "--push", "--tag", tag, "-", stdin=dockerfile)
        record[name] |= {"tag": "another", "digest": index_of(tag)["digest"]}
    (site.folder / "another.json").write_text(json.dumps({"version": 1, "images": record}))
    with production(site):
        yield site


def image(service: str) -> str:
    """The image of what runs of a service; there is one container of it."""
    return str(container(PRODUCTION, service)["Config"]["Image"])


def rows(name: str) -> list[str]:
    """What the database has of some clients."""
    return sql(f"SELECT text FROM notes WHERE text LIKE '{name}-%'").split()  # noqa: S608


def switch(site: Site, strategy: str, times: int, record_property: Record) -> None:
    """Deploy another release and go back, again and again, under load."""
    name = f"{strategy}-{times}"
    with clients(site.port, name) as counts:
        for _ in range(times):
            before = image("backend"), image("frontend")
            site.succeed("deploy", "--yes", "--strategy", strategy, "--images", "another.json")
            assert image("backend") != before[0]
            assert image("frontend") != before[1]
            site.succeed("rollback", "--yes", "--strategy", strategy)
            assert (image("backend"), image("frontend")) == before
    record_property(f"{times} deploys and {times} rollbacks, {strategy}", str(counts))
    judge(counts, name)


def judge(counts: Counts, name: str) -> None:
    """Nothing failed, and what was answered is stored once."""
    assert not counts.failed, counts.failed[:5]
    assert all(counts.answered.values()), counts
    assert sorted(rows(name)) == sorted(counts.written)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_request_fails(deployed: Site, strategy: str, record_property: Record) -> None:
    switch(deployed, strategy, 2, record_property)


@pytest.mark.proof
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_request_fails_in_ten(deployed: Site, strategy: str, record_property: Record) -> None:
    switch(deployed, strategy, 10, record_property)


def test_a_canary_that_fails_is_taken_back(deployed: Site) -> None:
    limits = deployed.folder / "tasks/_lib/swap/canary.yaml"
    text, before = limits.read_text(), image("backend")
    # No probe may succeed, so every canary fails.
    limits.write_text(text.replace("failed: 0", "failed: -1"))
    with clients(deployed.port, "refused") as counts:
        arguments = ("--strategy", "canary", "--weight", "50", "--images", "another.json")
        result = deployed.inv("deploy", "--yes", *arguments)
    limits.write_text(text)
    assert result.code == 1
    assert "50 % of clients are led to" in result.output
    assert "the new release is taken back" in result.output
    assert "serves again" in result.output
    assert image("backend") == before
    judge(counts, "refused")


def test_one_that_cannot_be_started_leaves_nothing(deployed: Site) -> None:
    before = str(container(PRODUCTION, "backend")["Id"])
    overlay = deployed.folder / "docker-compose.production.yml"
    text = overlay.read_text()
    deployed.edit(overlay.name, "  backend:\n", '  backend:\n    entrypoint: ["/not-there"]\n')
    result = deployed.inv("deploy", "--yes")
    overlay.write_text(text)
    assert result.code == 1
    # What Docker said, not that it was waited for in vain.
    assert "/not-there" in result.output.partition("Returning to release")[0]
    assert "serves again" in result.output
    assert container(PRODUCTION, "backend")["Id"] == before


def test_there_are_as_many_of_a_service_as_the_stack_says(deployed: Site) -> None:
    (before,) = containers(PRODUCTION, "frontend")
    overlay = deployed.folder / "docker-compose.production.yml"
    text = overlay.read_text()
    overlay.write_text(text.replace("  frontend:\n", "  frontend:\n    scale: 2\n"))
    with clients(deployed.port, "copies") as counts:
        deployed.succeed("deploy", "--yes")
        there = containers(PRODUCTION, "frontend")
        deployed.succeed("rollback", "--yes")
        (after,) = containers(PRODUCTION, "frontend")
    overlay.write_text(text)
    assert len(there) == 2
    assert {before, after} <= {*there}
    judge(counts, "copies")


def test_plain_compose_is_seen_to_fail(deployed: Site, record_property: Record) -> None:
    (newest,) = docker("volume", "ls", "--quiet", "--filter", f"label=slipway.release={PRODUCTION}").stdout.split()[-1:]
    volume: list[dict[str, Any]] = json.loads(docker("volume", "inspect", newest).stdout)
    stack = json.loads(volume[0]["Labels"]["slipway.release.record"])["objects"]
    for service in ("backend", "frontend"):
        stack["services"][service]["environment"]["LOG_LEVEL"] = "warn"
    with clients(deployed.port, "plain") as counts:
        docker(
            "compose", "--project-name", PRODUCTION, "--file", "-", "up", "--detach", "--wait", stdin=json.dumps(stack)
        )
    record_property("plain `docker compose up`", str(counts))
    assert counts.failed
