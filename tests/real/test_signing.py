"""Promise: `inv verify` accepts what is signed, described and what it says it is; and `inv deploy` asks it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import PLATFORMS, Site, docker, index_of

pytestmark = [pytest.mark.docker, pytest.mark.cosign, pytest.mark.syft, pytest.mark.xdist_group("images")]


@pytest.fixture(scope="module")
def signed(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The project with one image, which is described and signed by the key that invoke.yaml names."""
    home = tmp_path_factory.mktemp("signed")
    site = Site(home / "road", 0, {"COSIGN_PASSWORD": "of a key that is gone after the test"})
    shutil.copytree(built.folder, site.folder)
    for name in ("ours", "theirs"):
        command = ["cosign", "generate-key-pair", "--output-key-prefix", str(home / name)]
        subprocess.run(command, env=site.shell, check=True, capture_output=True)
    shutil.copy(home / "ours.pub", site.folder / "deploy/cosign.pub")
    site.edit("invoke.yaml", "\npipeline:", "\nsigning:\n  key: deploy/cosign.pub\npipeline:")
    site.commit("Say who signs")
    keep_only(site, "backend")
    site.succeed("sbom")
    site.succeed("sign", "--key", str(home / "ours.key"))
    return site


def keep_only(site: Site, name: str) -> None:
    """Let the record, and the project, have one image."""
    site.edit("invoke.yaml", "binaries: [backend, frontend, worker, cli]", f"binaries: [{name}]")
    site.edit("invoke.yaml", "configured: [nginx]", "configured: []")
    record = {"version": 1, "images": {name: site.images()[name]}}
    (site.folder / ".slipway/images.json").write_text(json.dumps(record))


@pytest.fixture
def site(signed: Site, tmp_path: Path) -> Site:
    """A copy, to do something to."""
    copy = Site(tmp_path / "road", 0, signed.environment)
    shutil.copytree(signed.folder, copy.folder)
    return copy


def key(signed: Site, whose: str) -> str:
    """Return the private half of a key."""
    return str(signed.folder.parent / f"{whose}.key")


def change(site: Site, instructions: str, source: str = "") -> None:
    """Push another image of the backend for every platform, at a commit of its own, and record it."""
    image = site.images()["backend"]
    site.edit("README.md", "# ", "#  ")
    site.commit("Change something")
    commit = site.head()
    target = f"{image['repository']}:{commit[:12]}"
    dockerfile = f"FROM {source} {image['repository']}@{image['digest']}\n{instructions}\n"
    docker(
        "buildx",
        "build",
        "--platform",
        ",".join(PLATFORMS),
        "--provenance=false",
        "--tag",
        target,
        "-",
        stdin=dockerfile,
    )
    docker("push", "--quiet", target)
    record(site, commit, index_of(target)["digest"])


def record(site: Site, commit: str, found: str) -> None:
    """Write down another image of the backend as the one that was built."""
    image = site.images()["backend"] | {"digest": found, "tag": commit[:12], "commit": commit}
    (site.folder / ".slipway/images.json").write_text(json.dumps({"version": 1, "images": {"backend": image}}))


def refusal(site: Site, *arguments: str) -> str:
    """Return why `inv verify` refuses, which it must."""
    result = site.inv("verify", *arguments)
    assert result.code == 1, result.output
    return result.output


def test_what_is_signed_and_described_is_accepted(signed: Site) -> None:
    image = signed.images()["backend"]
    for said in (signed.succeed("verify"), signed.succeed("verify", "--tag", image["tag"])):
        assert f"{image['digest']}, signed by deploy/cosign.pub, of commit {image['commit'][:12]}" in said
        assert all(f"backend {platform}: static" in said for platform in PLATFORMS)


def test_a_bill_of_materials_names_the_crates_of_a_binary(signed: Site) -> None:
    for platform in PLATFORMS:
        bill = json.loads((signed.folder / f".slipway/sbom/backend-{platform.replace('/', '-')}.cdx.json").read_text())
        assert {"axum", "tokio", "common"} <= {part["name"] for part in bill["components"]}


def test_what_nobody_signed_is_refused(site: Site) -> None:
    change(site, "LABEL changed=yes")
    assert f"{site.images()['backend']['digest']} is not signed" in refusal(site)


def test_what_somebody_else_signed_is_refused(site: Site, signed: Site) -> None:
    change(site, "LABEL changed=by-them")
    site.succeed("sbom")
    site.succeed("sign", "--key", key(signed, "theirs"))
    assert "is not signed by deploy/cosign.pub" in refusal(site)


def test_a_tag_that_was_moved_is_refused(site: Site, signed: Site) -> None:
    before = site.images()["backend"]
    change(site, "LABEL changed=again")
    site.succeed("sbom")
    site.succeed("sign", "--key", key(signed, "ours"))
    site.succeed("verify")
    after = site.images()["backend"]
    # What runs under the newer name is the older image, which is signed as well.
    docker(
        "buildx",
        "imagetools",
        "create",
        "--tag",
        f"{after['repository']}:{after['tag']}",
        f"{before['repository']}@{before['digest']}",
    )
    assert f"was {after['digest']}, and is {before['digest']} now" in refusal(site)
    said = refusal(site, "--tag", after["tag"])
    assert f"is an image of commit {before['commit'][:12]}" in said


def test_what_is_signed_but_not_described_is_refused(site: Site, signed: Site) -> None:
    change(site, "LABEL changed=unseen")
    image = site.images()["backend"]
    reference = f"{image['repository']}@{image['digest']}"
    command = ["cosign", "sign", "--yes", "--tlog-upload=false", "--key", key(signed, "ours"), reference]
    subprocess.run(command, env=site.shell, check=True, capture_output=True)
    assert "no signed bill of materials for linux/amd64, linux/arm64, linux/arm/v7" in refusal(site)


def test_a_program_of_another_platform_is_refused(site: Site, signed: Site) -> None:
    change(site, "LABEL changed=mixed", "--platform=linux/amd64")
    site.succeed("sbom")
    site.succeed("sign", "--key", key(signed, "ours"))
    assert "backend for linux/arm64 holds a program for linux/amd64" in refusal(site)


def test_what_was_not_built_from_a_commit_is_not_signed(site: Site, signed: Site) -> None:
    record(site, site.images()["backend"]["commit"] + "-dirty", site.images()["backend"]["digest"])
    result = site.inv("sign", "--key", key(signed, "ours"))
    assert result.code == 1
    assert "backend was not built from a commit" in result.output


def test_a_deploy_asks_where_the_environment_says_so(site: Site) -> None:
    site.edit(
        "invoke.yaml", "  production:\n    method: compose\n", "  production:\n    method: compose\n    verify: true\n"
    )
    change(site, "LABEL changed=yes")
    result = site.inv("deploy", "--env", "production", "--yes")
    assert result.code == 1
    assert "is not signed" in result.output
    assert "fix:" in result.output
