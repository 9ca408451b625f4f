"""Promise: a scan says what was found, where, and what mends it; what is ignored has a reason and a date."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.commands.conftest import DIGEST, Desk
from tests.conftest import Result
from tests.scanning import RECORDED


@pytest.fixture
def scanning(desk: Desk) -> Desk:
    """A project with one image in the engine, and a trivy that gives recorded reports."""
    with_recorded_reports(desk)
    desk.record_images("backend")
    desk.says("image inspect ghcr.io/acme/acme-notes-backend:1", "sha256:1\n")
    return desk


def with_recorded_reports(desk: Desk) -> None:
    """Put what gives recorded reports in trivy's place."""
    trivy = desk.bin / "trivy"
    trivy.write_text(f"#!/bin/sh\n{RECORDED}\n")
    trivy.chmod(0o755)


def found(desk: Desk, finds: str, *arguments: str) -> Result:
    """Scan, when something is found."""
    desk.environment["FINDS"] = finds
    return desk.inv("scan", *arguments)


def scanned(desk: Desk) -> str:
    """Return when the record says that a scan passed the backend."""
    record = json.loads((desk.project / ".slipway/images.json").read_text())
    return str(record["images"]["backend"].get("scanned", ""))


def test_nothing_is_found(scanning: Desk) -> None:
    result = found(scanning, "")
    assert result.code == 0, result.output
    for subject in ("backend linux/amd64", "dependencies", "config", "secrets"):
        assert f"{subject}: nothing" in result.output
    assert "Next: `inv push`" in result.output
    assert scanned(scanning)


def test_a_vulnerable_image(scanning: Desk) -> None:
    found(scanning, "")
    result = found(scanning, "image --quiet=vulnerable")
    assert result.code == 1
    assert "HIGH      CVE-2030-0001  libc-bin 2.43-7 in road-nginx:dev" in result.output
    assert "glibc does what it should not: update it to 99" in result.output
    assert "error: 1 finding; reports, also as SARIF, are in .slipway/scan" in result.output
    assert not scanned(scanning), "what passed before does not count any more"
    reports = scanning.project / ".slipway/scan"
    assert json.loads((reports / "backend-linux-amd64.sarif").read_text())["version"] == "2.1.0"


def test_a_wrong_setting_and_a_secret(scanning: Desk) -> None:
    result = found(scanning, "config --quiet=misconfigured", "--only", "config,secrets")
    assert result.code == 1
    assert "HIGH      DS-0002  Dockerfile:2" in result.output
    assert "Add 'USER <non root user name>' line to the Dockerfile" in result.output
    assert "secrets: nothing" in result.output

    result = found(scanning, "scanners secret=secret", "--only", "secrets")
    assert result.code == 1
    assert "CRITICAL  github-pat  leak.py:1" in result.output
    assert "revoke it, and take it out of the history" in result.output


def test_what_does_not_exist_is_not_scanned(scanning: Desk) -> None:
    result = found(scanning, "", "--only", "image")
    assert result.code == 1
    assert "there is nothing called 'image' to scan" in result.output
    assert "choose from: images, dependencies, config, secrets" in result.output


def test_no_database(scanning: Desk) -> None:
    result = found(scanning, "scanners vuln=no-database", "--only", "dependencies")
    assert result.code == 1
    assert "trivy cannot scan dependencies:" in result.output
    assert "failed to download vulnerability DB" in result.output
    assert "name a mirror in trivy.yaml" in result.output


def test_no_trivy(desk: Desk) -> None:
    result = desk.inv("scan")
    assert result.code == 1
    assert "trivy is not installed" in result.output


def test_nothing_was_built(scanning: Desk) -> None:
    (scanning.project / ".slipway/images.json").unlink()
    result = found(scanning, "")
    assert result.code == 1
    assert "nothing has been built yet" in result.output
    assert found(scanning, "", "--only", "dependencies").code == 0


def test_several_platforms_are_scanned_in_the_registry(scanning: Desk) -> None:
    record = scanning.project / ".slipway/images.json"
    record.write_text(record.read_text().replace('{"linux/amd64": {}}', '{"linux/amd64": {}, "linux/arm64": {}}'))
    scanning.says("imagetools inspect", code=1, stderr="not found")
    result = found(scanning, "", "--only", "images")
    assert result.code == 1
    assert "is for several platforms, and not in the registry" in result.output
    scanning.says("imagetools inspect", json.dumps({"digest": DIGEST}))
    result = found(scanning, "linux/arm64=vulnerable", "--only", "images")
    assert "backend linux/amd64: nothing" in result.output
    assert "error: 1 finding" in result.output


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"id": "CVE-2030-0001", "expired_at": "2030-03-31"}, "ignores CVE-2030-0001 without a reason"),
        ({"id": "CVE-2030-0001", "statement": "It is not used."}, "ignores CVE-2030-0001 for ever"),
    ],
    ids=["no reason", "no date"],
)
def test_what_is_ignored_has_a_reason_and_a_date(scanning: Desk, entry: dict[str, str], cause: str) -> None:
    ignored = scanning.project / ".trivyignore.yaml"
    text = yaml.safe_dump({"vulnerabilities": [entry]}).replace("'2030-03-31'", "2030-03-31")
    ignored.write_text(text)
    result = found(scanning, "")
    assert result.code == 1
    assert cause in result.output


def test_what_runs_on_a_cluster(clustered: Desk) -> None:
    with_recorded_reports(clustered)
    nothing = clustered.inv("scan.deployed", "--env", "staging")
    assert nothing.code == 1
    assert "staging has no release" in nothing.output

    assert clustered.inv("deploy", "--env", "staging", "--yes").code == 0
    clean = clustered.inv("scan.deployed", "--env", "staging")
    assert clean.code == 0, clean.output
    assert "backend of release 1: nothing" in clean.output
    assert "Next: `inv status --env staging`" in clean.output

    clustered.environment["FINDS"] = f"acme-notes-backend@{DIGEST}=vulnerable"
    found = clustered.inv("scan.deployed", "--env", "staging")
    assert found.code == 1
    assert "HIGH      CVE-2030-0001" in found.output
