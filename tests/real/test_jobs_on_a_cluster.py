"""Promise: on a cluster, a note's job is done, an account opens the dashboard, and Redis may forget what it carries."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from .cluster import DATABASE, NAME, Deployed, database, for_the_cluster, kubectl
from .conftest import eventually

# It builds a project of its own: the others' has no jobs.
pytestmark = [pytest.mark.docker, pytest.mark.cluster, pytest.mark.helm, pytest.mark.proof]

ACCOUNT = ("ann", "correct horse battery staple")


@pytest.fixture(scope="module")
def site(project: Callable[..., Path], registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The app with worker, scheduler and board, in a namespace that demands the strictest pod security."""
    placed = for_the_cluster(registry, "postgres:18", "redis:8-trixie")
    rendered = project(
        project_name=NAME,
        registry=f"{registry}/acme",
        components=["frontend", "cli", "worker"],
        services=["postgres", "redis"],
        deploy=["helm"],
    )
    site = Deployed(tmp_path_factory.mktemp("jobs") / NAME, 0, method="jobs")
    shutil.copytree(rendered, site.folder)
    facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
    context = kubectl("config", "current-context").strip()
    facts["environments"] = {
        "jobs": {"method": "helm", "context": context, "namespace": site.namespace, "timeout": 180}
    }
    (site.folder / "invoke.yaml").write_text(yaml.safe_dump(facts))
    values = {
        "worker": {"enabled": True, "replicas": 2},
        "scheduler": {"enabled": True, "replicas": 2},
        "board": {"enabled": True},
        "secrets": {"existing": f"{NAME}-secrets"},
        "postgres": {"mode": "external"},
        "redis": {"mode": "internal", "image": {"repository": placed["redis:8-trixie"].rpartition(":")[0]}},
    }
    site.values.write_text(yaml.safe_dump(values))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=site.folder, check=True)
    site.commit("Start")
    site.succeed("build", "--push")
    kubectl("delete", "namespace", site.namespace, "--ignore-not-found", "--wait")
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


def worker(site: Deployed, *arguments: str, stdin: str | None = None) -> str:
    """Run the worker's program in the scheduler's pod."""
    command = ["--namespace", site.namespace, "exec", "--stdin", f"deployment/{NAME}-scheduler", "--", "worker"]
    return kubectl(*command, *arguments, stdin=stdin)


def jobs(site: Deployed, state: str) -> list[dict[str, Any]]:
    """Return the jobs in a state that notes asked for."""
    listed = worker(site, "jobs", "list", "--json", "--kind", "count_words", "--state", state)
    return [json.loads(line) for line in listed.splitlines() if line.startswith("{")]


def note(site: Deployed, text: str) -> None:
    """Create a note."""
    answer = requests.post(f"{site.address}/api/notes", json={"text": text}, timeout=5)
    assert answer.status_code == 201, answer.text


def test_a_job_is_done(site: Deployed) -> None:
    before = len(jobs(site, "done"))
    note(site, "two words")
    eventually(lambda: len(jobs(site, "done")) == before + 1)


def test_the_dashboard_asks_who_is_there(site: Deployed) -> None:
    address = site.of("get", f"service/{NAME}-board", "--output", "jsonpath={.spec.clusterIP}")
    assert requests.get(f"http://{address}/", timeout=5).status_code == 401
    worker(site, "admin", "create", ACCOUNT[0], stdin=ACCOUNT[1])
    eventually(lambda: requests.get(f"http://{address}/", auth=ACCOUNT, timeout=5).status_code == 200)
    assert "<html" in requests.get(f"http://{address}/", auth=ACCOUNT, timeout=5).text.lower()


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
