"""Promise: secrets are made once, where they are used, and never overwritten."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from invoke.exceptions import Exit
from tasks._lib import secret_files
from tasks._lib.forms import fill
from tasks._lib.target import Target

from .conftest import Desk


@pytest.fixture
def folder(desk: Desk) -> Path:
    """The production environment's folder of secrets, which does not exist yet."""
    path = desk.project / "invoke.yaml"
    path.write_text(path.read_text().replace("~/.config/acme-notes/production", "~/secrets"))
    desk.says("volume ls")
    return desk.project.parent / "secrets"


def test_made_strong_private_and_consistent(desk: Desk, folder: Path) -> None:
    result = desk.inv("secrets.init")
    assert result.code == 0, result.output
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "postgres_password": 0o444,
        "database_url": 0o444,
        "redis_password": 0o444,
        "redis_url": 0o444,
    }
    password = (folder / "postgres_password").read_text()
    assert len(password) >= 40
    assert (folder / "database_url").read_text() == f"postgres://app:{password}@postgres:5432/app"
    assert password != (folder / "redis_password").read_text()
    assert password not in result.output
    assert not any(password in " ".join(arguments) for arguments, _ in desk.calls)


def test_never_overwritten(desk: Desk, folder: Path) -> None:
    desk.inv("secrets.init")
    before = {path.name: path.read_text() for path in folder.iterdir()}
    result = desk.inv("secrets.init")
    assert "All secrets are in" in result.output
    (folder / "database_url").unlink()
    assert desk.inv("secrets.init").code == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_what_was_cut_off_is_made_again(desk: Desk, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    # As a full disk leaves it.
    (folder / "postgres_password").touch(mode=0o600)
    assert desk.inv("secrets.init").code == 0
    assert len((folder / "postgres_password").read_text()) >= 40
    assert stat.S_IMODE((folder / "postgres_password").stat().st_mode) == 0o444


def test_half_a_secret_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Target.shell

    def cut_off(target: Target, script: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return whole(target, script, *arguments, stdin=stdin[:-1])

    monkeypatch.setattr(Target, "shell", cut_off)
    with pytest.raises(Exit, match=r"cannot write the secret token in \S+: it came cut off"):
        secret_files._write(Target("", ()), str(tmp_path / "secrets"), "token", "abc")
    assert list((tmp_path / "secrets").iterdir()) == []


def test_never_a_second_set_beside_data(desk: Desk, folder: Path) -> None:
    desk.says("volume ls", "acme-notes-production_postgres\n")
    result = desk.inv("secrets.init")
    assert result.code == 1
    assert "acme-notes-production_postgres" in result.output
    assert "put the old files back" in result.output
    assert not folder.exists()


def test_what_belongs_to_no_data_yet_is_made_beside_other_data(desk: Desk, folder: Path) -> None:
    assert desk.inv("secrets.init").code == 0
    for name in ("redis_password", "redis_url", "database_url"):
        (folder / name).unlink()
    desk.says("volume ls", "acme-notes-production_postgres\nacme-notes-production_uploads\n")
    result = desk.inv("secrets.init")
    assert result.code == 0, result.output
    assert (folder / "redis_password").read_text() in (folder / "redis_url").read_text()
    (folder / "redis_password").unlink()
    (folder / "postgres_password").unlink()
    refused = desk.inv("secrets.init")
    assert refused.code == 1
    assert (
        "error: postgres_password are missing, but new ones would not open the data in acme-notes-production_postgres\n"
        in (refused.output)
    )
    assert not (folder / "redis_password").exists()


def test_what_several_services_keep_was_made_with_the_secret_of_none() -> None:
    services = {
        "app": {"secrets": ["token"], "volumes": ["files:/files", "./own:/own"]},
        "proxy": {"volumes": [{"type": "volume", "source": "files", "target": "/files"}]},
        "store": {"secrets": [{"source": "password", "target": "p"}], "volumes": [{"source": "store"}, "/cache"]},
        "exporter": {"secrets": ["password"], "volumes": None},
    }
    assert secret_files.made_with(["token", "password"], services, ["files", "store"]) == (["password"], ["store"])
    assert secret_files.made_with(["token"], services, ["files", "store"]) == ([], [])


def test_an_engine_that_refuses_to_say_what_data_there_is(desk: Desk, folder: Path) -> None:
    desk.says("volume ls", stderr="permission denied while trying to connect to the docker API", code=1)
    result = desk.inv("secrets.init")
    assert result.code == 1
    assert not folder.exists()


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_written(desk: Desk) -> None:
    (desk.bin / "mkdir").unlink()
    (desk.bin / "mkdir").write_text('#!/bin/sh\necho "mkdir: Read-only file system" >&2\nexit 1\n')
    (desk.bin / "mkdir").chmod(0o755)
    result = desk.inv("secrets.init")
    assert result.code == 1
    assert "cannot write the secret" in result.output
    assert "fix: see that the folder is yours" in result.output


def test_secrets_that_cannot_be_looked_at_are_not_missing(desk: Desk, folder: Path) -> None:
    folder.write_text("no folder")
    result = desk.inv("secrets.init")
    assert result.code == 1
    assert f"the secrets in {folder} cannot be read: " in result.output
    assert "fix: see that whoever deploys may read them" in result.output


def test_a_password_that_was_brought_along_fits_into_addresses(desk: Desk, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in ("postgres_password", "redis_password"):
        (folder / name).write_text('a/+#@:"\\')
    assert desk.inv("secrets.init").code == 0
    written = "a%2F%2B%23%40%3A%22%5C"
    assert (folder / "database_url").read_text() == f"postgres://app:{written}@postgres:5432/app"
    assert (folder / "redis_url").read_text() == f"redis://:{written}@redis:6379/0"
    assert json.loads(fill('{{"redis://redis:6379": "{it}"}}', {"it": 'a"\\'})) == {"redis://redis:6379": 'a"\\'}


def test_made_over_ssh_for_another_machine(desk: Desk, folder: Path) -> None:
    path = desk.project / "invoke.yaml"
    path.write_text(path.read_text().replace("context: default", "context: shop"))
    desk.says("context inspect shop", "ssh://deploy@Shop.Example:2222\n")
    (desk.bin / "ssh").write_text('#!/bin/sh\necho "$1 $2 $3" >> "$HOME/ssh-calls"\nshift 3\nexec sh -c "$*"\n')
    (desk.bin / "ssh").chmod(0o755)
    result = desk.inv("secrets.init")
    assert result.code == 0, result.output
    assert "Making secrets on deploy@Shop.Example" in result.output
    assert set((desk.bin.parent / "ssh-calls").read_text().splitlines()) == {"-p 2222 deploy@Shop.Example"}
    assert (folder / "redis_url").exists()


def test_a_context_without_a_shell(desk: Desk, folder: Path) -> None:
    desk.says("context inspect default", "tcp://10.0.0.1:2376\n")
    result = desk.inv("secrets.init")
    assert result.code == 1
    assert "by tcp, so files cannot be put there" in result.output
    assert not folder.exists()
