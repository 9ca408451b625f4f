"""Promise: in a deployed stack no job is lost and none is stuck, whoever is killed; and people see how jobs are."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests

from .conftest import PRODUCTION, Site, container, docker, eventually, serving, sql
from .load import repeatedly

pytestmark = pytest.mark.docker

ACCOUNT = ("ann", "correct horse battery staple")


def jobs(site: Site, *arguments: str) -> list[dict[str, Any]]:
    """Jobs as `inv jobs.list` shows them."""
    output = site.succeed("jobs.list", "--env", "production", "--json", "--limit", "100000", *arguments)
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def writing(site: Site) -> Iterator[list[str]]:
    """Create notes all the time, for three minutes at most, and yield the ids of those that were accepted."""
    accepted: list[str] = []

    def write(number: int) -> None:
        try:
            answer = requests.post(site.url("/api/notes"), json={"text": f"note {number}"}, timeout=10)
        except requests.RequestException:
            return
        if answer.status_code == 201:
            accepted.append(str(answer.json()["id"]))

    with repeatedly(write, 3600):
        yield accepted


def more_than(accepted: list[str], count: int) -> Callable[[], bool]:
    """Say whether so many notes were accepted since now."""
    goal = len(accepted) + count
    return lambda: len(accepted) >= goal


@pytest.fixture(scope="module")
def board(deployed: Site) -> str:  # noqa: ARG001  # It must have been deployed.
    """The address of the dashboard of jobs."""
    return f"http://127.0.0.1:{container(PRODUCTION, 'nginx')['NetworkSettings']['Ports']['8002/tcp'][0]['HostPort']}"


@pytest.mark.parametrize("victim", ["worker", "scheduler", "redis", "postgres"])
def test_nothing_is_lost_and_nothing_stuck(
    deployed: Site, victim: str, record_property: Callable[[str, object], None]
) -> None:
    with writing(deployed) as accepted:
        eventually(more_than(accepted, 20))
        # Without a word, in the middle of what it does; its restart is not its own.
        docker("kill", "--signal", "KILL", str(container(PRODUCTION, victim)["Id"]))
        docker("start", str(container(PRODUCTION, victim)["Id"]))
        eventually(more_than(accepted, 60), seconds=90)
    assert accepted
    record_property("accepted notes", str(len(accepted)))

    # As long as a lease, and another attempt. By name: a note whose answer got lost is counted, too.
    eventually(lambda: set(accepted) <= set(sql("SELECT note_id FROM note_words").split()), seconds=120)
    eventually(
        lambda: sql("SELECT count(*) FROM background_jobs WHERE state IN ('waiting','sent','running')") == "0", 120
    )
    assert jobs(deployed, "--state", "dead") == []


def test_a_poisoned_job_is_on_the_board_and_can_be_removed(deployed: Site, board: str) -> None:
    sql("""INSERT INTO background_jobs (id, kind, queue, payload, state, attempt, attempts, created_at, due_at)
           VALUES ('poison', 'unknown', 'default', '{}', 'waiting', 1, 1,
                   '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')""")
    eventually(lambda: sql("SELECT state FROM background_jobs WHERE id = 'poison'") == "dead")
    (dead,) = jobs(deployed, "--state", "dead")
    assert dead["error"] == 'this worker knows no kind "unknown"'
    assert requests.get(f"{board}/", timeout=5).status_code == 401
    made = deployed.inv("admin.create", ACCOUNT[0], "--env", "production", stdin=ACCOUNT[1])
    assert made.code == 0, made.output
    assert ACCOUNT[1] not in made.output
    page = requests.get(f"{board}/", auth=ACCOUNT, timeout=5)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    shown = requests.get(f"{board}/api/v1/queues/default/tasks", params={"status": "Killed"}, auth=ACCOUNT, timeout=5)
    assert "unknown" in shown.text, shown.text
    assert "1 job removed" in deployed.succeed("jobs.purge", "--id", "poison", "--env", "production")
    assert jobs(deployed, "--state", "dead") == []


@pytest.mark.usefixtures("deployed")
def test_a_broker_that_is_full_is_not_well() -> None:
    redis, worker = (str(container(PRODUCTION, service)["Id"]) for service in ("redis", "worker"))
    cli = 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli CONFIG SET maxmemory "$1"'

    def ready() -> str:
        return docker("exec", worker, "/usr/local/bin/worker", "healthcheck", check=False).stdout

    docker("exec", redis, "sh", "-c", cli, "sh", "1")
    try:
        eventually(lambda: ready().startswith("503 ") and '"broker":"disconnected"' in ready())
    finally:
        docker("exec", redis, "sh", "-c", cli, "sh", "64mb")
    eventually(lambda: ready().startswith("200 "))


def test_more_workers_share_the_work(deployed: Site) -> None:
    with (deployed.folder / "deploy/environments/production.env").open("a") as values:
        values.write("WORKER_REPLICAS=2\n")
    assert deployed.inv("deploy", "--env", "production", "--yes").code == 0
    newest = "SELECT worker FROM background_jobs WHERE kind = 'count_words' ORDER BY created_at DESC LIMIT 40"
    with writing(deployed) as accepted:
        eventually(more_than(accepted, 60))
        # Whoever asks first takes all that is there: even forty may have gone to one of them.
        eventually(lambda: len(set(sql(newest).split())) == 2, seconds=60)


@pytest.mark.chromium
def test_the_pages_are_drawn(deployed: Site, board: str, tmp_path: Path) -> None:
    text = f"drawn {tmp_path.name}"
    requests.post(deployed.url("/api/notes"), json={"text": text}, timeout=5).raise_for_status()
    assert deployed.inv("admin.create", ACCOUNT[0], "--env", "production", stdin=ACCOUNT[1]).code == 0
    assert text in drawn(deployed.url("/"), tmp_path / "site.png")
    with entered(board) as address:
        page = drawn(f"{address}/", tmp_path / "board.png")
    assert "Done Jobs" in page, page
    # What the page says of its own connection.
    assert "All systems are operational" in page, page


@contextmanager
def entered(board: str) -> Iterator[str]:
    """The dashboard as somebody has it who gave the password: Chromium has no flag for that."""

    class Guest(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with requests.get(board + self.path, auth=ACCOUNT, timeout=10, stream=True) as answer:
                self.send_response(answer.status_code)
                kind = answer.headers.get("Content-Type", "text/plain")
                self.send_header("Content-Type", kind)
                self.end_headers()
                # Chromium's clock stands still while a request is open, and the stream of events has no end.
                endless = kind.startswith("text/event-stream")
                for part in itertools.islice(answer.iter_content(None), 5 if endless else None):
                    self.wfile.write(part)

    with serving(Guest) as address:
        yield f"http://{address}"


def drawn(url: str, picture: Path) -> str:
    """A page as a browser has it once its code has run; what it looks like is kept beside the test's other files."""
    home = picture.with_suffix("")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}"]
    command += ["--virtual-time-budget=10000", "--window-size=1280,900"]
    subprocess.run([*command, f"--screenshot={picture}", url], capture_output=True, check=True, timeout=120)
    assert picture.stat().st_size > 5000
    done = subprocess.run([*command, "--dump-dom", url], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout
