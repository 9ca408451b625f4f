"""Promise: images are signed by a key or as a workflow, as invoke.yaml says; no key stands on a command line."""

from __future__ import annotations

import base64
import json

import pytest

from .conftest import DIGEST, Desk

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IDENTITY = "https://github.com/acme/notes/.github/workflows/docker-build.yml@refs/heads/main"
REFERENCE = f"ghcr.io/acme/acme-notes-backend@{DIGEST}"
PRIVATE = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"


@pytest.fixture
def signing(desk: Desk) -> Desk:
    """A project with one pushed image for one platform, a workflow that may sign, and a cosign that says yes."""
    desk.records("cosign")
    desk.says("^cosign version", "GitVersion:    v2.6.3\n")
    desk.says("^cosign (sign|attest)")
    desk.record_images("backend")
    record = desk.project / ".slipway/images.json"
    document = json.loads(record.read_text())
    document["images"]["backend"] |= {"commit": COMMIT, "version": "0.1.0", "tag": COMMIT[:12]}
    record.write_text(json.dumps(document))
    platform = {"digest": DIGEST, "platform": {"os": "linux", "architecture": "amd64"}}
    desk.says("imagetools inspect", json.dumps({"digest": DIGEST, "manifests": [platform]}))
    bills = desk.project / ".slipway/sbom"
    bills.mkdir()
    (bills / "backend-linux-amd64.cdx.json").write_text(json.dumps({"metadata": {"component": {"version": DIGEST}}}))
    sign_by(desk, f"identity: {IDENTITY}")
    return desk


def sign_by(desk: Desk, whom: str) -> None:
    """Say in invoke.yaml who may sign."""
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text().partition("\nsigning:\n")[0] + f"\nsigning:\n  {whom}\n")


def of_cosign(desk: Desk, command: str) -> list[str]:
    """Return the calls of one of cosign's commands."""
    return [" ".join(words) for words, _ in desk.cluster_calls if words[:2] == ["cosign", command]]


def statement(predicate: object) -> str:
    """Return what cosign prints of a statement."""
    payload = base64.b64encode(json.dumps({"predicate": predicate}).encode()).decode()
    return json.dumps({"payload": payload}) + "\n"


def test_as_a_workflow(signing: Desk) -> None:
    signing.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "a-token"  # noqa: S105
    # As a workflow has a secret that is not set.
    signing.environment |= {"COSIGN_PRIVATE_KEY": "", "COSIGN_PASSWORD": ""}
    assert signing.inv("sign").code == 0
    assert of_cosign(signing, "sign") == [f"cosign sign --yes {REFERENCE}"]
    kinds = [call.split("--type ")[1].split()[0] for call in of_cosign(signing, "attest")]
    assert kinds == ["cyclonedx", "slsaprovenance1"]


def test_by_a_key_that_nobody_sees(signing: Desk) -> None:
    sign_by(signing, "key: deploy/cosign.pub")
    signing.environment |= {"COSIGN_PRIVATE_KEY": PRIVATE, "COSIGN_PASSWORD": "a-password"}
    result = signing.inv("sign")
    assert result.code == 0
    assert of_cosign(signing, "sign") == [
        f"cosign sign --yes --key env://COSIGN_PRIVATE_KEY --tlog-upload=false {REFERENCE}"
    ]
    everything = result.output + str(signing.cluster_calls)
    assert PRIVATE not in everything
    assert "a-password" not in everything


def test_without_anything_to_sign_with(signing: Desk) -> None:
    result = signing.inv("sign")
    assert result.code == 1
    assert "there is nothing to sign with" in result.output
    assert "`inv sign --key FILE`" in result.output
    sign_by(signing, "key: deploy/cosign.pub")
    result = signing.inv("sign", "--key", "cosign.key")
    assert "set COSIGN_PASSWORD" in result.output
    assert of_cosign(signing, "sign") == []


def test_nothing_is_published_where_a_key_is_to_sign(signing: Desk) -> None:
    sign_by(signing, "key: deploy/cosign.pub")
    signing.environment |= {
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-token",
        "COSIGN_PRIVATE_KEY": "",
        "COSIGN_PASSWORD": "",
    }
    result = signing.inv("sign")
    assert result.code == 1
    assert "`signing:` in invoke.yaml wants the key of deploy/cosign.pub, and none is given" in result.output
    assert of_cosign(signing, "sign") == of_cosign(signing, "attest") == []


def test_a_key_does_not_sign_for_a_workflow(signing: Desk) -> None:
    signing.environment |= {"COSIGN_PRIVATE_KEY": PRIVATE, "COSIGN_PASSWORD": ""}
    result = signing.inv("sign")
    assert result.code == 1
    assert f"`signing:` in invoke.yaml wants {IDENTITY} to sign, and not a key" in result.output
    assert of_cosign(signing, "sign") == []


def test_a_cosign_whose_signatures_are_others(signing: Desk) -> None:
    signing.says("^cosign version", "GitVersion:    v3.0.6\n")
    result = signing.inv("verify")
    assert result.code == 1
    assert "this is cosign 3" in result.output
    assert "install cosign 2.6" in result.output


def test_an_image_that_changed_after_it_was_described(signing: Desk) -> None:
    sign_by(signing, "key: deploy/cosign.pub")
    signing.environment |= {"COSIGN_PRIVATE_KEY": PRIVATE, "COSIGN_PASSWORD": ""}
    (signing.project / ".slipway/sbom/backend-linux-amd64.cdx.json").write_text(
        json.dumps({"metadata": {"component": {"version": "sha256:another"}}})
    )
    result = signing.inv("sign")
    assert result.code == 1
    assert "there is no bill of materials of backend for linux/amd64" in result.output
    assert of_cosign(signing, "attest") == []


def test_nobody_may_sign(signing: Desk) -> None:
    facts = signing.project / "invoke.yaml"
    facts.write_text(facts.read_text().partition("\nsigning:\n")[0])
    result = signing.inv("verify")
    assert result.code == 1
    assert "invoke.yaml does not say who may sign images" in result.output


def test_a_key_and_a_workflow_are_one_too_many(signing: Desk) -> None:
    sign_by(signing, f"key: cosign.pub\n  identity: {IDENTITY}")
    result = signing.inv("verify")
    assert result.code == 2
    assert "invoke.yaml, signing" in result.output


def test_a_workflow_is_asked_for_by_its_name(signing: Desk) -> None:
    signing.says("^cosign verify ", stderr="Error: no matching signatures: none of the expected identities", code=1)
    result = signing.inv("verify")
    assert result.code == 1
    assert f"{REFERENCE} is not signed by {IDENTITY}" in result.output
    (call,) = of_cosign(signing, "verify")
    issuer = "https://token.actions.githubusercontent.com"
    assert f"--certificate-identity {IDENTITY} --certificate-oidc-issuer {issuer}" in call


def test_what_was_made_as_another_image(signing: Desk) -> None:
    signing.says("^cosign verify ")
    signing.says("--type cyclonedx", statement({"metadata": {"component": {"version": DIGEST}}}))
    made = {"repository": "ghcr.io/acme/acme-notes-frontend", "version": "0.1.0", "platforms": ["linux/amd64"]}
    dependency = {"uri": "git+unknown", "digest": {"gitCommit": COMMIT}}
    definition = {"externalParameters": made, "resolvedDependencies": [dependency]}
    signing.says(
        "--type slsaprovenance1", statement({"buildDefinition": definition, "runDetails": {"builder": {"id": "x"}}})
    )
    result = signing.inv("verify")
    assert result.code == 1
    assert "was made as ghcr.io/acme/acme-notes-frontend" in result.output


def test_a_deploy_asks_before_anything_else(signing: Desk) -> None:
    facts = signing.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("    method: compose\n", "    method: compose\n    verify: true\n"))
    record = signing.project / ".slipway/images.json"
    document = json.loads(record.read_text())
    image = document["images"]["backend"]
    document["images"] |= dict.fromkeys(("frontend", "nginx", "cli"), image)
    record.write_text(json.dumps(document))
    signing.says("^cosign verify ", stderr="Error: no signatures found", code=1)
    result = signing.inv("deploy", "--yes")
    assert result.code == 1
    assert "is not signed" in result.output
    assert not signing.changes


def test_the_doctor_misses_cosign_only_where_it_is_asked_for(signing: Desk) -> None:
    signing.without("cosign")
    said = signing.inv("doctor").output
    assert "note  cosign                   not installed" in said
    facts = signing.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("    method: compose\n", "    method: compose\n    verify: true\n"))
    assert "MISS  cosign                   not installed" in signing.inv("doctor").output
