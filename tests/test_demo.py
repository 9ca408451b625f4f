"""Promise: the demo says in one line what is wrong, and leaves no process behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from demo.native import free_port, get, started, stop, wait_until_ready

# Stand-ins for the backend, so that this needs no compiler.
SERVES = """
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(b'{{"status":"told"}}')
host, port = os.environ["HTTP_ADDRESS"].split(":")
http.server.HTTPServer((host, int(port)), Ready).serve_forever()
"""


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.native.START_LIMIT", 2)
    monkeypatch.setattr("demo.native.STOP_LIMIT", 2)


def program(folder: Path, source: str) -> Path:
    """Write a Python program that can be run."""
    path = folder / "backend"
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path


def address() -> str:
    """Choose an address that nothing uses."""
    return f"127.0.0.1:{free_port()}"


def test_a_server_that_is_ready_answers_and_ends_with_the_demo(tmp_path: Path) -> None:
    where = address()
    with started(program(tmp_path, SERVES.format(status=200)), where) as process:
        wait_until_ready(process, where)
        assert get(f"http://{where}/version") == (200, '{"status":"told"}')
    assert process.poll() is not None


def test_a_server_that_ends_at_once_is_reported(tmp_path: Path) -> None:
    where = address()
    with (
        pytest.raises(SystemExit, match=r"ended with exit code 2 while starting"),
        started(program(tmp_path, "raise SystemExit(2)"), where) as process,
    ):
        wait_until_ready(process, where)


@pytest.mark.usefixtures("limit")
def test_a_server_that_is_never_ready_is_reported_and_ended(tmp_path: Path) -> None:
    where = address()
    with (
        pytest.raises(SystemExit, match=r'not ready after 2 s: \{"status":"told"\}'),
        started(program(tmp_path, SERVES.format(status=503)), where) as process,
    ):
        wait_until_ready(process, where)
    assert process.poll() is not None


@pytest.mark.usefixtures("limit")
def test_a_server_that_never_listens_is_reported_and_ended(tmp_path: Path) -> None:
    where = address()
    with (
        pytest.raises(SystemExit, match=r"not ready after 2 s: nothing listened"),
        started(program(tmp_path, "import time; time.sleep(60)"), where) as process,
    ):
        wait_until_ready(process, where)
    assert process.poll() is not None


def test_a_server_that_does_not_end_cleanly_is_reported(tmp_path: Path) -> None:
    where = address()
    with started(program(tmp_path, SERVES.format(status=200)), where) as process:
        wait_until_ready(process, where)
        with pytest.raises(SystemExit, match=r"ended with exit code -15 instead of 0"):
            stop(process)


@pytest.mark.usefixtures("limit")
def test_a_server_that_does_not_end_is_reported_and_ended(tmp_path: Path) -> None:
    where = address()
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVES.format(status=200)
    with started(program(tmp_path, stubborn), where) as process:
        wait_until_ready(process, where)
        with pytest.raises(SystemExit, match=r"still runs 2 s after SIGTERM"):
            stop(process)
    assert process.poll() is not None
