"""Promise: where Prometheus is deployed, it has the last word: a canary whose answers fail, or are slow, goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import requests

from demo.native import free_port

from .clients import Counts, clients
from .conftest import PRODUCTION, Site, container, docker, on_this_machine, production

pytestmark = pytest.mark.docker

IMAGES = "prometheus, alertmanager, nginx-exporter, postgres-exporter, redis-exporter"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def watched(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The app, deployed with its monitoring, whose Prometheus reads it every second."""
    site = on_this_machine(built, tmp_path_factory.mktemp("judged"))
    site.edit("invoke.yaml", "configured: [nginx]", f"configured: [nginx, {IMAGES}]")
    site.edit("invoke.yaml", "    timeout: 120", "    timeout: 120\n    overlays: [monitoring]")
    site.edit("deploy/environments/production.env", "DRAIN_DELAY=5s", "DRAIN_DELAY=500ms")
    with (site.folder / "deploy/environments/production.env").open("a") as values:
        values.write(f"PROMETHEUS_PORT={free_port()}\nALERTMANAGER_PORT={free_port()}\n")
    site.edit("deploy/compose/prometheus/prometheus.yml", "scrape_interval: 15s", "scrape_interval: 1s")
    for path in (site.folder / "deploy/compose/prometheus/scrape").iterdir():
        path.write_text(path.read_text().replace("refresh_interval: 10s", "refresh_interval: 1s"))
    site.edit("tasks/_lib/swap/canary.yaml", "interval: 0.5", "interval: 0.1")
    site.succeed("build", "--only", IMAGES.replace(" ", ""))
    with production(site):
        yield site


def deploy(site: Site, name: str) -> tuple[int, str, Counts]:
    """Let half of the clients try what the folder has now; return how that ended, and what the clients saw."""
    # One who reads, and one who writes, for certain.
    with clients(site.port, name, led=(0, 5)) as counts:
        result = site.inv("deploy", "--yes", "--strategy", "canary", "--weight", "50")
    return result.code, result.output, counts


def measured(output: str, service: str) -> tuple[float, float]:
    """The share of errors and the slowest answers that Prometheus told of a service's canary."""
    errors = re.search(rf"  {service}: share of answers with 5xx: ([\d.e-]+) \(limit", output)
    slowest = re.search(rf"  {service}: seconds in which 95 % are answered: ([\d.e-]+) \(limit", output)
    assert errors, output
    assert slowest, output
    return float(errors[1]), float(slowest[1])


def is_as_before(site: Site, before: str) -> None:
    """Only the old backend is there, and all clients are led to it."""
    assert container(PRODUCTION, "backend")["Id"] == before
    sides = docker("exec", str(container(PRODUCTION, "nginx")["Id"]), "pools", "show").stdout.splitlines()
    (shares,) = [line.split()[2:] for line in sides if line.startswith("backend ")]
    assert shares == ["100", container(PRODUCTION, "backend")["Name"].lstrip("/") + ":8080"]
    assert requests.post(site.url("/api/notes"), json={"text": "after"}, timeout=5).status_code == 201


def test_a_good_canary_is_promoted(watched: Site, record_property: Record) -> None:
    before = container(PRODUCTION, "backend")["Id"]
    watched.edit("deploy/environments/production.env", "LOG_LEVEL=info", "LOG_LEVEL=warn")
    code, output, counts = deploy(watched, "good")
    assert code == 0
    for service in ("backend", "frontend"):
        errors, slowest = measured(output, service)
        assert errors == 0
        assert 0 < slowest < 1
        record_property(f"seconds in which 95 % of {service}'s answers came", str(slowest))
    assert "the new release is promoted" in output
    assert container(PRODUCTION, "backend")["Id"] != before
    assert not counts.failed, counts.failed[:5]


def test_one_that_answers_with_errors_is_taken_back(watched: Site, record_property: Record) -> None:
    before = str(container(PRODUCTION, "backend")["Id"])
    overlay = watched.folder / "docker-compose.production.yml"
    text = overlay.read_text()
    # It is ready, as it can read the database; it cannot write.
    options = '    environment: { PGOPTIONS: "-c default_transaction_read_only=on" }\n'
    watched.edit(overlay.name, "  backend:\n", f"  backend:\n{options}")
    code, output, counts = deploy(watched, "failing")
    overlay.write_text(text)
    assert code == 1
    assert "20 probes of each: backend failed 0" in output
    errors, _ = measured(output, "backend")
    assert errors > 0.01
    assert f"backend: share of answers with 5xx is {errors:.3g}, more than 0.01" in output
    assert "the new release is taken back" in output
    assert "serves again" in output
    assert {reason[:8] for reason in counts.failed} <= {"POST 500", "stream 5"}
    record_property("share of the canary's answers with 5xx", str(errors))
    is_as_before(watched, before)


@pytest.mark.proof
def test_one_that_is_slow_is_taken_back(watched: Site) -> None:
    before = str(container(PRODUCTION, "backend")["Id"])
    overlay = watched.folder / "docker-compose.production.yml"
    text = overlay.read_text()
    limits = watched.folder / "tasks/_lib/swap/canary.yaml"
    known = limits.read_text()
    # Anything is slow for this limit.
    limits.write_text(known.replace("    limit: 1\n", "    limit: 0.0001\n"))
    watched.edit(overlay.name, "  backend:\n", "  backend:\n    environment: { DRAIN_DELAY: 400ms }\n")
    code, output, counts = deploy(watched, "slow")
    overlay.write_text(text)
    limits.write_text(known)
    assert code == 1
    assert re.search(r"backend: seconds in which 95 % are answered is [\d.e-]+, more than 0.0001", output)
    assert not counts.failed, counts.failed[:5]
    is_as_before(watched, before)
