"""Promise: a machine of the pipeline is told what it lacks, gives no secret away, and telling people fails nothing."""

from __future__ import annotations

import pytest

from .conftest import Desk


def test_the_secrets_that_are_needed(desk: Desk) -> None:
    said = desk.inv("ci.secrets").output
    assert "nothing: a workflow has that by itself" in said
    for name in ("DEPLOY_HOST", "DEPLOY_SSH_KEY", "DEPLOY_SSH_KNOWN_HOSTS", "NOTIFY_SLACK_URL"):
        assert name in said
    assert "gh secret set --env production NAME" in said
    assert "COSIGN_PRIVATE_KEY" not in said


def test_the_secrets_of_who_signs_by_a_key(desk: Desk) -> None:
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text() + "signing:\n  key: deploy/cosign.pub\n")
    assert "COSIGN_PRIVATE_KEY" in desk.inv("ci.secrets").output


def test_this_machine_is_not_production(desk: Desk) -> None:
    result = desk.inv("ci.connect", "--env", "production")
    assert result.code == 1
    assert "environment production is on this machine's own engine, and this machine is the pipeline's" in result.output
    assert "`context:` of its own name" in result.output


def elsewhere(desk: Desk) -> None:
    """Let production be on another machine."""
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("context: default", "context: live"))


def test_what_is_not_set_is_named(desk: Desk) -> None:
    elsewhere(desk)
    desk.environment["DEPLOY_HOST"] = "ssh://deploy@example.org"
    result = desk.inv("ci.connect", "--env", "production")
    assert result.code == 1
    assert "DEPLOY_SSH_KEY and DEPLOY_SSH_KNOWN_HOSTS not set, which" in result.output
    assert "fix: set, as secrets of that environment: DEPLOY_SSH_KEY:" in result.output


def test_a_machine_that_is_somebodys_stays_as_it_is(desk: Desk) -> None:
    elsewhere(desk)
    desk.says("^context create", "")
    secrets = ("DEPLOY_SSH_KEY", "DEPLOY_SSH_KNOWN_HOSTS")
    desk.environment |= {"DEPLOY_HOST": "ssh://deploy@example.org", **dict.fromkeys(secrets, "a-secret-value")}
    keys = desk.bin.parent / ".ssh"
    keys.mkdir()
    for name in ("id_ed25519", "id_deploy", "known_hosts", "config"):
        (keys / name).write_text("mine")
    result = desk.inv("ci.connect", "--env", "production")
    assert result.code == 1
    assert "is there already, and stays as it is" in result.output
    assert {path.read_text() for path in keys.iterdir()} == {"mine"}
    assert "a-secret-value" not in result.output


@pytest.mark.parametrize(("result", "words"), [("success", "has succeeded"), ("failure", "has failed")])
def test_nobody_is_there_to_be_told(desk: Desk, result: str, words: str) -> None:
    desk.environment |= {"NOTIFY_WEBHOOK_URL": "http://127.0.0.1:9/secret-path", "GITHUB_SHA": "0123456789abcdef"}
    done = desk.inv("ci.notify", "--env", "production", "--result", result)
    assert done.code == 0
    assert f"acme-notes: deploying 0123456789ab to production {words}" in done.output
    assert "NOTIFY_WEBHOOK_URL: not told (ConnectionError)" in done.output
    assert "secret-path" not in done.output


def test_a_release_is_of_the_version_that_the_sources_have(desk: Desk) -> None:
    result = desk.inv("ci.release", "v9.9.9")
    assert result.code == 1
    assert "the tag is v9.9.9, but Cargo.toml has version 0.1.0" in result.output


def test_a_release_has_notes(desk: Desk) -> None:
    result = desk.inv("ci.release", "v0.1.0")
    assert result.code == 1
    assert "CHANGELOG.md says nothing of 0.1.0" in result.output
    assert "write what changed under a heading `## 0.1.0`" in result.output
    assert not desk.changes


def test_a_version_belongs_to_one_image(desk: Desk) -> None:
    changelog = desk.project / "CHANGELOG.md"
    changelog.write_text(changelog.read_text() + "\n## 0.1.0\n\n- Notes.\n\n## 0.0.9\n\n- Older.\n")
    commit = "0123456789abcdef0123456789abcdef01234567"
    (desk.bin / "git").unlink()
    (desk.bin / "git").write_text(f"#!/bin/sh\necho {commit}\n")
    (desk.bin / "git").chmod(0o755)
    desk.says("imagetools inspect .*:0123456789ab", '{"digest": "sha256:new"}')
    desk.says("imagetools inspect .*:v0.1.0", code=1, stderr="manifest unknown")
    desk.says("imagetools create")
    done = desk.inv("ci.release", "v0.1.0")
    assert done.code == 0, done.output
    assert "acme-notes-backend:v0.1.0 is sha256:new" in done.output
    assert (desk.project / ".slipway/notes.md").read_text() == "- Notes.\n"

    desk.says("imagetools inspect .*:v0.1.0", '{"digest": "sha256:old"}')
    before = desk.changes
    refused = desk.inv("ci.release", "v0.1.0")
    assert refused.code == 1
    assert ":v0.1.0 is another image already" in refused.output
    assert desk.changes == before

    desk.says("imagetools inspect .*:v0.1.0", code=1, stderr="ERROR: unexpected status: 503 Service Unavailable")
    unsure = desk.inv("ci.release", "v0.1.0")
    assert unsure.code == 1
    assert "the registry does not say what it has under" in unsure.output
    assert desk.changes == before
