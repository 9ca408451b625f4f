"""Promise: the development stack's commands do what they say, to it alone; what cannot be done is said in two lines."""

from __future__ import annotations

import json

import pytest

from .conftest import Desk, running


@pytest.fixture
def stack(desk: Desk) -> Desk:
    """A desk whose compose knows the services, and whose stack answers."""
    desk.says("config --services", "backend\nfrontend\npostgres\n")
    desk.says(" up | stop | down ")
    published = {"Service": "frontend", "Publishers": [{"TargetPort": 8000, "PublishedPort": 8000}]}
    desk.says("compose .* ps .*--format json", json.dumps(published) + "\n")
    desk.says("ps --all", "")
    desk.says("volume ls")
    return desk


def compose_calls(desk: Desk, word: str) -> list[str]:
    return [" ".join(arguments) for arguments, _ in desk.calls if arguments[0] == "compose" and word in arguments]


def test_from_source_is_an_overlay_and_your_own_comes_last(stack: Desk) -> None:
    assert stack.inv("up").code == 0
    (stack.project / "docker-compose.override.yml").write_text("services: {}\n")
    assert stack.inv("up", "--hot").code == 0
    plain, hot = compose_calls(stack, "up")
    assert "--file docker-compose.yml up" in plain
    files = "--file docker-compose.yml --file docker-compose.dev.yml --file docker-compose.override.yml up"
    assert files in hot


def test_secrets_are_not_made_beside_the_data_of_another_checkout(stack: Desk) -> None:
    stack.says(
        "volume ls .*label=com.docker.compose.project=acme-notes-dev", "acme-notes-dev_postgres\nacme-notes-dev_proxy\n"
    )
    result = stack.inv("up")
    assert result.code == 1
    cause = "the data in acme-notes-dev_postgres was made with other secrets: .secrets lacks postgres_password"
    assert f"error: {cause}\n  fix: copy .secrets from the checkout that made it, or give" in result.output
    assert not (stack.project / ".secrets").exists()
    assert not compose_calls(stack, "up")
    (stack.project / ".secrets").mkdir()
    (stack.project / ".secrets/postgres_password").write_text("theirs")
    assert stack.inv("up", "--hot").code == 0
    assert (stack.project / ".secrets/database_url").read_text() == "postgres://app:theirs@postgres:5432/app"
    assert (stack.project / ".secrets/redis_password").exists()


def test_one_service(stack: Desk) -> None:
    assert stack.inv("up", "--only", "backend").code == 0
    assert stack.inv("down", "--only", "backend").code == 0
    assert compose_calls(stack, "up")[0].endswith("--wait backend")
    assert compose_calls(stack, "stop")[0].endswith("stop backend")
    result = stack.inv("up", "--only", "backnd")
    assert result.code == 1
    assert "there is no service 'backnd'; there are: backend, frontend, postgres" in result.output
    assert len(compose_calls(stack, "up")) == 1


def test_usage(stack: Desk) -> None:
    nothing = stack.inv("usage")
    assert nothing.code == 1
    assert "nothing of acme-notes-dev runs" in nothing.output
    stack.says("^ps --all", "c0ffee\n")
    stack.says("^inspect c0ffee", running("postgres"))
    stack.says("^stats", "CPU\n")
    assert stack.inv("usage").code == 0
    assert stack.calls[-1][0] == ["stats", "--no-stream", "acme-notes-dev-postgres-1"]


@pytest.mark.parametrize("task", ["db.backup", "db.shell"])
def test_a_database_that_does_not_run(stack: Desk, task: str) -> None:
    result = stack.inv(task)
    assert result.code == 1
    assert "postgres of acme-notes-dev does not run" in result.output
    assert "fix: start it first: `inv up`" in result.output
    deployed = stack.inv(task, "--env", "production")
    assert "start it first: `inv deploy --env production`" in deployed.output


def test_a_database_elsewhere(stack: Desk) -> None:
    path = stack.project / "invoke.yaml"
    path.write_text(path.read_text().replace("method: compose", "method: helm"))
    result = stack.inv("db.backup", "--env", "production")
    assert result.code == 1
    assert (
        "production is deployed by helm, and its database is in no container that can be reached here" in result.output
    )


def test_a_backup_that_is_not_there(stack: Desk) -> None:
    (stack.project / "backups").mkdir()
    (stack.project / "backups" / "monday.dump").touch()
    result = stack.inv("db.restore", "backups/sunday.dump")
    assert result.code == 1
    assert "there is no file backups/sunday.dump" in result.output
    assert "there are: backups/monday.dump" in result.output
    refused = stack.inv("db.backup", "--file", "backups/monday.dump")
    assert "is there already" in refused.output


def test_a_dump_that_fails_leaves_no_file(stack: Desk) -> None:
    stack.says("^ps --all", "c0ffee\n")
    stack.says("^inspect c0ffee", running("postgres"))
    stack.says("pg_dump", "half of it", "pg_dump: error: lost\n", 1)
    result = stack.inv("db.backup")
    assert result.code == 1
    assert "the database cannot be dumped: pg_dump: error: lost" in result.output
    stack.says("pg_dump", "", "pg_dump: error: could not write to /dev/stdout: no space left on device\n", 1)
    assert "backups is full" in stack.inv("db.backup").output
    assert list((stack.project / "backups").iterdir()) == []
