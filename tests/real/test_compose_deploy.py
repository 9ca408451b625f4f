"""Promise: from nothing to healthy by compose; a bad release is explained and taken back; what was stored survives."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from .conftest import PRODUCTION, Site, container, docker, eventually, index_of
from .load import load

pytestmark = pytest.mark.docker

WORKERS = ("worker", "worker-bulk", "scheduler", "board")
# Finds what belongs to the deployed stack.
OWN = ("--filter", f"label=com.docker.compose.project={PRODUCTION}")


def releases() -> list[str]:
    """The names of the volumes that hold releases."""
    return docker("volume", "ls", "--quiet", "--filter", f"label=slipway.release={PRODUCTION}").stdout.split()


def running(service: str) -> dict[str, Any]:
    """A service's container, as docker knows it."""
    return container(PRODUCTION, service)


def test_what_answers(deployed: Site) -> None:
    assert deployed.notes() == ["kept"]
    assert "<html" in requests.get(deployed.url("/"), timeout=5).text
    version = requests.get(deployed.url("/version"), timeout=5).json()
    assert version["name"] == "frontend"
    assert re.fullmatch("[0-9a-f]{40}", version["revision"])


def test_the_same_proxy_built_elsewhere_is_no_change(deployed: Site, tmp_path: Path) -> None:
    reference = deployed.reference("nginx")
    shutil.copytree(deployed.folder / "deploy/compose/nginx", tmp_path / "nginx", copy_function=shutil.copyfile)
    content = docker("image", "inspect", reference, "--format", '{{index .Config.Labels "slipway.content"}}').stdout
    record = deployed.images()
    for label, code in ((content.strip(), 0), ("another", 2)):
        tag = f"{record['nginx']['repository']}:elsewhere"
        options = ("--no-cache", "--provenance=false", "--push", "--label", f"slipway.content={label}", "--tag", tag)
        docker("build", "--quiet", *options, str(tmp_path / "nginx"))
        built = record["nginx"] | {"tag": "elsewhere", "digest": index_of(tag)["digest"]}
        assert built["digest"] not in reference
        (tmp_path / "images.json").write_text(json.dumps({"version": 1, "images": record | {"nginx": built}}))
        result = deployed.inv("deploy", "--plan", "--images", str(tmp_path / "images.json"))
        assert result.code == code
        assert ("the proxy restarts" in result.output) == (code == 2)


def test_the_proxy_passes_on_what_the_app_says(deployed: Site) -> None:
    page = requests.get(deployed.url("/some/page"), timeout=5)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["X-Frame-Options"] == "DENY"
    # Set by the app, and not once more by the proxy.
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert requests.get(deployed.url("/sw.js"), timeout=5).headers["Cache-Control"] == "no-cache"
    script = re.findall(r"/assets/[^\"]+[.]js", page.text)[0]
    asset = requests.get(deployed.url(script), timeout=5)
    assert "immutable" in asset.headers["Cache-Control"]
    assert asset.headers["Content-Encoding"] == "gzip"
    notes = requests.get(deployed.url("/api/notes"), headers={"X-Request-Id": "mine"}, timeout=5)
    assert notes.headers["X-Request-Id"] == "mine"
    assert notes.headers["X-Content-Type-Options"] == "nosniff"
    large = requests.post(deployed.url("/api/notes"), json={"text": "x" * 1_100_000}, timeout=5)
    assert large.status_code == 413
    assert large.headers["Content-Type"] == "application/problem+json"


def test_the_proxy_serves_uploads_and_cannot_change_them(deployed: Site) -> None:
    def upload(kind: str) -> requests.Response:
        return requests.post(
            deployed.url("/api/uploads"), data=b"0123456789", headers={"Content-Type": kind}, timeout=5
        )

    assert upload("text/html").status_code == 415
    made = upload("image/png")
    assert made.status_code == 201, made.text
    path = made.json()["path"]
    # A part of it, which the backend does not give: so the proxy answers.
    part = requests.get(deployed.url(path), headers={"Range": "bytes=2-4"}, timeout=5)
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["Content-Type"] == "image/png"
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    missing = requests.get(deployed.url("/api/uploads/none.png"), timeout=5)
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    (mount,) = [one for one in running("nginx")["Mounts"] if one["Destination"] == "/srv/api/uploads"]
    assert not mount["RW"]


def test_health_is_exactly_as_promised(deployed: Site) -> None:
    backend = running("backend")
    health = docker("exec", str(backend["Id"]), "/usr/local/bin/backend", "healthcheck").stdout
    assert health.startswith("200 ")
    address = backend["NetworkSettings"]["Networks"][f"{PRODUCTION}_backend"]["IPAddress"]
    # From outside too, whatever the pages in front of it say of themselves.
    for asked in (f"http://{address}:8080/health", deployed.url("/health")):
        answer = requests.get(asked, timeout=5)
        assert answer.json() == {"status": "healthy", "database": "connected", "redis": "connected"}


@pytest.mark.usefixtures("deployed")
def test_every_service_is_healthy_and_confined() -> None:
    for service in (*WORKERS, "backend", "frontend", "nginx", "postgres", "redis"):
        found = running(service)
        assert found["State"]["Health"]["Status"] == "healthy"
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["Memory"] > 0
        assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        published = [port for port in (found["NetworkSettings"]["Ports"] or {}).values() if port]
        assert bool(published) == (service == "nginx")


def test_no_secret_is_seen(deployed: Site) -> None:
    secrets = [path.read_text() for path in (deployed.folder.parent / "secrets").iterdir()]
    assert len(secrets) == 4
    containers = docker("ps", "--all", "--quiet", *OWN).stdout.split()
    told = docker("inspect", *containers).stdout + docker("volume", "inspect", *releases()).stdout
    told += "".join(docker("logs", each).stdout for each in containers)
    for each in containers:
        told += docker("top", each, check=False).stdout
    assert not [secret for secret in secrets if secret in told]


def test_a_plan_without_difference(deployed: Site) -> None:
    assert "(no difference)" in deployed.succeed("deploy", "--plan")


def test_a_redeploy_keeps_what_was_stored_and_replaces_nothing(deployed: Site) -> None:
    before = running("backend")["Id"]
    assert "Release 2 is healthy" in deployed.succeed("deploy", "--yes")
    assert running("backend")["Id"] == before
    assert deployed.notes() == ["kept"]


def test_a_changed_value_is_planned_and_applied(deployed: Site) -> None:
    deployed.edit("deploy/environments/production.env", "LOG_LEVEL=info", "LOG_LEVEL=debug")
    planned = deployed.inv("deploy", "--plan")
    assert planned.code == 2
    assert "~ services.backend.environment.LOG_LEVEL: info → debug" in planned.output
    assert len(re.findall(r"^  [~+-] ", planned.output, re.MULTILINE)) == len(re.findall("LOG_LEVEL", planned.output))
    deployed.succeed("deploy", "--yes")
    assert "LOG_LEVEL=debug" in running("backend")["Config"]["Env"]


def test_rollback_from_another_checkout(deployed: Site, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", str(deployed.folder), str(other)], check=True)
    output = deployed.succeed("rollback", "--yes", folder=other)
    assert "(release 2 again) is healthy" in output
    assert "LOG_LEVEL=info" in running("backend")["Config"]["Env"]
    assert deployed.notes() == ["kept"]
    deployed.edit("deploy/environments/production.env", "LOG_LEVEL=debug", "LOG_LEVEL=info")


def test_the_database_can_restart(deployed: Site) -> None:
    docker("restart", f"{PRODUCTION}-postgres-1")
    eventually(lambda: deployed.notes() == ["kept"])


def test_a_bad_release_is_explained_and_taken_back(
    deployed: Site, record_property: Callable[[str, object], None]
) -> None:
    serving = running("backend")["Config"]["Image"]
    # A backend that never becomes ready, and says why.
    deployed.edit("crates/common/src/health.rs", "*need == Need::Optional ||", "*need == Need::Optional && ")
    deployed.commit("Break readiness")
    deployed.succeed("build", "--platforms", "all", "--only", "backend", "--push")
    count = len(releases())
    with load(deployed.url("/api/notes")) as counts:
        began = time.monotonic()
        result = deployed.inv("deploy", "--yes")
        took = time.monotonic() - began
    assert result.code == 1
    assert "backend: unhealthy" in result.output
    assert "its probe said: 503 {" in result.output
    assert "last log lines:" in result.output
    assert "serves again" in result.output
    assert running("backend")["Config"]["Image"] == serving
    assert deployed.notes() == ["kept"]
    assert len(releases()) == count
    assert counts["answered"] > 0
    # The new one never took over, so nobody noticed.
    assert counts["failed"] == 0, counts["reasons"]
    failed = f"{counts['failed']} of {counts['failed'] + counts['answered']} requests failed in {took:.0f} s"
    record_property("a bad release under load", failed)


def test_a_second_deploy_is_refused_while_one_is_under_way(deployed: Site) -> None:
    image = str(running("backend")["Config"]["Image"])
    lock = f"{PRODUCTION}-deploy-lock"
    labels = ["--label", "slipway.holder=Ann on laptop", "--label", "slipway.since=2026-01-01 00:00:00 UTC"]
    docker("create", "--name", lock, *labels, image, "lock")
    try:
        result = deployed.inv("rollback", "--release", "1", "--yes")
        assert result.code == 1
        assert "another deploy to production is under way: Ann on laptop, since 2026-01-01" in result.output
    finally:
        # The way that the message names.
        (command,) = re.findall(r"docker --context default rm \S+", result.output)
        subprocess.run(command.split(), check=True, capture_output=True)
    assert deployed.inv("rollback", "--release", "1", "--yes").code == 0


def test_a_failed_check_changes_nothing(deployed: Site) -> None:
    before, count = running("backend")["Id"], len(releases())
    record = deployed.folder / ".slipway/images.json"
    kept = record.read_text()
    record.write_text(re.sub("sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, kept))
    missing = deployed.inv("deploy", "--yes")
    record.write_text(kept)
    assert missing.code == 1
    assert "is neither in the registry nor in this engine" in missing.output
    secret = deployed.folder.parent / "secrets/redis_url"
    secret.rename(secret.with_suffix(".away"))
    lacking = deployed.inv("deploy", "--yes")
    secret.with_suffix(".away").rename(secret)
    assert "lacks the secrets redis_url" in lacking.output
    assert (running("backend")["Id"], len(releases())) == (before, count)


def test_a_port_in_use_is_found_before(deployed: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        deployed.edit("deploy/environments/production.env", f"HTTP_PORT={deployed.port}", f"HTTP_PORT={port}")
        result = deployed.inv("deploy", "--yes")
        deployed.edit("deploy/environments/production.env", f"HTTP_PORT={port}", f"HTTP_PORT={deployed.port}")
    assert result.code == 1
    assert f"port {port} is in use by another program" in result.output


def test_status_and_logs(deployed: Site) -> None:
    status = deployed.succeed("status")
    assert "backend      healthy" in status
    assert "back to" in status
    assert '"level":"INFO"' in deployed.succeed("logs", "--service", "backend")


@pytest.mark.usefixtures("deployed")
def test_each_container_ends_when_it_is_asked_to() -> None:
    """What is its first process has to end by a signal; what does not is killed once its time is over."""
    running = docker("ps", "--quiet", *OWN).stdout.split()
    assert len(running) > 3
    docker("stop", *running)
    said = json.loads(docker("inspect", *running).stdout)
    docker("start", *running)
    assert [one["Name"] for one in said if one["State"]["ExitCode"] == 128 + signal.SIGKILL] == []


def test_destroy_leaves_nothing(deployed: Site) -> None:
    deployed.succeed("destroy", "--yes")
    assert not docker("ps", "--all", "--quiet", *OWN).stdout
    assert not docker("network", "ls", "--quiet", *OWN).stdout
    assert not releases()
    assert f"{PRODUCTION}_postgres" in docker("volume", "ls", "--quiet").stdout
    # The images of a tag say of which commit they are, also in a checkout that is at another.
    built = deployed.images()["cli"]
    (deployed.folder / "README.md").write_text("# Another commit\n")
    deployed.commit("Go on")
    result = deployed.inv("deploy", "--yes", "--tag", built["tag"])
    assert result.code == 0, result.output
    (release,) = json.loads(deployed.succeed("status", "--json"))["releases"]
    assert release["commit"] == built["commit"] != deployed.head()
    assert deployed.notes() == ["kept"]
    deployed.succeed("destroy", "--yes", "--data")
    assert PRODUCTION not in docker("volume", "ls", "--quiet").stdout
