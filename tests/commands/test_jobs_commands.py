"""Promise: the worker's commands are run where its stack runs, and a password never stands in a command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Desk, at_a_desk, running

INSIDE = ["exec", "--interactive", "c0ffee", "/usr/local/bin/worker"]


@pytest.fixture
def working(tmp_path: Path, project: Callable[..., Path]) -> Desk:
    """A desk whose stacks have a running worker, each way of deploying chosen."""
    ways = ["compose", "truenas", "helm"]
    rendered = project(registry="ghcr.io/acme", components=["worker"], services=["postgres"], deploy=ways)
    made = at_a_desk(tmp_path, rendered)
    made.says("ps --all", "c0ffee\n")
    made.says("^inspect c0ffee| inspect c0ffee", running("worker"))
    made.says("exec", "")
    return made


def told(desk: Desk) -> list[str]:
    """What the worker was told last, after where it is."""
    arguments, _ = desk.calls[-1]
    return arguments


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["jobs.kinds"], ["jobs", "kinds"]),
        (["jobs.list"], ["jobs", "list"]),
        (
            ["jobs.list", "--state", "dead", "--kind", "prune", "--limit", "3", "--json"],
            ["jobs", "list", "--kind", "prune", "--state", "dead", "--limit", "3", "--json"],
        ),
        (["jobs.retry", "--id", "42"], ["jobs", "retry", "42"]),
        (["jobs.retry", "--all"], ["jobs", "retry", "--all"]),
        (["jobs.purge", "--queue", "bulk", "--state", "done"], ["jobs", "purge", "--queue", "bulk", "--state", "done"]),
    ],
    ids=" ".join,
)
def test_what_the_worker_is_told(working: Desk, given: list[str], passed: list[str]) -> None:
    assert working.inv(*given).code == 0
    assert told(working) == [*INSIDE, *passed]


def test_in_an_environment(working: Desk) -> None:
    result = working.inv("jobs.list", "--env", "production")
    assert result.code == 0
    assert "Next: `inv jobs.retry --env production --id ID`" in result.output
    assert told(working) == ["--context", "default", *INSIDE, "jobs", "list"]


def test_on_a_cluster(working: Desk) -> None:
    working.records("kubectl")
    working.records("helm")
    working.says("^helm|^kubectl", "v3.20.0\n")
    result = working.inv("jobs.list", "--env", "staging")
    arguments, _ = working.cluster_calls[-1]
    pod = ["--container", "worker", "deployment/acme-notes-worker"]
    assert arguments[-8:] == ["--stdin", *pod, "--", *INSIDE[-1:], "jobs", "list"], result
    assert "--namespace acme-notes-staging" in " ".join(arguments)
    missing = 'Error from server (NotFound): deployments.apps "acme-notes-worker" not found'
    working.says("get deployment/acme-notes-worker", stderr=missing, code=1)
    off = working.inv("jobs.list", "--env", "staging")
    assert missing in off.output
    assert "fix: see whether deploy/environments/staging.yaml has a worker that is on" in off.output


def test_on_a_nas_it_says_how(working: Desk) -> None:
    result = working.inv("jobs.list", "--env", "nas")
    assert result.code == 1
    assert "TrueNAS's API runs no command in a container" in result.output
    assert "sudo docker exec -i ix-acme-notes-worker-1 /usr/local/bin/worker --help" in result.output


def test_a_password_comes_by_standard_input(working: Desk) -> None:
    done = working.inv("admin.create", "ann", stdin="correct horse\n")
    assert done.code == 0
    arguments, given = working.calls[-1]
    assert arguments == [*INSIDE, "admin", "create", "ann"]
    assert given == "correct horse"
    assert "correct horse" not in done.output


def test_the_workers_failure_is_the_tasks(working: Desk) -> None:
    working.says("exec", "", "error: say which jobs\n", 1)
    result = working.inv("jobs.retry")
    assert result.code == 1
    assert "say which jobs" in result.output


def test_no_worker_runs(working: Desk) -> None:
    working.says("ps --all", "")
    result = working.inv("jobs.list")
    assert "worker of acme-notes-dev does not run" in result.output
    assert "fix: start it first: `inv up`" in result.output
    both = working.inv("jobs.list", "--local", "--env", "production")
    assert "--env and --local name two different databases" in both.output
    working.records("cargo")
    working.says("^cargo", "")
    nothing = working.inv("jobs.list", "--local")
    assert "there is no data/dev.db yet" in nothing.output
    (working.project / "data").mkdir()
    (working.project / "data" / "dev.db").touch()
    assert working.inv("jobs.list", "--local").code == 0
    arguments, _ = working.cluster_calls[-1]
    assert arguments == ["cargo", "run", "--quiet", "--package", "worker", "--", "jobs", "list"]
