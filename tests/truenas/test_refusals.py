"""Promise: what a NAS lacks or refuses is found before anything is changed, with cause and fix; no key is told."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from tasks._lib.truenas import scripts

from tests.commands.conftest import DIGEST, Desk

from .conftest import DATA, NAMES, SECRETS, renders, setting, stack
from .server import KEY, CallError, Nas, Pretended, Session


def refused(desk: Desk, nas: Nas, cause: str, fix: str, *command: str) -> None:
    """Let a command end with a cause and a fix, with nothing changed and no key told."""
    result = desk.inv(*(command or ("deploy", "--yes")))
    assert result.code == 1, result.output
    assert cause in result.output
    assert fix in result.output
    assert nas.changes == []
    assert KEY not in result.output


# --- The key ---


def test_without_a_key(desk: Desk, nas: Nas) -> None:
    del desk.environment["TRUENAS_API_KEY"]
    refused(desk, nas, "neither TRUENAS_API_KEY nor TRUENAS_API_KEY_FILE is set", "keep it in a file")
    desk.environment["TRUENAS_API_KEY_FILE"] = "nowhere"
    refused(desk, nas, "cannot be read: No such file or directory: nowhere", "correct the variable")


def test_a_key_in_a_file(desk: Desk, tmp_path: Path) -> None:
    del desk.environment["TRUENAS_API_KEY"]
    (tmp_path / "key").write_text(KEY + "\n")
    desk.environment["TRUENAS_API_KEY_FILE"] = str(tmp_path / "key")
    assert desk.inv("deploy", "--plan").code == 2


def test_the_key_is_sent_once_and_stored_nowhere(desk: Desk, nas: Nas) -> None:
    result = desk.inv("deploy", "--yes")
    assert result.code == 0, result.output
    assert nas.heard.count(KEY) == 1
    assert KEY not in result.output + json.dumps(nas.stored)
    assert not [call for call in desk.calls if KEY in json.dumps(call)]


def test_images_may_have_to_be_signed(desk: Desk, nas: Nas) -> None:
    setting(desk, "verify", "true")
    refused(desk, nas, "does not say who may sign", "under `signing:`")


# --- The login ---


@pytest.mark.parametrize(
    ("answer", "cause", "fix"),
    [
        ({"response_type": "AUTH_ERR"}, "does not let deploy in with this key", "see that the key is whole"),
        ({"response_type": "EXPIRED"}, "the key has expired or was revoked", "make a new one"),
        ({"response_type": "DENIED"}, "denies deploy the use of its API", "privilege"),
        ({"response_type": "OTP_REQUIRED", "username": "deploy"}, "wants a second factor of deploy", "a user made for"),
        ({"response_type": "REDIRECT", "urls": ["10.0.0.2"]}, "is the standby of a pair", "invoke.yaml to 10.0.0.2"),
        ({"response_type": "SCRAM_RESPONSE"}, "answers the login with SCRAM_RESPONSE", "25.04 or later"),
    ],
)  # fmt: skip
def test_a_login_that_is_not_taken(desk: Desk, nas: Nas, answer: dict[str, Any], cause: str, fix: str) -> None:
    nas.login = answer
    refused(desk, nas, cause, fix)


def test_a_wrong_key(desk: Desk, nas: Nas) -> None:
    desk.environment["TRUENAS_API_KEY"] = "1-wrong"
    refused(desk, nas, "does not let deploy in with this key", "see that the key is whole")


def test_too_many_logins(desk: Desk, nas: Nas) -> None:
    for _ in range(20):
        nas._login(Session(None), {})  # type: ignore[arg-type]
    refused(desk, nas, "was logged in to too often", "wait ten minutes without trying")
    assert len(nas._logins) == 21, "a refused login is not tried again"


def test_one_command_logs_in_once(desk: Desk, nas: Nas) -> None:
    assert desk.inv("deploy", "--yes").code == 0
    assert len(nas._logins) == 1


def test_a_key_that_is_no_key(desk: Desk, nas: Nas) -> None:
    desk.environment["TRUENAS_API_KEY"] = "x" * 9000
    refused(desk, nas, "longer than the 8 KiB", "see that the key is a key")


def test_a_message_that_is_too_long_ends_the_connection(desk: Desk, nas: Nas) -> None:
    # The length is counted before sending; here the counting is taken away.
    path = desk.project / "tasks/_lib/truenas/api.py"
    path.write_text(path.read_text().replace("<= LONGEST", "<= LONGEST * 9"))
    made = stack()
    made["services"]["backend"]["environment"]["LONG"] = "x" * 66000
    renders(desk, made)
    result = desk.inv("deploy", "--yes")
    assert result.code == 1, result.output
    assert "longer than the 64 KiB that it takes" in result.output
    assert nas.stored == {}


# --- The connection ---


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_an_address_in_the_clear(desk: Desk, nas: Nas, scheme: str) -> None:
    setting(desk, "host", f"{scheme}://nas.example/api")
    refused(desk, nas, "revokes a key that reaches it in the clear", "write `host: nas.example`")


def test_an_address_for_a_name(desk: Desk, nas: Nas) -> None:
    setting(desk, "host", "wss://nas.example/api/current")
    refused(desk, nas, "is an address", "write `host: nas.example`")


def test_a_certificate_of_nobody(desk: Desk, nas: Nas) -> None:
    setting(desk, "certificate", None)
    refused(desk, nas, "the certificate of 127.0.0.1", "`fingerprint:`")
    assert nas.heard == ""


def test_a_certificate_for_another_name(desk: Desk, nas: Nas) -> None:
    setting(desk, "host", f"localhost:{nas.port}")
    refused(desk, nas, "is not trusted: Hostname mismatch", "`fingerprint:`")
    assert nas.heard == ""


def test_a_fingerprint(desk: Desk, nas: Nas) -> None:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(nas.certificate)).hexdigest()
    setting(desk, "certificate", None)
    setting(desk, "fingerprint", "'" + ":".join(digest[at : at + 2] for at in range(0, 64, 2)).upper() + "'")
    result = desk.inv("deploy", "--plan")
    assert result.code == 2, result.output
    nas.heard = ""
    setting(desk, "fingerprint", "'" + "00" * 32 + "'")
    refused(desk, nas, f"shows another certificate: its SHA-256 is {digest}", "find out why")
    assert nas.heard == "", "the key goes to nobody else"


def test_a_certificate_file_that_is_none(desk: Desk, nas: Nas) -> None:
    (desk.project / "nas.pem").write_text("nothing")
    refused(desk, nas, "cannot be read", "it must be a PEM file")


def test_nobody_there(desk: Desk, nas: Nas) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    setting(desk, "host", f"127.0.0.1:{port}")
    refused(desk, nas, "cannot be reached: Connection refused", "correct `host:`")


def test_a_port_without_tls(desk: Desk, nas: Nas) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        setting(desk, "host", f"127.0.0.1:{server.getsockname()[1]}")
        refused(desk, nas, "does not speak TLS as a NAS does", "and its port")


def test_a_nas_without_that_api(desk: Desk, nas: Nas) -> None:
    nas.version = ""
    refused(desk, nas, "has no /api/current (it answers 404)", "update to TrueNAS 25.04 or later")


# --- The NAS ---


def test_an_old_version(desk: Desk, nas: Nas) -> None:
    nas.version = "TrueNAS-SCALE-24.10.2.1"
    refused(desk, nas, "is TrueNAS-SCALE-24.10.2.1", "update it to TrueNAS 25.04 or later")


def test_a_user_who_may_only_read(desk: Desk, nas: Nas) -> None:
    nas.roles = ["APPS_READ", "DOCKER_READ"]
    refused(desk, nas, "may not change apps on 127.0.0.1", "with the role APPS_WRITE")


def test_an_administrator_may_all(desk: Desk, nas: Nas) -> None:
    nas.roles = ["FULL_ADMIN"]
    assert desk.inv("deploy", "--yes").code == 0


def test_a_user_who_may_not_look_deploys_unchecked(desk: Desk, nas: Nas, engine: Pretended) -> None:
    nas.roles = ["APPS_WRITE", "APPS_READ"]
    engine.files = {}
    assert desk.inv("deploy", "--yes").code == 0


@pytest.mark.parametrize(
    ("status", "cause", "fix"),
    [("UNCONFIGURED", "no pool of 127.0.0.1", "Choose Pool"), ("FAILED", "is FAILED: no such dataset", "see Apps")],
)
def test_apps_without_a_pool(desk: Desk, nas: Nas, status: str, cause: str, fix: str) -> None:
    nas.docker = {"status": status, "description": "no such dataset"}
    refused(desk, nas, cause, fix)


def test_a_folder_that_is_not_there(desk: Desk, nas: Nas, engine: Pretended) -> None:
    del engine.files[f"{DATA}/postgres"]
    refused(desk, nas, f"has no folder {DATA}/postgres", f"mkdir -p {DATA}/postgres && chown 568:568")


def test_a_folder_of_another_user(desk: Desk, nas: Nas, engine: Pretended) -> None:
    engine.files[f"{DATA}/postgres"]["uid"] = 0
    refused(desk, nas, f"{DATA}/postgres on 127.0.0.1", "chown 568:568")
    engine.files[f"{DATA}/postgres"]["acl"] = True
    assert desk.inv("deploy", "--plan").code == 2, "a list may let the user in whoever the owner is"


def test_a_port_of_another_app(desk: Desk, nas: Nas, engine: Pretended) -> None:
    service = {"image": "web", "healthcheck": {"test": ["CMD"]}, "ports": [{"published": "8000"}]}
    nas.stored["other"] = engine.running["other"] = {"services": {"web": service}}
    refused(desk, nas, "port 8000 of 127.0.0.1", "is in use by the app other")


# --- The project ---


@pytest.mark.parametrize("name", ["Acme", "acme_notes", "9lives", "acme-", "a" * 41])
def test_a_name_that_no_app_can_have(desk: Desk, nas: Nas, name: str) -> None:
    setting(desk, "app", name)
    refused(desk, nas, "invoke.yaml, environments.nas.app", "at most 40 lower-case letters")
    assert nas.heard == ""


def test_a_name_made_of_two_that_is_too_long(desk: Desk, nas: Nas) -> None:
    setting(desk, "app", None)
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("name: acme-notes", "name: " + "a" * 38))
    refused(desk, nas, "(42 characters)", "set `app:` under environments.nas")
    assert nas.heard == ""


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("username", None, "an environment on TrueNAS has"),
        ("secrets", "/root/secrets", "on a pool: /mnt/POOL"),
        ("data", "/mnt/.ix-apps/data", "on a pool: /mnt/POOL"),
        ("fingerprint", "abc", "64 digits"),
        ("hostt", "x", "an environment on TrueNAS has"),
    ],
)
def test_a_wrong_setting(desk: Desk, nas: Nas, name: str, value: str | None, fix: str) -> None:
    setting(desk, name, value)
    refused(desk, nas, "invoke.yaml, environments.nas", fix)


def test_an_environment_with_neither_host_nor_context(desk: Desk) -> None:
    setting(desk, "host", None)
    result = desk.inv("deploy", "--plan")
    assert result.code == 2
    assert "invoke.yaml, environments.nas" in result.output


def test_an_image_that_is_not_pushed(desk: Desk, nas: Nas) -> None:
    desk.says("imagetools inspect", stderr="ERROR: not found: manifest unknown", code=1)
    refused(desk, nas, "is not in the registry", "push it: `inv push`")


def test_an_image_for_another_machine(desk: Desk, nas: Nas) -> None:
    arm = [{"digest": DIGEST, "platform": {"os": "linux", "architecture": "arm64"}}]
    desk.says("imagetools inspect", json.dumps({"digest": DIGEST, "manifests": arm}))
    refused(desk, nas, "is not for linux/amd64", "--platforms all --push")


def test_a_registry_that_only_this_machine_reaches(desk: Desk, nas: Nas) -> None:
    path = desk.project / ".slipway/images.json"
    path.write_text(path.read_text().replace("ghcr.io/acme", "localhost:5000/acme"))
    setting(desk, "host", "nas.example")
    refused(desk, nas, "is a registry on this machine", "set project.registry")


def test_a_secret_among_the_values(desk: Desk, nas: Nas) -> None:
    path = desk.project / "deploy/environments/nas.env"
    path.write_text(path.read_text() + "SMTP_PASSWORD=hunter2\n")
    refused(desk, nas, "SMTP_PASSWORD in deploy/environments/nas.env looks like a secret", "make it a secret file")


# --- Secrets ---


def test_missing_secrets(desk: Desk, nas: Nas, engine: Pretended) -> None:
    del engine.files[f"{SECRETS}/redis_url"]
    engine.files[f"{SECRETS}/database_url"]["size"] = 0
    refused(desk, nas, f"{SECRETS} on 127.0.0.1", "inv secrets.init --env nas")
    assert "lacks the secrets database_url, redis_url" in desk.inv("deploy", "--yes").output


def test_a_secret_that_no_container_can_read(desk: Desk, nas: Nas, engine: Pretended) -> None:
    engine.files[f"{SECRETS}/redis_url"]["mode"] = 0o100600
    refused(desk, nas, "cannot be read by the containers: its mode is 0600", f"chmod 0444 {SECRETS}/redis_url")


def test_the_secrets_are_made_on_the_nas(desk: Desk, engine: Pretended, tmp_path: Path) -> None:
    engine.files = {}
    result = desk.inv("secrets.init", "--env", "nas")
    assert result.code == 0, result.output
    script = result.output[result.output.index("(\n") : result.output.index("\n)") + 2]
    here = script.replace("/mnt/tank", str(tmp_path / "tank")).replace("chown", ": chown")
    folder = tmp_path / "tank/acme-notes/secrets"
    for _ in range(2):
        subprocess.run(["sh", "-c", here], check=True)
        made = {path.name: path.read_text() for path in folder.iterdir()}
    assert sorted(made) == sorted(NAMES)
    assert made["database_url"] == f"postgres://app:{made['postgres_password']}@postgres:5432/app"
    assert made["redis_url"] == f"redis://:{made['redis_password']}@redis:6379/0"
    assert len(made["postgres_password"]) >= 40
    assert made["postgres_password"] != made["redis_password"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    before = made["postgres_password"]
    (folder / "redis_password").unlink()
    subprocess.run(["sh", "-c", here], check=True)
    assert (folder / "postgres_password").read_text() == before, "what is there is kept"


def test_passwords_that_were_brought_along_may_hold_anything(tmp_path: Path) -> None:
    """The script writes them as the tasks do elsewhere, where the API takes files."""
    passwords = ["plain-0_1.~", """ p@ss/w'o"r\\d:%s%41 ünd $(id) `id` & ?#""", "x" * 40 + "/"]
    forms = {"url": "postgres://app:{password}@postgres:5432/app", "map": '{{"redis://redis": "{password}"}}'}
    for number, password in enumerate(passwords):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "password").write_text(password + "\n")
        subprocess.run(["sh", "-c", scripts.place(str(folder), {"password": None, **forms}, {})], check=True)
        assert unquote(urlsplit((folder / "url").read_text()).password or "") == password
        assert json.loads((folder / "map").read_text()) == {"redis://redis": password}
    assert passwords[0] in (tmp_path / "0" / "url").read_text(), "what needs no escaping stays readable"


def test_no_second_set_of_secrets_beside_data(desk: Desk, nas: Nas, engine: Pretended) -> None:
    del engine.files[f"{SECRETS}/postgres_password"]
    engine.files[f"{DATA}/postgres/18"] = {"size": 9}
    cause = f"postgres_password are missing, but new ones would not open the data in {DATA}/postgres"
    refused(desk, nas, cause, "put the old files back", "secrets.init", "--env", "nas")


def test_what_belongs_to_no_data_yet_is_made_beside_other_data(desk: Desk, engine: Pretended) -> None:
    for name in ("redis_password", "redis_url"):
        del engine.files[f"{SECRETS}/{name}"]
    engine.files[f"{DATA}/postgres/18"] = {"size": 9}
    result = desk.inv("secrets.init", "--env", "nas")
    assert result.code == 0, result.output
    assert "] || head -c 32 /dev/urandom" in result.output


def test_all_secrets_are_there(desk: Desk) -> None:
    assert "All secrets are in" in desk.inv("secrets.init", "--env", "nas").output


# --- Doctor ---


def test_doctor_says_what_is_there(desk: Desk, nas: Nas) -> None:
    nas.registries = [{"uri": "https://ghcr.io/"}]
    output = desk.inv("doctor").output
    for said in ("TrueNAS-SCALE-25.04.2", "APPS_WRITE", "RUNNING", f"in {SECRETS}", "has an account for ghcr.io"):
        assert said in output, said
    assert not [line for line in output.splitlines() if "nas" in line and line.startswith("MISS")]
    assert KEY not in output


def test_doctor_says_what_is_missing(desk: Desk, nas: Nas, engine: Pretended) -> None:
    nas.version = "TrueNAS-SCALE-24.10.2"
    nas.roles = ["APPS_READ", "FILESYSTEM_ATTRS_READ", "DOCKER_READ"]
    nas.docker = {"status": "UNCONFIGURED", "description": ""}
    engine.files = {}
    result = desk.inv("doctor")
    assert result.code == 1
    for line in ("25.04 or later", "APPS_WRITE", "Choose Pool", "missing: postgres_password", "no account for"):
        assert line in result.output
    del desk.environment["TRUENAS_API_KEY"]
    assert "neither TRUENAS_API_KEY" in desk.inv("doctor").output


def test_a_refusal_in_the_middle_says_what_the_nas_said(desk: Desk, nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    from . import server

    def fail(*_: object) -> None:
        raise CallError("[EFAULT] Docker is not running")

    monkeypatch.setitem(server._METHODS, "app.query", fail)
    refused(desk, nas, "the NAS refuses: [EFAULT] Docker is not running", "see Jobs")
