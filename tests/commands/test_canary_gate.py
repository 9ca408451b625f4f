"""Promise: a canary is judged by what Prometheus read of it, never by what it has not read yet."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tasks._lib.containers import Containers
from tasks._lib.swap import canary
from tasks._lib.swap.proxy import Proxy, Side

from tools.answers import CHECKOUT

from .conftest import Desk

NEW = Side("backend", "green", 10, ("road-backend-2:8080",))
TARGETS, READ = r"query .*count\(up\{job=\"backend\"\}\)", r"query .*timestamp\(up"
ERRORS, SLOWEST = r"query .*http_requests_total", r"query .*histogram_quantile"


def container(service: str, name: str, address: str) -> dict[str, Any]:
    """A container, as docker describes it."""
    return {
        "Id": name,
        "Name": f"/{name}",
        "Config": {"Labels": {"com.docker.compose.service": service}},
        "NetworkSettings": {"Networks": {"road_backend": {"IPAddress": address}}},
    }


PROXY = container("nginx", "road-nginx-1", "172.20.0.3")
OLD_ONE = container("backend", "road-backend-1", "172.20.0.4")
NEW_ONE = container("backend", "road-backend-2", "172.20.0.5")
PROMETHEUS = container("prometheus", "road-prometheus-1", "172.20.0.9")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An engine with the old backend, the new one, and a Prometheus that has read both."""
    engine = Desk(tmp_path, tmp_path)
    engine.records("docker")
    monkeypatch.setenv("PATH", str(tmp_path))
    # Quickly, and with no patience.
    limits = yaml.safe_load((CHECKOUT / "template/tasks/_lib/swap/canary.yaml").read_text())
    (tmp_path / "canary.yaml").write_text(yaml.safe_dump(limits | {"probes": 2, "interval": 0, "patience": 0}))
    monkeypatch.setattr(canary, "_LIMITS", tmp_path / "canary.yaml")
    runs(engine, PROXY, OLD_ONE, NEW_ONE, PROMETHEUS)
    engine.says("readyz", "HTTP/1.1 200 OK")
    for query, value in ((TARGETS, 1), (READ, 1), (ERRORS, 0), (SLOWEST, 0.2)):
        answers(engine, query, value)
    return engine


def runs(engine: Desk, *containers: dict[str, Any]) -> None:
    """Let an engine have these containers."""
    ids = [one["Id"] for one in containers]
    engine.says("ps --all", "\n".join(ids))
    engine.says(f"inspect {' '.join(ids)}", json.dumps(containers))


def answers(engine: Desk, query: str, value: float) -> None:
    """Let Prometheus answer a query."""
    found = [] if math.isnan(value) else [{"metric": {}, "value": [1, str(value)]}]
    engine.says(query, json.dumps(found))


def judged() -> list[str]:
    """What speaks against the new backend."""
    containers = Containers("default", "road")
    return [f"{one.part}: {one.state}" for one in canary.judge(Proxy(containers), containers, [NEW])]


def asked(engine: Desk) -> list[str]:
    """What Prometheus was asked."""
    return [arguments[-1] for arguments, _ in engine.calls if "promtool" in arguments]


@pytest.mark.parametrize(
    ("query", "value", "said"),
    [
        (ERRORS, 0.01, []),
        (ERRORS, 0.02, ["backend: share of answers with 5xx is 0.02, more than 0.01"]),
        (SLOWEST, 1, []),
        (SLOWEST, 1.5, ["backend: seconds in which 95 % are answered is 1.5, more than 1"]),
        # Nobody asked it anything: the probes have to do.
        (ERRORS, math.nan, []),
    ],
)
def test_a_measure_beyond_its_limit(engine: Desk, query: str, value: float, said: list[str]) -> None:
    answers(engine, query, value)
    assert judged() == said


def test_only_the_new_containers_are_measured(engine: Desk) -> None:
    assert judged() == []
    queries = asked(engine)
    assert len(queries) == 4
    for query in queries[1:]:
        assert "172[.]20[.]0[.]5:" in query
        assert "172[.]20[.]0[.]4" not in query
        assert re.findall("[A-Z]{3,}", query) == []


@pytest.mark.parametrize("read", [0, math.nan])
def test_what_was_not_read_is_not_promoted(engine: Desk, read: float) -> None:
    answers(engine, READ, read)
    assert judged() == ["prometheus: has not read the new backend within 0 s, so nothing is known of it"]


def test_a_prometheus_that_does_not_answer_is_no_yes(engine: Desk) -> None:
    engine.says("promtool", code=1, stderr="connection refused")
    assert judged() == ["prometheus: has not read the new backend within 0 s, so nothing is known of it"]


def test_what_is_no_target_is_judged_by_probes(engine: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    answers(engine, TARGETS, 0)
    answers(engine, ERRORS, 1)
    assert judged() == []
    assert "prometheus has no target backend: there, the probes decide" in capsys.readouterr().out


def test_without_prometheus_the_probes_decide(engine: Desk) -> None:
    runs(engine, PROXY, OLD_ONE, NEW_ONE)
    assert judged() == []
    assert asked(engine) == []


def test_a_failed_probe_is_enough(engine: Desk) -> None:
    engine.says("readyz", code=1)
    assert judged() == ["backend: 2 of 2 probes through the proxy failed"]
    assert asked(engine) == []
