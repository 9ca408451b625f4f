"""SQLite, a file in the volume `data`: copied while its users are held for a moment, proven on this machine."""

import io
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ..console import confirm, say, stop
from ..run import ask, read
from ..stacks import Stack, service_of

SUFFIX = ".db"

_FOLDER = "/data"
_FILE = "app.db"
# What belongs to the file while somebody writes; a copy of both, of one moment, is as good as the whole.
_PARTS = (_FILE, f"{_FILE}-wal")
# By this a container is told from others that keep something of their own in a folder of that name.
_SETTING = f"DATABASE_URL=sqlite://{_FOLDER}/{_FILE}"
# The user that the images run as.
_USER = 65532


def backup(stack: Stack, path: Path) -> None:
    """Copy the database as it is at one moment to a file, and read it back."""
    users = _users(stack)
    partial = path.with_name(f"{path.name}.partial")
    with tempfile.TemporaryDirectory() as folder:
        with _held(stack, users):
            for part in _PARTS:
                _fetch(stack, users[0]["Id"], part, Path(folder))
        if not (Path(folder) / _FILE).is_file():
            stop(f"{stack.project} has no database yet", f"start it first: `{stack.hint}`")
        try:
            partial.touch(mode=0o600)
            with closing(sqlite3.connect(Path(folder) / _FILE)) as database:
                database.execute("VACUUM INTO ?", [str(partial)])
            rows = _rows_of(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    say(f"Wrote {path}: {_total(rows)}, {path.stat().st_size} bytes; it was read back.")


def restore(stack: Stack, path: Path, yes: bool) -> None:
    """Put a backup in the place of the database, whose users are stopped meanwhile; ask first."""
    rows = _rows_of(path)
    users = _users(stack)
    say(f"{path} holds {_total(rows)}.")
    say(f"It replaces EVERYTHING that {stack.project} holds now, and stops it for a moment.")
    confirm(yes)
    names = [user["Id"] for user in users]
    with tempfile.TemporaryDirectory() as folder:
        try:
            read([*stack.docker, "stop", *names])
            for part in _PARTS:
                _fetch(stack, names[0], part, Path(folder))
            _replace(stack, names[0], path, Path(folder))
        finally:
            read([*stack.docker, "start", *names])
    say(f"Restored: {_total(rows)}.")


def _replace(stack: Stack, container: str, path: Path, before: Path) -> None:
    """Put a backup in the place of the database; what was there, of which a folder has a copy, when that fails."""
    # Changes that wait for the database before would be applied to this one.
    empty = {f"{_FILE}-wal": b""}
    said, back = "it was cut off", ""
    try:
        said = _send(stack, container, {_FILE: path.read_bytes()} | empty)
    finally:
        if said:
            back = _send(stack, container, empty | {one.name: one.read_bytes() for one in before.iterdir()})
    if back:
        stop(f"neither the backup nor what was there can be put back: {said}; {back}", f"make room, and restore {path}")
    if said:
        stop(f"the backup cannot be put back: {said}", "what was there is back; look at the disk")


def shell(stack: Stack, terminal: bool) -> int:
    """Say why there is none: the images hold the app, and nothing else."""
    del terminal
    stop(
        f"the database of {stack.project} is a file inside the app's volume, with no shell beside it",
        "look into a copy: `inv db.backup`, then `sqlite3 FILE`",
    )


def _users(stack: Stack) -> list[dict[str, Any]]:
    """Return the running containers that use the database; stop when there are none."""
    found = [
        container
        for container in stack.all()
        if container["State"]["Running"] and _SETTING in container["Config"]["Env"]
    ]
    if not found:
        stop(f"nothing of {stack.project} that uses the database runs", f"start it first: `{stack.hint}`")
    return sorted(found, key=service_of)


@contextmanager
def _held(stack: Stack, users: list[dict[str, Any]]) -> Iterator[None]:
    """Keep containers from writing: their requests wait, and go on afterwards."""
    names = [user["Id"] for user in users]
    try:
        read([*stack.docker, "pause", *names])
        yield
    finally:
        # Each alone: one that was replaced meanwhile must not keep the others paused.
        for name in names:
            ask([*stack.docker, "unpause", name])


def _fetch(stack: Stack, container: str, name: str, folder: Path) -> None:
    """Copy a file of the volume, if it is there."""
    command = [*stack.docker, "cp", f"{container}:{_FOLDER}/{name}", str(folder)]
    done = ask(command)
    if done.returncode != 0 and "could not find the file" not in done.stderr.lower():
        stop(f"{name} cannot be copied: {done.stderr.strip()}", "look at the disk, and run the same command again")


def _send(stack: Stack, container: str, parts: dict[str, bytes]) -> str:
    """Put files into the volume of a stopped container, and return what went wrong."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        for name, data in parts.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode, about.uid, about.gid = len(data), 0o644, _USER, _USER
            files.addfile(about, io.BytesIO(data))
    command = [*stack.docker, "cp", "--archive", "-", f"{container}:{_FOLDER}"]
    done = subprocess.run(command, input=archive.getvalue(), capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode != 0 else ""


def _rows_of(path: Path) -> dict[str, int]:
    """Return how many rows a database file has of each table; stop when it is broken."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            count = 'SELECT count(*) FROM "{}"'
            return {name: database.execute(count.format(name)).fetchone()[0] for (name,) in names.fetchall()}
    except sqlite3.DatabaseError as error:
        stop(f"{path} is no complete database: {error}", "nothing was changed; use another backup")


def _total(rows: dict[str, int]) -> str:
    return f"{sum(rows.values())} rows in {len(rows)} table{'' if len(rows) == 1 else 's'}"
