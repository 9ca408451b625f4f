"""Promise: the proxy answers to allowed hosts, says who asks, ends TLS when told to, and refuses wrong settings."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from .conftest import Site, docker, eventually, serving

pytestmark = pytest.mark.docker

Run = Callable[..., str]


@pytest.fixture
def run(built: Site) -> Iterator[Run]:
    """Start the proxy alone, as it is deployed; return the container."""
    started = []

    def start(*options: str) -> str:
        confined = ("--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--tmpfs", "/var/lib/proxy:mode=1777")  # noqa: S108
        settings = ("--env", "POOLS=backend:8080 frontend:8000 board:8082")
        image = built.reference("nginx")
        started.append(docker("run", "--detach", *confined, *settings, *options, image).stdout.strip())
        return started[-1]

    yield start
    docker("rm", "--force", "--volumes", *started, check=False)


def asks(container: str, port: int, path: str) -> str:
    """The first line of what the proxy answers to `Host: localhost`."""
    return docker("exec", container, "ask", str(port), path, check=False).stdout.partition("\n")[0]


def serves(container: str) -> None:
    """Wait until it does."""
    eventually(lambda: asks(container, 8081, "/livez") == "HTTP/1.1 200 OK")


def published(container: str, port: int) -> str:
    """Where a port of it is on this machine."""
    return docker("port", container, str(port)).stdout.split(":")[-1].strip()


def gateway() -> str:
    """This machine's address for containers that are on no network of their own."""
    form = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", "bridge", "--format", form).stdout.strip()


def leads_to(container: str, server: str) -> None:
    """Let the proxy lead to a server, whichever service is asked for."""
    pools = "".join(f"{service} blue 100 {server}\n" for service in ("backend", "frontend", "board"))
    docker("exec", "--interactive", container, "pools", "switch", stdin=pools)


@pytest.fixture
def mirror() -> Iterator[str]:
    """A server that containers reach, which answers with the headers it was asked with."""

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with serving(Mirror, gateway()) as address:
        yield address


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that containers reach, which speaks WebSocket and says everything twice."""

    def twice(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)
            connection.send(message)
            if message == "bye":
                return

    with serve(twice, gateway(), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "{}:{}".format(*server.socket.getsockname())


@pytest.mark.parametrize(("hosts", "status"), [("", "502"), ("localhost,x.example", "502"), ("x.example", "421")])
def test_hosts(run: Run, hosts: str, status: str) -> None:
    container = run("--env", f"ALLOWED_HOSTS={hosts}")
    serves(container)
    # There is no app behind it: 502 is what an allowed host gets.
    assert asks(container, 8000, "/").startswith(f"HTTP/1.1 {status} ")
    # The dashboard of jobs, likewise.
    assert asks(container, 8002, "/").startswith(f"HTTP/1.1 {status} ")
    assert "Active connections" in docker("exec", container, "ask", "8081", "/stub_status").stdout


def test_tls(run: Run, tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", *request, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    key.chmod(0o444)
    tmp_path.chmod(0o755)
    ports = [argument for port in (8443, 8002, 8000) for argument in ("--publish", f"127.0.0.1:0:{port}")]
    container = run("--env", "TLS=/run/tls", "--volume", f"{tmp_path}:/run/tls:ro", *ports)
    serves(container)
    for port in (8443, 8002):
        url = f"https://localhost:{published(container, port)}/"
        answer = requests.get(url, verify=str(certificate), timeout=5)
        assert answer.status_code == 502
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    led = requests.get(f"http://127.0.0.1:{published(container, 8000)}/x", allow_redirects=False, timeout=5)
    assert (led.status_code, led.headers["Location"]) == (308, "https://127.0.0.1/x")


@pytest.mark.parametrize("trusted", ["", "{gateway}", "{network}, 10.9.9.9", "10.9.9.9"])
def test_who_is_believed_about_the_client(run: Run, mirror: str, trusted: str) -> None:
    form = "{{(index .IPAM.Config 0).Subnet}}"
    network = docker("network", "inspect", "bridge", "--format", form).stdout.strip()
    proxies = trusted.format(gateway=gateway(), network=network)
    container = run("--env", f"TRUSTED_PROXIES={proxies}", "--publish", "127.0.0.1:0:8000")
    serves(container)
    leads_to(container, mirror)
    claims = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
    url = f"http://127.0.0.1:{published(container, 8000)}/"
    seen = requests.get(url, headers=claims, timeout=5).json()
    # All that comes to the container comes from the gateway. Who stands before it is the last of the list.
    believed = trusted.startswith("{")
    wanted = ("203.0.113.7", "https") if believed else (gateway(), "http")
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == wanted
    assert seen["x-forwarded-host"] == url.split("/")[2]
    # Without claims it is what the proxy sees, whoever is trusted.
    seen = requests.get(url, timeout=5).json()
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (gateway(), "http")


@pytest.mark.parametrize("path", ["/api/talk", "/talk"])
def test_a_websocket_passes(run: Run, echo: str, path: str) -> None:
    container = run("--publish", "127.0.0.1:0:8000")
    serves(container)
    leads_to(container, echo)
    with connect(f"ws://127.0.0.1:{published(container, 8000)}{path}", open_timeout=5) as socket:
        for message in ("one", b"two", "x" * 100_000, "bye"):
            socket.send(message)
            assert [socket.recv(timeout=5), socket.recv(timeout=5)] == [message, message]
        with pytest.raises(ConnectionClosedOK):
            socket.recv(timeout=5)


def test_the_dashboard_of_jobs_asks_who_it_is(run: Run, built: Site) -> None:
    database = ("--env", "DATABASE_URL=sqlite:///tmp/jobs.db", "--tmpfs", "/tmp:mode=1777")  # noqa: S108
    board = docker("run", "--detach", "--read-only", *database, built.reference("worker"), "board").stdout.strip()
    try:
        address = docker("inspect", board, "--format", "{{.NetworkSettings.IPAddress}}").stdout.strip()
        container = run("--env", "ALLOWED_HOSTS=localhost", "--publish", "127.0.0.1:0:8002")
        serves(container)
        leads_to(container, f"{address}:8082")
        port = published(container, 8002)
        eventually(lambda: requests.get(f"http://localhost:{port}/", timeout=5).status_code == 401)
        answer = requests.get(f"http://localhost:{port}/api/v1/queues", timeout=5)
        assert (answer.status_code, answer.headers["WWW-Authenticate"].partition(" ")[0]) == (401, "Basic")
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 421
    finally:
        docker("rm", "--force", "--volumes", board)


@pytest.mark.parametrize("setting", ["ALLOWED_HOSTS=a;b", "TRUSTED_PROXIES=10.0.0.0/8;", "BODY_LIMIT=1m"])
def test_a_wrong_setting_is_named(run: Run, setting: str) -> None:
    container = run("--env", setting)
    assert docker("wait", container).stdout.strip() == "1"
    assert f"error: {setting.partition('=')[0]} " in docker("logs", container).stderr


def test_lines_that_are_no_pools_change_nothing(run: Run) -> None:
    container = run()
    serves(container)
    before = docker("exec", container, "pools", "show").stdout
    for wrong in ("backend", "backend red 100 a:1", "backend blue 200 a:1", "backend blue 100 a:b:c"):
        done = docker("exec", "--interactive", container, "pools", "switch", stdin=wrong + "\n", check=False)
        assert done.returncode == 1, wrong
        assert docker("exec", container, "pools", "show").stdout == before
