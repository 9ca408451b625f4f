"""Promise: a deploy checks first and changes last, tells why it failed, and returns to the release before."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from tasks._lib.console import stop
from tasks._lib.containers import Containers
from tasks._lib.swap.proxy import entrance

from .conftest import DIGEST, Desk

OLD = "sha256:" + "b" * 64


def release(number: int, digest: str, origin: int | None = None, **objects: Any) -> dict[str, Any]:
    """A release as the target remembers it."""
    services = {"backend": {"image": f"r/backend@{digest}"}, "frontend": {"image": "r/frontend@sha256:1"}}
    stack = {"name": "acme-notes-production", "services": services} | objects
    return {
        "number": number,
        "origin": origin or number,
        "commit": "c" * 40,
        "author": "Ann on laptop",
        "time": "2026-01-01 00:00:00 UTC",
        "images": {"backend": f"r/backend@{digest}"},
        "values": {},
        "objects": stack,
    }


def remembers(desk: Desk, *releases: dict[str, Any]) -> None:
    """Let the engine remember releases."""
    desk.says("volume ls --quiet --filter label=slipway.release", "\n".join(f"v{one['number']}" for one in releases))
    volumes = [{"Labels": {"slipway.release.record": json.dumps(one)}} for one in releases]
    desk.says("volume inspect", json.dumps(volumes))


def container(service: str, health: str, **more: Any) -> dict[str, Any]:
    """A container as `docker inspect` prints it."""
    probe = {"Log": [{"Output": '503 {"status":"unavailable"}\n'}], "Status": health}
    return {
        "Id": service,
        "Config": {"Labels": {"com.docker.compose.service": service}, "Image": "r/x"},
        "State": {"Status": "running", "ExitCode": 0, "Health": probe} | more,
        "NetworkSettings": {"Ports": {"8000/tcp": [{"HostPort": "58123"}]} if service == "frontend" else {}},
    }


@pytest.fixture
def ready(desk: Desk, stack: dict[str, Any]) -> Desk:
    """A desk where everything is there for a deploy that will be healthy."""
    path = desk.project / "invoke.yaml"
    secrets = desk.project.parent / "secrets"
    settings = path.read_text().replace("timeout: 120", "timeout: 3")
    path.write_text(settings.replace("~/.config/acme-notes/production", str(secrets)))
    secrets.mkdir()
    for name in ("postgres_password", "database_url", "redis_password", "redis_url"):
        (secrets / name).write_text("x")
    desk.record_images("backend", "frontend", "cli", "nginx")
    desk.says("config --format json", json.dumps(stack))
    desk.says("imagetools inspect", json.dumps({"digest": DIGEST}))
    desk.says("imagetools inspect .*json .Image", json.dumps({"config": {}}))
    desk.says("image inspect", DIGEST)
    desk.says("default ps --format")
    desk.says("volume ls --quiet --filter label=com.docker.compose.project", "acme-notes-production_postgres\n")
    desk.says("volume create")
    desk.says("volume rm")
    desk.says("default create --name acme-notes-production-deploy-lock")
    desk.says("default rm acme-notes-production-deploy-lock")
    desk.says("up --detach")
    desk.says("default logs", "the last line it logged\n")
    desk.says("ps --all --quiet", "1 2\n")
    desk.says("default inspect 1", json.dumps([container("backend", "healthy"), container("frontend", "healthy")]))
    remembers(desk)
    return desk


def test_plan_changes_nothing(ready: Desk) -> None:
    result = ready.inv("deploy", "--plan")
    assert result.code == 2, result.output
    assert f"+ services.backend.image: ghcr.io/acme/acme-notes-backend@{DIGEST}" in result.output
    assert "Nothing was changed" in result.output
    assert not ready.changes


def test_the_plan_is_the_difference(ready: Desk) -> None:
    remembers(ready, release(1, OLD))
    result = ready.inv("deploy", "--plan")
    assert f"~ services.backend.image: r/backend@{OLD} → ghcr.io/acme/acme-notes-backend@{DIGEST}" in result.output
    assert "services.backend.name" not in result.output


def test_nobody_to_ask_changes_nothing(ready: Desk) -> None:
    result = ready.inv("deploy")
    assert result.code == 1
    assert "fix: add --yes" in result.output
    assert not ready.changes


def test_a_deploy_locks_changes_records_and_unlocks(ready: Desk) -> None:
    result = ready.inv("deploy", "--yes")
    assert result.code == 0, result.output
    lock, up, record, unlock = ready.changes
    assert "create --name acme-notes-production-deploy-lock" in lock
    assert up.endswith(
        "--project-name acme-notes-production --file - up --detach --no-deps --no-build backend frontend"
    )
    assert "volume create" in record
    assert '"number":1,"origin":1' in record
    assert unlock.endswith("rm acme-notes-production-deploy-lock")
    assert "Release 1 is healthy at http://localhost:58123" in result.output
    assert "inv rollback --env production" in result.output


def test_dependencies_come_up_first_and_stop_what_needs_them(ready: Desk, stack: dict[str, Any]) -> None:
    migrated = {"migrate": {"condition": "service_completed_successfully"}}
    stack["services"]["backend"]["depends_on"] = migrated
    stack["services"]["frontend"]["depends_on"] = {"backend": {"condition": "service_healthy"}}
    stack["services"]["migrate"] = {"image": f"r/x@{DIGEST}"}
    stack["services"]["cli"] = {"image": f"r/x@{DIGEST}", "profiles": ["cli"], "restart": "no", "depends_on": migrated}
    ready.says("config --format json", json.dumps(stack))
    done = container("migrate", "", Status="exited", Health=None)
    ready.says("default inspect 1", json.dumps([done, container("backend", "unhealthy")]))
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    started = [arguments[-1] for arguments, _ in ready.calls if "up" in arguments]
    assert started == ["migrate", "backend"]


def test_what_is_no_longer_in_the_stack_is_removed(ready: Desk) -> None:
    stray = container("worker", "healthy") | {"Name": "/acme-notes-production-worker-1"}
    both = [container("backend", "healthy"), container("frontend", "healthy")]
    ready.says("default inspect 1", json.dumps([*both, stray]))
    ready.says("rm --force")
    assert ready.inv("deploy", "--yes").code == 0
    assert "--context default rm --force acme-notes-production-worker-1" in ready.changes


def test_the_shell_does_not_leak_into_a_deploy(ready: Desk) -> None:
    ready.environment["LOG_LEVEL"] = "trace"
    (ready.bin / "docker").write_text(
        (ready.bin / "docker")
        .read_text()
        .replace("rules = ", "assert 'LOG_LEVEL' not in os.environ or 'compose --project' not in call\nrules = ")
    )
    assert ready.inv("deploy", "--plan").code == 2


def test_an_unhealthy_release_is_explained_and_taken_back(ready: Desk) -> None:
    remembers(ready, release(4, OLD))
    ready.says("default inspect 1", json.dumps([container("backend", "unhealthy"), container("frontend", "healthy")]))
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "backend: unhealthy" in result.output
    assert 'its probe said: 503 {"status":"unavailable"}' in result.output
    assert "the last line it logged" in result.output
    assert "Returning to release 4" in result.output
    stacks = [json.loads(stdin) for arguments, stdin in ready.calls if "up" in arguments]
    assert [stack["services"]["backend"]["image"][-3:] for stack in stacks] == ["aaa", "bbb"]
    assert not [call for call in ready.changes if "volume create" in call]
    assert ready.changes[-1].endswith("rm acme-notes-production-deploy-lock")


def test_a_first_release_that_fails_says_so(ready: Desk) -> None:
    ready.says("default inspect 1", json.dumps([container("backend", "x", Status="exited", ExitCode=2, Health=None)]))
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "backend: ended with exit code 2" in result.output
    assert "the first release did not become healthy" in result.output


def test_a_release_that_never_becomes_healthy_ends(ready: Desk) -> None:
    ready.says("default inspect 1", json.dumps([container("backend", "starting")]))
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "backend: starting" in result.output


def test_a_container_that_was_just_replaced_is_left_out(ready: Desk) -> None:
    healthy = json.dumps([container("backend", "healthy")])
    ready.says("default inspect 1", healthy, stderr="Error: No such object: 2\n", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert "Release 1 is healthy" in result.output


def test_an_engine_that_does_not_answer_is_no_healthy_release(ready: Desk) -> None:
    ready.says("default inspect 1", "[]", stderr="error during connect: unexpected EOF\n", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "is healthy" not in result.output
    assert not [call for call in ready.changes if "volume create" in call]


def test_an_engine_that_answers_again_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([None, [container("backend", "healthy")]])

    def there(_docker: list[str], _project: str) -> list[dict[str, Any]]:
        if (found := next(answers)) is None:
            stop("docker ps: error during connect", "run the same command again")
        return found

    monkeypatch.setattr("tasks._lib.stacks.containers", there)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert Containers("default", "road").wait(lambda _container: True, set(), time.monotonic() + 60) == []
    assert next(answers, "none") == "none"


def test_a_command_that_fails_while_changing_takes_the_release_back(ready: Desk) -> None:
    worker = container("worker", "healthy") | {"Name": "/acme-notes-production-worker-1"}
    old = release(4, OLD)
    old["objects"]["services"]["worker"] = {"image": "r/worker@sha256:1"}
    remembers(ready, old)
    both = [container("backend", "healthy"), container("frontend", "healthy")]
    ready.says("default inspect 1", json.dumps([*both, worker]))
    # The new stack has none any more.
    ready.says("rm --force", stderr="error during connect: unexpected EOF", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "unexpected EOF" in result.output
    assert "release 4 serves again" in result.output
    first, *_, last = [stdin for arguments, stdin in ready.calls if "up" in arguments]
    assert (DIGEST in first, OLD in last) == (True, True)


def test_a_way_back_that_fails_is_told(ready: Desk) -> None:
    stray = container("worker", "healthy") | {"Name": "/acme-notes-production-worker-1"}
    remembers(ready, release(4, OLD))
    both = [container("backend", "healthy"), container("frontend", "healthy")]
    ready.says("default inspect 1", json.dumps([*both, stray]))
    ready.says("rm --force", stderr="error during connect: unexpected EOF", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "the new release failed, and release 4 did not come back" in result.output


def test_the_lock_of_somebody_else_is_left(ready: Desk) -> None:
    ready.says("default create --name acme-notes-production-deploy-lock", "5f3a\n")
    ready.says("default rm 5f3a")
    assert ready.inv("deploy", "--yes").code == 0
    assert ready.changes[-1] == "--context default rm 5f3a"


def test_a_held_lock_names_its_holder(ready: Desk) -> None:
    ready.says("default create --name", stderr="Conflict. The container name is already in use", code=1)
    ready.says("default inspect --format", "Ann on laptop, since 2026-01-01 00:00:00 UTC\n")
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "another deploy to production is under way: Ann on laptop, since 2026-01-01" in result.output
    assert "docker --context default rm acme-notes-production-deploy-lock" in result.output
    assert not [call for call in ready.changes if " up " in call]


def test_missing_secrets(ready: Desk) -> None:
    (ready.project.parent / "secrets" / "redis_url").unlink()
    (ready.project.parent / "secrets" / "database_url").write_text("")
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "lacks the secrets database_url, redis_url" in result.output
    assert "fix: make them: inv secrets.init --env production" in result.output
    assert not ready.changes


def test_a_port_held_by_a_container(ready: Desk) -> None:
    held = {"Names": "other", "Labels": "a=b", "Ports": "0.0.0.0:58123->80/tcp"}
    ready.says("default ps --format", json.dumps(held))
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "port 58123 is in use by the container other" in result.output
    assert "docker stop other; or set another port for frontend in deploy/environments/production.env" in result.output
    assert not ready.changes


def test_a_port_held_by_a_program(ready: Desk, stack: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stack["services"]["frontend"]["ports"][0]["published"] = str(port)
        ready.says("config --format json", json.dumps(stack))
        result = ready.inv("deploy", "--yes")
    assert f"port {port} is in use by another program" in result.output
    assert not ready.changes


def test_its_own_port_is_no_conflict(ready: Desk) -> None:
    own = {"Names": "x", "Labels": "com.docker.compose.project=acme-notes-production", "Ports": "0.0.0.0:58123->80/tcp"}
    ready.says("default ps --format", json.dumps(own))
    assert ready.inv("deploy", "--plan").code == 2


def test_where_clients_come_in() -> None:
    watching = [("prometheus", 9090, 9090), ("alertmanager", 9093, 9093)]
    assert entrance([*watching, ("nginx", 8002, 8082), ("nginx", 8000, 9999), ("frontend", 8000, 1)]) == 9999
    assert entrance([("frontend", 8000, 58123)]) == 58123
    assert entrance([]) is None


def test_an_image_that_is_nowhere(ready: Desk) -> None:
    ready.says("imagetools inspect", stderr="ERROR: not found: manifest unknown", code=1)
    ready.says("image inspect", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "is neither in the registry nor in this engine" in result.output
    assert "fix: push it: `inv push`" in result.output
    assert not ready.changes


def test_a_full_disk_while_pulling(ready: Desk) -> None:
    ready.says("image inspect", code=1)
    ready.says("default pull", stderr="write /var/lib/docker/tmp/x: no space left on device", code=1)
    result = ready.inv("deploy", "--yes")
    assert "the disk of Docker's engine is full" in result.output
    assert not [call for call in ready.changes if " up " in call]


def test_without_a_registry_the_engine_s_own_image_is_deployed(ready: Desk) -> None:
    ready.says("imagetools inspect", stderr="dial tcp: lookup ghcr.io: no such host", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 0, result.output
    config = next(arguments for arguments, _ in ready.calls if "config" in arguments)
    assert config
    (record,) = [call for call in ready.changes if "volume create" in call]
    assert f'"images":{{"backend":"{DIGEST}"' in record


def test_a_tag_is_resolved_to_its_digest(ready: Desk) -> None:
    result = ready.inv("deploy", "--tag", "1.0", "--yes")
    assert result.code == 0, result.output
    assert ["buildx", "imagetools", "inspect", "ghcr.io/acme/acme-notes-backend:1.0"] in [
        call[:4] for call, _ in ready.calls
    ]
    ready.says("imagetools inspect", stderr="not found", code=1)
    result = ready.inv("deploy", "--tag", "2.0", "--yes")
    assert "the registry has no ghcr.io/acme/acme-notes-backend:2.0" in result.output


def test_a_secret_among_the_values_is_refused(ready: Desk) -> None:
    path = ready.project / "deploy/environments/production.env"
    path.write_text(path.read_text() + "SMTP_PASSWORD=hunter2\n")
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "SMTP_PASSWORD in deploy/environments/production.env looks like a secret" in result.output
    assert "hunter2" not in result.output
    assert not ready.changes


def test_a_stack_that_is_not_valid(ready: Desk) -> None:
    ready.says("config --format json", stderr="services.backend.image must be a string", code=1)
    result = ready.inv("deploy", "--plan")
    assert result.code == 1
    assert "services.backend.image must be a string" in result.output
    assert "fix: correct docker-compose.yml or docker-compose.production.yml" in result.output


def test_an_unknown_context(ready: Desk) -> None:
    path = ready.project / "invoke.yaml"
    path.write_text(path.read_text().replace("context: default", "context: shop"))
    ready.says("context inspect shop", code=1)
    ready.says("context ls", "default\nother\n")
    result = ready.inv("deploy", "--yes")
    assert "Docker has no context 'shop'; it has: default, other" in result.output
    assert not ready.changes


def test_an_unknown_way(ready: Desk) -> None:
    result = ready.inv("deploy", "--to", "rocket")
    assert "there is no way to deploy called 'rocket'; there are: compose" in result.output


def test_rollback_applies_what_was_recorded(ready: Desk) -> None:
    remembers(ready, release(1, OLD), release(2, DIGEST))
    result = ready.inv("rollback", "--yes")
    assert result.code == 0, result.output
    (stack,) = [json.loads(stdin) for arguments, stdin in ready.calls if "up" in arguments]
    assert stack == release(1, OLD)["objects"]
    assert "Release 3 (release 1 again) is healthy" in result.output


def test_rolling_back_twice_goes_further_back(ready: Desk) -> None:
    remembers(ready, release(1, OLD), release(2, "sha256:" + "c" * 64), release(3, DIGEST), release(4, OLD, origin=2))
    result = ready.inv("rollback", "--yes")
    assert "Release 5 (release 1 again) is healthy" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "there is no release before 1"), (["--release", "9"], "there is no release 9; the target remembers 1")],
)
def test_nothing_to_go_back_to(ready: Desk, arguments: list[str], said: str) -> None:
    remembers(ready, release(1, OLD))
    result = ready.inv("rollback", "--yes", *arguments)
    assert result.code == 1
    assert said in result.output
    assert not ready.changes


def test_the_last_ten_releases_are_kept(ready: Desk) -> None:
    remembers(ready, *[release(number, OLD) for number in range(1, 13)])
    result = ready.inv("deploy", "--yes")
    assert result.code == 0, result.output
    removed = [call for call in ready.changes if "volume rm" in call]
    assert [call.rpartition(" ")[2] for call in removed] == [f"acme-notes-production-release-{n}" for n in (1, 2)]


def test_status_shows_parts_and_releases(ready: Desk) -> None:
    remembers(ready, release(1, OLD), release(2, OLD, origin=1))
    result = ready.inv("status")
    assert "production at http://localhost:58123" in result.output
    assert "backend      healthy" in result.output
    assert "back to 1" in result.output


def test_status_for_programs(ready: Desk) -> None:
    remembers(ready, release(1, OLD), release(2, OLD, origin=1))
    told = json.loads(ready.inv("status", "--json").output)
    assert told["address"] == "http://localhost:58123"
    assert "backend" in [part["name"] for part in told["parts"]]
    assert [(one["number"], one["origin"]) for one in told["releases"]] == [(2, 1), (1, 1)]


def test_destroy_keeps_the_data_unless_told(ready: Desk) -> None:
    ready.says("down --remove-orphans")
    remembers(ready, release(1, OLD))
    assert ready.inv("destroy").code == 1
    assert not ready.changes
    assert ready.inv("destroy", "--yes").code == 0
    # Under the lock.
    assert [call.split("default ")[1].split(" --label")[0] for call in ready.changes] == [
        "create --name acme-notes-production-deploy-lock --network none",
        "compose --project-name acme-notes-production down --remove-orphans",
        "volume rm acme-notes-production-release-1",
        "rm acme-notes-production-deploy-lock",
    ]
    assert "AND ITS DATA" in ready.inv("destroy", "--yes", "--data").output
    assert ready.changes[5].endswith("down --remove-orphans --volumes")


def test_destroy_waits_for_who_deploys(ready: Desk) -> None:
    remembers(ready, release(1, OLD))
    ready.says("default create --name acme-notes-production-deploy-lock", stderr="Conflict: in use", code=1)
    ready.says("default inspect --format", "ann at shop, since 2026-01-01")
    result = ready.inv("destroy", "--yes")
    assert result.code == 1
    assert "another deploy to production is under way: ann at shop" in result.output
    assert not [call for call in ready.changes if " down " in call]


def test_a_release_that_cannot_be_remembered(ready: Desk) -> None:
    remembers(ready, release(1, OLD))
    ready.says("volume create", stderr="connection reset by peer", code=1)
    result = ready.inv("deploy", "--yes")
    assert result.code == 1
    assert "release 2 is healthy and serves, but is not remembered: " in result.output
    assert "connection reset by peer" in result.output
    assert "run the same command again" in result.output
    assert "Returning to" not in result.output


@pytest.mark.parametrize(
    ("held", "volumes", "left"),
    [
        ("postgres://app_b:x@postgres:5432/app", "", "postgres://app:x@postgres:5432/app"),
        ("postgres://app_b:x@postgres:5432/app", "acme-notes-production_postgres\n", ""),
        ("postgres://team:x@db.example:5432/app", "", ""),
    ],
    ids=["the data is lost", "the data is there", "the data is elsewhere"],
)
def test_new_data_knows_no_role_of_a_rotation(ready: Desk, held: str, volumes: str, left: str) -> None:
    secret = ready.project.parent / "secrets" / "database_url"
    secret.write_text(held)
    ready.says("volume ls --quiet --filter label=com.docker.compose.project", volumes)
    result = ready.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert secret.read_text() == (left or held)


def test_what_does_not_run_is_removed_without_a_lock(ready: Desk) -> None:
    # Whoever stopped and pruned everything has no image left that a lock could be made of.
    remembers(ready, release(1, OLD))
    ready.says("ps --all --quiet", "")
    ready.says("down --remove-orphans")
    assert ready.inv("destroy", "--yes").code == 0
    assert not [call for call in ready.changes if "deploy-lock" in call]
