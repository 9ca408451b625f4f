"""Promise: on a cluster, a note's job is done, an account opens the dashboard, and Redis may forget what it carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .cluster import DATABASE, NAME, Deployed, checkout, database, for_the_cluster, kubectl
from .conftest import Site, eventually

pytestmark = [pytest.mark.docker, pytest.mark.cluster, pytest.mark.helm]

ACCOUNT = ("ann", "correct horse battery staple")


@pytest.fixture(scope="module")
def site(built: Site, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The app with worker, scheduler and board, in a namespace that demands the strictest pod security."""
    placed = for_the_cluster(registry, "postgres:18", "redis:8-trixie")
    values = {
        "worker": {"enabled": True, "replicas": 2},
        "scheduler": {"enabled": True, "replicas": 2},
        "board": {"enabled": True},
        "secrets": {"existing": f"{NAME}-secrets"},
        "postgres": {"mode": "external"},
        "redis": {"mode": "internal", "image": {"repository": placed["redis:8-trixie"].rpartition(":")[0]}},
    }
    site = checkout(built, tmp_path_factory.mktemp("jobs"), "helm", values)
    for namespace in (DATABASE, site.namespace):
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait")
    kubectl("create", "namespace", site.namespace)
    kubectl("label", "namespace", site.namespace, "pod-security.kubernetes.io/enforce=restricted")
    site.environment = {"DATABASE_URL": database(placed["postgres:18"], site.method)}
    try:
        site.task("secrets.init")
        site.task("deploy", "--yes")
        yield site
    finally:
        for namespace in (DATABASE, site.namespace):
            kubectl("delete", "namespace", namespace, "--wait=false", check=False)


def jobs(site: Deployed, state: str) -> list[dict[str, Any]]:
    """Return the jobs in a state that notes asked for, as a scheduler lists them: it is there when no worker is."""
    command = ("worker", "jobs", "list", "--json", "--kind", "count_words", "--state", state)
    listed = site.of("exec", f"deployment/{NAME}-scheduler", "--", *command)
    return [json.loads(line) for line in listed.splitlines()]


def note(site: Deployed, text: str) -> None:
    """Create a note."""
    answer = requests.post(f"{site.address}/api/notes", json={"text": text}, timeout=5)
    assert answer.status_code == 201, answer.text


def test_a_job_is_done(site: Deployed) -> None:
    before = len(jobs(site, "done"))
    note(site, "two words")
    eventually(lambda: len(jobs(site, "done")) == before + 1)
    listed = site.task("jobs.list", "--json", "--kind", "count_words", "--state", "done")
    assert [json.loads(line) for line in listed.splitlines()] == jobs(site, "done")


def test_the_dashboard_asks_who_is_there(site: Deployed) -> None:
    address = site.of("get", f"service/{NAME}-board", "--output", "jsonpath={.spec.clusterIP}")
    assert requests.get(f"http://{address}/", timeout=5).status_code == 401
    made = site.inv("admin.create", ACCOUNT[0], "--env", site.method, stdin=ACCOUNT[1])
    assert made.code == 0, made.output
    page = requests.get(f"http://{address}/", auth=ACCOUNT, timeout=5)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_a_job_that_redis_forgot_is_done(site: Deployed) -> None:
    before = len(jobs(site, "done"))
    site.of("scale", f"deployment/{NAME}-worker", "--replicas=0")
    pods = ("pods", "--selector", "app.kubernetes.io/component=worker")
    site.of("wait", "--for=delete", *pods, "--timeout=60s")
    note(site, "kept by the database")
    eventually(lambda: bool(jobs(site, "sent")))
    site.of("delete", "pods", "--selector", "app.kubernetes.io/component=redis")
    site.of("rollout", "status", f"deployment/{NAME}-redis", "--timeout=60s")
    site.of("scale", f"deployment/{NAME}-worker", "--replicas=2")
    eventually(lambda: len(jobs(site, "done")) == before + 1, seconds=150)
