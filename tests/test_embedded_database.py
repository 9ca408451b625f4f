"""Promise: what goes wrong while the embedded database is copied loses nothing and leaves nothing paused."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from invoke.exceptions import Exit
from tasks._lib.databases import sqlite
from tasks._lib.stacks import Stack

STACK = Stack("road-dev", "", "inv up")
Parts = dict[str, bytes]


def answers(monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> list[str]:
    """Let docker end with a code and a message, and return what it will have been asked."""
    asked: list[str] = []

    def ask(command: list[str]) -> subprocess.CompletedProcess[str]:
        asked.append(" ".join(command))
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(sqlite, "ask", ask)
    return asked


def test_a_part_that_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, 1, "Error response from daemon: Could not find the file /data/app.db-wal in container 1")
    sqlite._fetch(STACK, "1", "app.db-wal", tmp_path)


def test_a_part_that_cannot_be_copied_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, 1, "unexpected EOF")
    with pytest.raises(Exit, match=r"app\.db-wal cannot be copied: unexpected EOF"):
        sqlite._fetch(STACK, "1", "app.db-wal", tmp_path)


def test_what_was_paused_goes_on_when_another_cannot_be_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, 0, "")

    def refuse(_command: list[str]) -> str:
        raise Exit("No such container: 2", 1)

    monkeypatch.setattr(sqlite, "read", refuse)
    with pytest.raises(Exit, match="No such container"), sqlite._held(STACK, [{"Id": "1"}, {"Id": "2"}]):
        pytest.fail("nothing is held")
    assert asked == ["docker unpause 1", "docker unpause 2"]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A copy of what was there."""
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "app.db").write_bytes(b"old")
    return folder


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup."""
    path = tmp_path / "backup.db"
    path.write_bytes(b"new")
    return path


def test_an_interrupted_restore_puts_back_what_was_there(
    monkeypatch: pytest.MonkeyPatch, before: Path, backup: Path
) -> None:
    sent: list[Parts] = []

    def send(_stack: Stack, _container: str, parts: Parts) -> str:
        sent.append(parts)
        if len(sent) == 1:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(sqlite, "_send", send)
    with pytest.raises(KeyboardInterrupt):
        sqlite._replace(STACK, "1", backup, before)
    assert sent == [{"app.db": b"new", "app.db-wal": b""}, {"app.db": b"old", "app.db-wal": b""}]


def test_a_restore_that_nothing_can_mend_says_so(monkeypatch: pytest.MonkeyPatch, before: Path, backup: Path) -> None:
    monkeypatch.setattr(sqlite, "_send", lambda *_: "no space left on device")
    with pytest.raises(Exit, match="neither the backup nor what was there can be put back"):
        sqlite._replace(STACK, "1", backup, before)


@pytest.mark.parametrize("folder", ["c#", "100%41", "what?"])
def test_a_backup_is_looked_at_wherever_it_is(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "app.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (id TEXT)")
    assert sqlite._rows_of(path) == {"notes": 0}
    path.write_text("this is no database")
    with pytest.raises(Exit, match="is no complete database"):
        sqlite._rows_of(path)
    assert [one.name for one in tmp_path.iterdir()] == [folder]
