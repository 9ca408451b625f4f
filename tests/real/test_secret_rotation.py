"""Promise: a secret changes while everything serves; what it was opens nothing any more, and a failure leaves it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import requests

from .clients import clients
from .conftest import PRODUCTION, Site, container, docker, eventually, sql

pytestmark = pytest.mark.docker

POSTGRES = f"{PRODUCTION}-postgres-1"
REDIS = f"{PRODUCTION}-redis-1"


@pytest.fixture
def secrets(deployed: Site) -> Path:
    """The folder of the environment's secrets."""
    return deployed.folder.parent / "secrets"


def whose_turn(secrets: Path) -> str:
    """The role that the next rotation lets in: the one that rests now."""
    return "app_a" if "://app_b:" in (secrets / "database_url").read_text() else "app_b"


def logs_in(user: str, password: str) -> bool:
    """Whether the database lets somebody in from the network."""
    script = 'PGPASSWORD=$2 exec psql --host "$(hostname)" --username "$1" --dbname app --command "SELECT 1"'
    return docker("exec", POSTGRES, "sh", "-c", script, "sh", user, password, check=False).returncode == 0


def owners() -> set[str]:
    """Who owns the tables."""
    return set(sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").split())


def healthy(site: Site) -> bool:
    """Whether the backend has its database and its cache."""
    said = docker("exec", str(container(PRODUCTION, "backend")["Id"]), "/usr/local/bin/backend", "healthcheck").stdout
    return '"status":"ready"' in said and bool(site.notes())


def test_the_database_s_password_takes_turns(deployed: Site, secrets: Path) -> None:
    files = {path.name: path.stat().st_ino for path in secrets.iterdir()}
    passwords = [(secrets / "postgres_password").read_text()]
    for number, user in enumerate(("app_a", "app_b", "app_a"), 2):
        output = deployed.succeed("secrets.rotate", "postgres_password", "--yes")
        assert f"Release {number} is healthy" in output
        passwords.append((secrets / "postgres_password").read_text())
        assert passwords[-1] not in output
        assert (secrets / "database_url").read_text() == f"postgres://{user}:{passwords[-1]}@postgres:5432/app"
        assert logs_in(user, passwords[-1])
        assert not [who for who in ("app", "app_a", "app_b") if logs_in(who, passwords[-2])]
        assert owners() == {"app_owner"}
        assert requests.post(deployed.url("/api/notes"), json={"text": user}, timeout=5).status_code == 201
    assert len(set(passwords)) == 4
    assert len(deployed.notes()) == 4
    # A mounted file is seen anew only when it is the same file; both 65532 and 568 must read it.
    assert {path.name: path.stat().st_ino for path in secrets.iterdir()} == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o444}
    for user in ("65532", "568"):
        mount = ["--user", user, "--volume", f"{secrets / 'database_url'}:/secret:ro"]
        read = docker("run", "--rm", "--network", "none", *mount, "debian:trixie-slim", "cat", "/secret")
        assert read.stdout == (secrets / "database_url").read_text()
    assert passwords[-1] not in docker("logs", POSTGRES).stderr
    # Nothing is left to do for a deploy.
    assert "(no difference)" in deployed.succeed("deploy", "--plan")


def test_a_migration_goes_on_after_a_rotation(deployed: Site) -> None:
    statement = "CREATE TABLE later (id int); DROP TABLE later; SELECT current_user"
    flags = ["--tuples-only", "--quiet", "--command", statement]
    url = (deployed.folder.parent / "secrets/database_url").read_text()
    done = docker("exec", POSTGRES, "psql", url, *flags)
    assert done.stdout.split() == ["app_owner"]


def test_the_cache_s_password(deployed: Site, secrets: Path) -> None:
    old = (secrets / "redis_password").read_text()
    deployed.succeed("secrets.rotate", "redis_password", "--yes")
    new = (secrets / "redis_password").read_text()
    assert (secrets / "redis_url").read_text() == f"redis://:{new}@redis:6379/0"

    def answers(password: str) -> bool:
        return "PONG" in docker("exec", "--env", f"REDISCLI_AUTH={password}", REDIS, "redis-cli", "ping").stdout

    assert answers(new)
    assert not answers(old)
    eventually(lambda: healthy(deployed))
    # It is the password of the next start too.
    docker("restart", REDIS)
    eventually(lambda: answers(new))
    eventually(lambda: healthy(deployed))


def started(services: Iterable[str]) -> dict[str, str]:
    """When the container of each service started."""
    return {service: str(container(PRODUCTION, service)["State"]["StartedAt"]) for service in services}


def test_a_rotation_loses_no_request_and_no_job(deployed: Site, record_property: Callable[[str, object], None]) -> None:
    users = ("backend", "board", "scheduler", "worker", "worker-bulk")
    for number, name in enumerate(("postgres_password", "redis_password")):
        before = started(users)
        with clients(deployed.port, f"rotated-{number}") as counts:
            deployed.succeed("secrets.rotate", name, "--yes")
        record_property(f"{number}: {name}", str(counts))
        assert not counts.failed, counts.failed[:5]
        assert counts.written
        after = started(users)
        assert all(after[service] > before[service] for service in users)
        # What serves comes first; a worker of the new must not meet a backend of the old.
        assert max(after["backend"], after["board"]) < min(after[service] for service in users[2:])
    left = "SELECT count(*) FROM notes WHERE text LIKE 'rotated-%' AND id NOT IN (SELECT note_id FROM note_words)"
    eventually(lambda: sql(left) == "0", seconds=120)
    assert sql("SELECT count(*) FROM background_jobs WHERE state = 'dead'") == "0"


def test_a_rotation_that_fails_leaves_the_old_password(deployed: Site, secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    # Whatever starts anew finds no way to the database.
    role = whose_turn(secrets)
    hba = docker("exec", POSTGRES, "sh", "-c", 'psql -U app -tAc "SHOW hba_file"').stdout.strip()
    rule = f"1i host all {role} samenet reject"
    block = f"cp {hba} /tmp/hba && sed -i '{rule}' {hba} && pg_ctl reload -D $(dirname {hba})"
    docker("exec", "--user", "postgres", POSTGRES, "sh", "-c", block)
    try:
        result = deployed.inv("secrets.rotate", "postgres_password", "--yes")
    finally:
        undo = f"cat /tmp/hba > {hba} && pg_ctl reload -D $(dirname {hba})"
        docker("exec", "--user", "postgres", POSTGRES, "sh", "-c", undo)
    assert result.code == 1
    assert f"{role} cannot log in" in result.output
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert healthy(deployed)


def test_a_rotation_that_was_cut_off_is_ended(deployed: Site, secrets: Path) -> None:
    # As if it had ended after the files were written: the other role can still log in.
    before = (secrets / "database_url").read_text()
    role = whose_turn(secrets)
    sql(f"ALTER ROLE {role} LOGIN PASSWORD 'forgotten'")
    assert logs_in(role, "forgotten")
    result = deployed.inv("secrets.rotate", "postgres_password", "--yes")
    assert result.code == 1
    assert "A former rotation of postgres_password failed or was cut off" in result.output
    assert "run the same command again for a new value" in result.output
    assert (secrets / "database_url").read_text() == before
    assert not logs_in(role, "forgotten")


def test_what_cannot_be_rotated(deployed: Site) -> None:
    result = deployed.inv("secrets.rotate", "database_url", "--yes")
    assert result.code == 1
    assert "what can: postgres_password, redis_password" in result.output
    asked = deployed.inv("secrets.rotate", "postgres_password")
    assert asked.code == 1
    assert "starts backend" in asked.output


def test_new_data_begins_with_the_first_role(deployed: Site, secrets: Path) -> None:
    deployed.succeed("destroy", "--yes", "--data")
    password = (secrets / "postgres_password").read_text()
    assert (secrets / "database_url").read_text() == f"postgres://app:{password}@postgres:5432/app"
    deployed.succeed("deploy", "--yes")
    assert deployed.notes() == []
