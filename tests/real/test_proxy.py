"""Promise: the proxy answers to allowed hosts only, ends TLS when told to, and refuses settings that it cannot use."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from .conftest import Site, docker, eventually

pytestmark = pytest.mark.docker

Run = Callable[..., str]


@pytest.fixture
def run(built: Site) -> Iterator[Run]:
    """Start the proxy alone, as it is deployed; return the container."""
    started = []

    def start(*options: str) -> str:
        confined = ("--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--tmpfs", "/var/lib/proxy:mode=1777")  # noqa: S108
        settings = ("--env", "POOLS=backend:8080 frontend:8000")
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


@pytest.mark.parametrize(("hosts", "status"), [("", "502"), ("localhost,x.example", "502"), ("x.example", "421")])
def test_hosts(run: Run, hosts: str, status: str) -> None:
    container = run("--env", f"ALLOWED_HOSTS={hosts}")
    serves(container)
    # There is no app behind it: 502 is what an allowed host gets.
    assert asks(container, 8000, "/").startswith(f"HTTP/1.1 {status} ")
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
    mount = ("--volume", f"{tmp_path}:/run/tls:ro", "--publish", "127.0.0.1:0:8443", "--publish", "127.0.0.1:0:8000")
    container = run("--env", "TLS=/run/tls", *mount)
    serves(container)
    port = docker("port", container, "8443").stdout.split(":")[-1].strip()
    answer = requests.get(f"https://localhost:{port}/", verify=str(certificate), timeout=5)
    assert answer.status_code == 502
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    plain = docker("port", container, "8000").stdout.split(":")[-1].strip()
    led = requests.get(f"http://127.0.0.1:{plain}/x", allow_redirects=False, timeout=5)
    assert (led.status_code, led.headers["Location"]) == (308, "https://127.0.0.1/x")


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
