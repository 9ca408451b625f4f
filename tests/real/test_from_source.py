"""Promise: `inv dev` runs the app from source, jobs included, without a server beside it; Ctrl-C ends it cleanly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.conftest import Project
from tools.projects import FOR_CARGO

from .conftest import Site, eventually

pytestmark = pytest.mark.rust

# Where nothing of this project is compiled yet.
COMPILES_WITHIN = 900
STOPS_WITHIN = 30


@contextmanager
def developing(site: Site, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `inv dev` as in a terminal of its own; however the test ends, all that it started ends too."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "dev"],
            cwd=site.folder,
            env=os.environ | site.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # What is run in the background ignores it, and so would all that it starts.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def address(log: Path, name: str) -> str:
    """Where a server says that it listens; empty while it does not."""
    events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    listening = (event["address"] for event in events if event["message"] == "listening" and event["name"] == name)
    return next(listening, "")


def test_a_job_is_done_with_no_server(
    project: Project, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    free_ports = {"HTTP_ADDRESS": "127.0.0.1:0", "METRICS_ADDRESS": "127.0.0.1:0"}
    # A database of others, for which many shells have these, is left alone.
    others = {"DATABASE_URL": "postgres://ann@127.0.0.1:9/team", "DATABASE_URL_FILE": "/nowhere"}
    site = Site(tmp_path / "notes", 0, FOR_CARGO | os.environ | free_ports | others)
    shutil.copytree(project(components=["worker"], services=[]), site.folder)
    # This crate asks the database that it finds in the environment, whenever it is compiled.
    cargo = ["cargo", "clean", "--quiet", "--package", "apalis-sqlite"]
    subprocess.run(cargo, cwd=site.folder, env=site.shell, check=True)
    log = tmp_path / "log"
    began = time.monotonic()
    with developing(site, log) as process:
        eventually(lambda: process.poll() is not None or address(log, "backend") != "", COMPILES_WITHIN)
        assert process.poll() is None, log.read_text()
        record_property("inv dev, until the app answers", f"{time.monotonic() - began:.0f} s")
        notes = f"http://{address(log, 'backend')}/api/notes"
        # The database is migrated before the first answer.
        assert requests.post(notes, json={"text": "with no server"}, timeout=10).status_code == 201

        def states() -> list[str]:
            output = site.succeed("jobs.list", "--local", "--json", "--kind", "count_words")
            return [json.loads(line)["state"] for line in output.splitlines()]

        eventually(lambda: states() == ["done"], 60)
        # As Ctrl-C does: to all that the terminal runs.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(STOPS_WITHIN) == 0, log.read_text()
    assert "Stopped." in log.read_text()
    record_property("inv dev, from start to end", f"{time.monotonic() - began:.0f} s")
