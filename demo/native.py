"""The half that needs only a Rust toolchain: test the project, start it with the embedded database, stop it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from demo.screen import run, say, step

# A debug build on a busy machine still starts far below this.
START_LIMIT = 30
# The drain, the requests in flight, and some patience.
STOP_LIMIT = 30


def show(project: Path) -> None:
    """Test the project, then run its backend once, from start to clean stop."""
    with step("Test it"):
        run(["cargo", "test", "--locked"], project)
    # Its own tests run the program, so cargo has just built it.
    program = target_folder(project) / "debug" / "backend"
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as running:
        with step("Start the backend with the embedded SQLite database"):
            process = running.enter_context(started(program, address))
            wait_until_ready(process, address)
        with step("Ask it"):
            for path in ("/readyz", "/version"):
                say(f"$ curl http://{address}{path}")
                say("{} {}".format(*get(f"http://{address}{path}")))
        with step("Stop it: SIGTERM drains and ends with exit code 0"):
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, and end the demo when it does not do so cleanly."""
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"demo: the backend still runs {STOP_LIMIT} s after SIGTERM.") from None
    say(f"exit code {code}")
    if code:
        raise SystemExit(f"demo: the backend ended with exit code {code} instead of 0.")


def target_folder(project: Path) -> Path:
    """Ask cargo where it puts what it builds."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"]
    printed = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(printed)["target_directory"])


def free_port() -> int:
    """Find a port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(program: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server; however the demo ends, the server ends with it."""
    settings = {"HTTP_ADDRESS": address, "METRICS_ADDRESS": f"127.0.0.1:{free_port()}", "DRAIN_DELAY": "1s"}
    say(f"$ {' '.join(f'{name}={value}' for name, value in settings.items())} {program.name}")
    process = subprocess.Popen([program], env=os.environ | settings)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    """Ask /readyz until it answers 200, or end the demo with the reason why it never did."""
    answer = "nothing listened"
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"demo: the backend ended with exit code {process.returncode} while starting; see above.")
        try:
            status, answer = get(f"http://{address}/readyz")
        except OSError:
            status = 0
        if status == 200:
            return
        time.sleep(0.05)
    raise SystemExit(f"demo: the backend was not ready after {START_LIMIT} s: {answer}")


def get(url: str) -> tuple[int, str]:
    """Fetch a URL and return its status and body, whatever the status is."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  # an address of ours
            return response.status, response.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()
