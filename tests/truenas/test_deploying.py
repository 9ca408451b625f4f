"""Promise: an app on TrueNAS is deployed, updated, taken back and removed; what fails on the way is explained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.conftest import DIGEST, Desk

from .conftest import BAD, DATA, renders, setting, stack
from .server import KEY, CallError, Nas, Pretended

OTHER = "sha256:" + "c" * 64


@pytest.fixture(params=["TrueNAS-SCALE-25.04.2", "25.10.1"])
def either(request: pytest.FixtureRequest, nas: Nas) -> Nas:
    """A NAS that returns the numbers of jobs, and one that returns their results."""
    nas.version = request.param
    return nas


@pytest.fixture
def deployed(desk: Desk) -> Desk:
    """A desk whose app runs, as release 1."""
    result = desk.inv("deploy", "--yes")
    assert result.code == 0, result.output
    return desk


def test_plan_changes_nothing(desk: Desk, nas: Nas) -> None:
    result = desk.inv("deploy", "--plan")
    assert result.code == 2, result.output
    assert f"+ services.backend.image: ghcr.io/acme/acme-notes-backend@{DIGEST}" in result.output
    assert "Nothing was changed" in result.output
    assert nas.changes == []


def test_the_first_deploy_creates_the_app(desk: Desk, either: Nas, engine: Pretended) -> None:
    result = desk.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert either.changes == ["app.create"]
    assert "Release 1 is healthy at http://127.0.0.1:8000" in result.output
    stored = either.stored["acme-notes"]
    assert stored["services"]["postgres"]["image"] == f"postgres@{DIGEST}"
    assert f"postgres@{DIGEST}" in engine.pulled
    assert KEY not in result.output


def test_what_is_stored_stands_alone(deployed: Desk, nas: Nas) -> None:
    stored = nas.stored["acme-notes"]
    text = yaml.safe_dump(stored)
    assert sorted(stored["services"]) == ["backend", "migrate", "postgres"], (
        "services with a profile cannot be run there"
    )
    assert not [line for line in text.splitlines() if "build:" in line or "<<" in line or "env_file" in line]
    assert all("@sha256:" in service["image"] for service in stored["services"].values())
    assert "volumes" not in stored, "a volume that nothing uses"
    assert stored["services"]["backend"]["environment"]["NOTE"] == "$$5 at 8E1"
    assert "$" not in json.dumps(stored["x-releases"]), "compose would put variables in its place"
    assert str(deployed.project) not in text


def test_a_plan_without_difference(deployed: Desk) -> None:
    result = deployed.inv("deploy", "--plan")
    assert result.code == 0, result.output
    assert "compared with release 1" in result.output
    assert "(no difference)" in result.output


def test_the_plan_shows_what_was_changed_by_hand(deployed: Desk, nas: Nas) -> None:
    nas.stored["acme-notes"]["services"]["backend"]["environment"]["LOG_LEVEL"] = "trace"
    result = deployed.inv("deploy", "--plan")
    assert "~ services.backend.environment.LOG_LEVEL: trace → info" in result.output


def test_an_update(either: Nas, deployed: Desk) -> None:
    renders(deployed, stack(OTHER))
    result = deployed.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert either.changes == ["app.create", "app.update"]
    assert "Release 2 is healthy" in result.output
    assert OTHER in either.stored["acme-notes"]["services"]["backend"]["image"]


def test_a_stopped_app_is_started(deployed: Desk, nas: Nas, engine: Pretended) -> None:
    engine.down("acme-notes")
    result = deployed.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert nas.changes == ["app.create", "app.update", "app.start"]


def test_what_stays_deploying_is_taken_back(either: Nas, deployed: Desk) -> None:
    before = yaml.safe_dump(either.stored["acme-notes"]["services"])
    renders(deployed, stack(BAD))
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "acme-notes: DEPLOYING" in result.output
    assert "backend: starting" in result.output
    assert "the last line of id-backend" in result.output
    assert "Returning to release 1" in result.output
    assert "release 1 serves again" in result.output
    assert either.changes == ["app.create", "app.update", "app.update"]
    assert yaml.safe_dump(either.stored["acme-notes"]["services"]) == before
    assert "1  20" in deployed.inv("status").output
    assert "  2  20" not in deployed.inv("status").output


def test_what_was_changed_by_hand_comes_back_too(deployed: Desk, nas: Nas) -> None:
    nas.stored["acme-notes"]["services"]["backend"]["environment"]["LOG_LEVEL"] = "trace"
    renders(deployed, stack(BAD))
    assert deployed.inv("deploy", "--yes").code == 1
    assert nas.stored["acme-notes"]["services"]["backend"]["environment"]["LOG_LEVEL"] == "trace"


def test_a_crash_is_told_at_once(deployed: Desk, engine: Pretended) -> None:
    setting(deployed, "timeout", "600")
    engine.becomes = lambda name, one: "crashed" if BAD in one["image"] and name == "migrate" else ""
    renders(deployed, stack(BAD))
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "migrate: crashed" in result.output
    assert "the last line of id-migrate" in result.output
    assert "release 1 serves again" in result.output


def test_what_restarts_over_and_over_is_not_called_well(deployed: Desk, engine: Pretended) -> None:
    # TrueNAS counts a restarting container as exited, and the app as RUNNING.
    engine.becomes = lambda name, one: "exited" if BAD in one["image"] and name == "backend" else ""
    renders(deployed, stack(BAD))
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "acme-notes: RUNNING" in result.output
    assert "backend: exited" in result.output


def test_a_job_that_fails_is_taken_back(either: Nas, deployed: Desk, engine: Pretended) -> None:
    renders(deployed, stack(BAD))
    up = engine.up
    engine.up = lambda app, config: up(app, config) or ("dependency failed" if BAD in str(config) else "")  # type: ignore[method-assign]
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "could not be started:" in result.output
    assert "Failed 'up' action for 'acme-notes' app" in result.output
    assert "backend: starting" in result.output
    assert "release 1 serves again" in result.output
    assert DIGEST in either.stored["acme-notes"]["services"]["backend"]["image"]


def test_a_first_deploy_that_fails(desk: Desk, either: Nas, engine: Pretended) -> None:
    engine.fails = "dependency failed to start"
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "could not be started:" in result.output
    assert "the first release did not become healthy" in result.output
    assert either.stored == {}, "TrueNAS itself removes what it could not create"
    assert desk.inv("destroy", "--yes").code == 0


def test_a_first_deploy_that_never_becomes_healthy_can_be_removed(desk: Desk, nas: Nas) -> None:
    renders(desk, stack(BAD))
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "backend: starting" in result.output
    assert desk.inv("destroy", "--yes").code == 0
    assert nas.stored == {}


def test_a_job_that_does_not_end_in_time(either: Nas, deployed: Desk) -> None:
    either.slow.clear()
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "still being changed by the NAS after 2 s" in result.output
    assert "the new release failed, and release 1 did not come back" in result.output


@pytest.mark.parametrize("method", ["app.create", "app.update"])
def test_a_connection_lost_in_the_middle_of_a_job(desk: Desk, either: Nas, method: str) -> None:
    if method == "app.update":
        assert desk.inv("deploy", "--yes").code == 0
    either.drops = method
    result = desk.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert either.changes[-1] == method
    assert len(either.changes) == (1 if method == "app.create" else 2), "sent once"


def test_a_connection_lost_while_the_app_comes_up(desk: Desk, either: Nas) -> None:
    either.drops = "app.query"
    result = desk.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert either.drops == ""
    assert "Release 1 is healthy" in result.output


def test_a_nas_that_stays_away_while_the_app_comes_up(either: Nas, deployed: Desk) -> None:
    # What asks before the change is answered.
    either.drops, either.drops_after, either.stays_away = "app.query", 2, True
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "ended the connection: 1001 Service Restart" in result.output
    assert "nobody saw release 2 become healthy" in result.output
    assert "inv rollback --env nas --release 1" in result.output
    either.drops = ""
    result = deployed.inv("rollback", "--env", "nas", "--release", "1", "--yes")
    assert result.code == 0, result.output
    assert "Release 3 (release 1 again) is healthy" in result.output


def test_what_the_nas_refuses_changes_nothing(either: Nas, deployed: Desk) -> None:
    before = yaml.safe_dump(either.stored)
    either.refuses = "services.backend.image must be a string"
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "the NAS refuses the stack, so nothing was changed" in result.output
    assert "services.backend.image must be a string" in result.output
    assert yaml.safe_dump(either.stored) == before
    assert either.changes == ["app.create", "app.update"], "the former one is not sent again"


def test_an_image_that_the_nas_cannot_pull_changes_nothing(desk: Desk, nas: Nas, engine: Pretended) -> None:
    engine.lacking = "postgres"
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert f"the NAS cannot pull postgres@{DIGEST}" in result.output
    assert "an account there" in result.output
    assert nas.changes == []


def test_a_change_under_way_is_waited_for_by_a_person(deployed: Desk, nas: Nas) -> None:
    nas.jobs.append({"id": 7, "method": "app.redeploy", "arguments": ["acme-notes"], "state": "RUNNING"})
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "another change of the app acme-notes is under way: app.redeploy, job 7" in result.output
    assert nas.changes == ["app.create"]
    nas.jobs[-1]["arguments"] = ["another"]
    assert deployed.inv("deploy", "--yes").code == 0


def test_somebody_deployed_meanwhile(deployed: Desk, nas: Nas) -> None:
    # Between the plan and the lock: the first question after the plan is which jobs run.
    def jobs(*arguments: Any) -> list[Any]:
        nas.stored["acme-notes"]["services"]["backend"]["environment"]["LOG_LEVEL"] = "trace"
        return Nas._get_jobs(nas, *arguments)

    from . import server

    original = server._METHODS["core.get_jobs"]
    server._METHODS["core.get_jobs"] = lambda _nas, *arguments: jobs(*arguments)
    try:
        result = deployed.inv("deploy", "--yes")
    finally:
        server._METHODS["core.get_jobs"] = original
    assert result.code == 1, result.output
    assert "somebody deployed since the checks began" in result.output
    assert nas.changes == ["app.create"]


def test_rollback_from_another_checkout(either: Nas, deployed: Desk, tmp_path: Path) -> None:
    renders(deployed, stack(OTHER))
    assert deployed.inv("deploy", "--yes").code == 0
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(deployed.project, elsewhere)
    shutil.rmtree(elsewhere / ".slipway")
    deployed.project = elsewhere
    result = deployed.inv("rollback", "--yes")
    assert result.code == 0, result.output
    assert f"~ services.backend.image: ghcr.io/acme/acme-notes-backend@{OTHER}" in result.output
    assert "Release 3 (release 1 again) is healthy" in result.output
    assert DIGEST in either.stored["acme-notes"]["services"]["backend"]["image"]
    status = deployed.inv("status").output
    assert "back to 1" in status
    assert "acme-notes   RUNNING" in status
    assert "backend      running" in status


def test_releases_that_a_message_cannot_hold_are_told(deployed: Desk) -> None:
    # What no packing makes smaller: 30 KiB of random digits.
    import hashlib

    def noise(seed: int) -> str:
        return "".join(hashlib.sha256(f"{seed} {number}".encode()).hexdigest() for number in range(500))

    for seed in (2, 3, 4):
        made = stack()
        made["services"]["backend"]["environment"]["NOISE"] = noise(seed)
        renders(deployed, made)
        result = deployed.inv("deploy", "--yes")
        assert result.code == 0, result.output
    assert "64 KiB do not hold every release: 1, 2 can no longer be gone back to" in result.output
    assert deployed.inv("rollback", "--yes").code == 0


def test_a_stack_longer_than_a_message_is_refused_before(desk: Desk, nas: Nas) -> None:
    made = stack()
    made["services"]["backend"]["environment"]["LONG"] = "x" * 66000
    renders(desk, made)
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "the stack is longer than the 64 KiB that TrueNAS takes in one message" in result.output
    assert nas.changes == []


def test_an_edited_memory_is_not_guessed_at(deployed: Desk, nas: Nas) -> None:
    nas.stored["acme-notes"]["x-releases"]["records"] = "AAAA"
    result = deployed.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "x-releases cannot be read: somebody edited it" in result.output
    assert nas.changes == ["app.create"]


def test_somebody_else_s_app_is_left_alone(desk: Desk, nas: Nas, engine: Pretended) -> None:
    nas.stored["acme-notes"] = {"services": {"web": {"image": "web", "healthcheck": {}}}}
    engine.running = dict(nas.stored)
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "already has an app acme-notes, which these tasks did not make" in result.output
    assert nas.changes == []


def test_logs(deployed: Desk) -> None:
    result = deployed.inv("logs")
    assert "backend | the last line of id-backend" in result.output
    assert "postgres | " in result.output
    assert "postgres | " not in deployed.inv("logs", "--service", "backend").output
    assert "there are: backend, migrate, postgres" in deployed.inv("logs", "--service", "nothing").output


def test_destroy(deployed: Desk, either: Nas) -> None:
    assert deployed.inv("destroy").code == 1
    kept = deployed.inv("destroy", "--yes", "--data")
    assert kept.code == 1
    assert f"the data lies in {DATA}" in kept.output
    assert either.changes == ["app.create"]
    assert deployed.inv("destroy", "--yes").code == 0
    assert either.stored == {}
    assert "has no release" in deployed.inv("status").output


def test_nothing_of_a_cluster_is_permitted(desk: Desk, nas: Nas) -> None:
    assert "leave --create-namespace and --adopt out" in desk.inv("deploy", "--yes", "--adopt").output
    assert nas.changes == []


def test_a_pull_error_says_what_the_nas_said(desk: Desk, engine: Pretended) -> None:
    def refuse(image: str) -> None:
        raise CallError(f"Failed to pull {image!r} image: unauthorized")

    engine.pull = refuse  # type: ignore[method-assign]
    assert "unauthorized" in desk.inv("deploy", "--yes").output
