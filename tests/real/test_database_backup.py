"""Promise: what was backed up is there again after everything was destroyed, and a broken backup changes nothing."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from invoke.exceptions import Exit
from tasks._lib.databases import sqlite
from tasks._lib.stacks import Stack

from .conftest import PRODUCTION, Site, docker, eventually, sql
from .load import load

pytestmark = pytest.mark.docker

ENVIRONMENT = ("--env", "production")
# Names that a restore uses meanwhile would show here.
DATABASES = ["app", "postgres", "template0", "template1"]


@pytest.fixture(scope="module")
def backup(deployed: Site) -> Path:
    """A backup of one note, made before another was written."""
    output = deployed.succeed("db.backup", *ENVIRONMENT)
    found = re.search(r"Wrote (\S+): (\d+) rows in (\d+) tables", output)
    assert found
    assert int(found[2]) >= 2
    assert requests.post(deployed.url("/api/notes"), json={"text": "later"}, timeout=5).status_code == 201
    return deployed.folder / found[1]


def test_a_backup_is_private(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]


@pytest.mark.parametrize("size", [0, 100, 0.8])
def test_a_broken_backup_changes_nothing(deployed: Site, backup: Path, tmp_path: Path, size: float) -> None:
    content = backup.read_bytes()
    broken = tmp_path / "broken.dump"
    broken.write_bytes(content[: int(size if size >= 1 else len(content) * size)])
    result = deployed.inv("db.restore", *ENVIRONMENT, str(broken), "--yes")
    assert result.code == 1
    assert "is no complete dump" in result.output
    assert "nothing was changed" in result.output
    assert sorted(deployed.notes()) == ["kept", "later"]


def test_a_backup_that_does_not_fit_changes_nothing(deployed: Site, backup: Path, tmp_path: Path) -> None:
    # It reads well, but cannot be filled in: its function fails for each row.
    statements = """
        CREATE FUNCTION fails(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
          $$ BEGIN IF current_database() <> 'app' THEN RAISE 'not here'; END IF; RETURN true; END $$;
        CREATE TABLE trial (id text CHECK (public.fails(id))); INSERT INTO trial VALUES ('a');
    """
    sql(statements)
    try:
        bad = tmp_path / "bad.dump"
        assert "it was read back" in deployed.succeed("db.backup", *ENVIRONMENT, "--file", str(bad))
        result = deployed.inv("db.restore", *ENVIRONMENT, str(bad), "--yes")
    finally:
        sql("DROP TABLE trial; DROP FUNCTION fails;")
    assert result.code == 1
    assert "cannot be restored" in result.output
    assert "not here" in result.output
    assert sorted(deployed.notes()) == ["kept", "later"]
    assert sorted(sql("SELECT datname FROM pg_database").split()) == DATABASES
    assert backup.is_file()


def test_it_asks_before_it_replaces(deployed: Site, backup: Path) -> None:
    result = deployed.inv("db.restore", *ENVIRONMENT, str(backup))
    assert result.code == 1
    assert "It replaces EVERYTHING that road-production holds now" in result.output
    assert sorted(deployed.notes()) == ["kept", "later"]


def test_a_restore_waits_for_who_deploys(deployed: Site, backup: Path) -> None:
    holder = ["--label", "slipway.holder=ann at shop", "--label", "slipway.since=today"]
    lock = docker("create", "--name", f"{PRODUCTION}-deploy-lock", *holder, "debian:trixie-slim").stdout.strip()
    try:
        result = deployed.inv("db.restore", *ENVIRONMENT, str(backup), "--yes")
    finally:
        docker("rm", lock)
    assert result.code == 1
    assert "another deploy to production is under way: ann at shop, since today" in result.output
    assert sorted(deployed.notes()) == ["kept", "later"]


def test_a_restore_while_it_serves(deployed: Site, backup: Path) -> None:
    with load(deployed.url("/version")) as counts:
        assert "counted again" in deployed.succeed("db.restore", *ENVIRONMENT, str(backup), "--yes")
        eventually(lambda: requests.get(deployed.url("/api/notes"), timeout=5).ok)
    assert counts["failed"] == 0
    assert sql("SELECT text FROM notes").split() == ["kept"]
    assert requests.post(deployed.url("/api/notes"), json={"text": "after"}, timeout=5).status_code == 201
    assert sorted(sql("SELECT datname FROM pg_database").split()) == DATABASES


# One that fills tables of its own, of which a dump has only what was added to one of them.
EXTENSION = {
    "road.control": "default_version = '1'\n",
    "road--1.sql": """
        CREATE TABLE codes (code text, own boolean); INSERT INTO codes VALUES ('a', false);
        CREATE TABLE names (name text); INSERT INTO names VALUES ('c');
        SELECT pg_catalog.pg_extension_config_dump('codes', 'WHERE own');
    """,
}


def test_an_extension_with_tables_of_its_own(deployed: Site, tmp_path: Path) -> None:
    postgres = f"{PRODUCTION}-postgres-1"
    docker("exec", postgres, "mkdir", "-p", "/var/lib/postgresql/road/extension")
    for name, text in EXTENSION.items():
        docker("exec", "--interactive", postgres, "tee", f"/var/lib/postgresql/road/extension/{name}", stdin=text)
    sql("ALTER SYSTEM SET extension_control_path = '/var/lib/postgresql/road:$system'")
    sql("SELECT pg_reload_conf()")
    eventually(lambda: "road" in sql("SHOW extension_control_path"))
    before = deployed.notes()
    try:
        sql("CREATE EXTENSION road; INSERT INTO codes VALUES ('d', true);")
        file = tmp_path / "extended.dump"
        deployed.succeed("db.backup", *ENVIRONMENT, "--file", str(file))
        assert "counted again" in deployed.succeed("db.restore", *ENVIRONMENT, str(file), "--yes")
        eventually(lambda: requests.get(deployed.url("/api/notes"), timeout=5).ok)
        assert deployed.notes() == before
        assert sql("SELECT count(*) FROM names").strip() == "1"
    finally:
        sql("DROP EXTENSION IF EXISTS road; ")
        sql("ALTER SYSTEM RESET extension_control_path")


def test_after_everything_was_destroyed(deployed: Site, backup: Path) -> None:
    deployed.succeed("destroy", "--yes", "--data")
    deployed.succeed("deploy", "--yes")
    assert deployed.notes() == []
    # The scheduler has written already when it runs next, so this database is asked about.
    deployed.succeed("db.restore", *ENVIRONMENT, str(backup), "--yes")
    assert sql("SELECT text FROM notes").split() == ["kept"]


def test_the_shell_runs_what_it_is_given(deployed: Site) -> None:
    result = deployed.inv("db.shell")
    assert result.code == 1
    assert "postgres of road-dev does not run" in result.output
    assert deployed.inv("db.shell", *ENVIRONMENT).code == 0


# --- The embedded database ---

PROJECT = "backup-trial"


def start(service: str, *flags: str) -> str:
    """Run a service with a volume of its own at /data, and return its container."""
    labels = {"project": PROJECT, "service": service, "oneoff": "False"}
    named = [flag for key, value in labels.items() for flag in ("--label", f"com.docker.compose.{key}={value}")]
    volume = ["--read-only", "--volume", f"{PROJECT}-{service}:/data"]
    command = ["--detach", "--init", *named, *volume, *flags, "debian:trixie-slim", "sleep", "600"]
    return docker("run", *command).stdout.strip()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Stack]:
    """The app's container with a database of two notes, one of them not yet in the file itself, and the broker's."""
    container = start("backend", "--env", "DATABASE_URL=sqlite:///data/app.db")
    broker = start("a-broker")
    try:
        with closing(sqlite3.connect(tmp_path / "app.db")) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE notes (text)")
            database.execute("INSERT INTO notes VALUES ('a'), ('b')")
            database.commit()
            for path in tmp_path.glob("app.db*"):
                docker("cp", str(path), f"{container}:/data/{path.name}")
        yield Stack(PROJECT, "", "inv up")
    finally:
        docker("rm", "--force", container, broker, check=False)
        docker("volume", "rm", f"{PROJECT}-backend", f"{PROJECT}-a-broker", check=False)


def texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [text for (text,) in database.execute("SELECT text FROM notes")]


def test_the_embedded_database(app: Stack, tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    sqlite.backup(app, first)
    assert texts(first) == ["a", "b"]
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    with closing(sqlite3.connect(first)) as database:
        database.execute("DELETE FROM notes WHERE text = 'b'")
        database.commit()
    sqlite.restore(app, first, yes=True)
    sqlite.backup(app, second)
    assert texts(second) == ["a"]
    for container in app.all():
        assert container["State"]["Running"]
        assert not container["State"]["Paused"]


def test_the_broker_s_folder_is_not_taken_for_the_app_s(app: Stack, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    sqlite.backup(app, copy)
    docker("stop", app.running("backend"))
    broker = app.running("a-broker")
    with pytest.raises(Exit, match="nothing of backup-trial that uses the database runs"):
        sqlite.restore(app, copy, yes=True)
    assert docker("exec", broker, "ls", "/data").stdout == ""


def test_a_broken_backup_of_the_embedded_database(app: Stack, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(json.dumps({"no": "database"}).encode() * 100)
    with pytest.raises(Exit, match="is no complete database"):
        sqlite.restore(app, broken, yes=True)
    sqlite.backup(app, tmp_path / "after.db")
    assert texts(tmp_path / "after.db") == ["a", "b"]
