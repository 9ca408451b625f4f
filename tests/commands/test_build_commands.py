"""Promise: `inv build` and `inv push` call exactly what they should, and nothing when the wish cannot be met."""

from __future__ import annotations

import json
import subprocess

import pytest

from tools.rendering import commit

from .conftest import DIGEST, Desk

METADATA = json.dumps({name: {"containerimage.digest": DIGEST} for name in ("backend", "frontend", "cli", "nginx")})


def baked(desk: Desk) -> dict[str, dict[str, object]]:
    """Return the targets of the bake file that was passed to buildx."""
    (text,) = [stdin for arguments, stdin in desk.calls if arguments[:2] == ["buildx", "bake"]]
    targets: dict[str, dict[str, object]] = json.loads(text)["target"]
    return targets


def build(desk: Desk, *arguments: str) -> str:
    """Run a build whose images were proven before, so that nothing but its commands matters."""
    desk.record_images("backend", "frontend", "cli")
    path = desk.project / ".slipway/images.json"
    record = json.loads(path.read_text())
    for image in record["images"].values():
        image["platforms"] = {platform: {} for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7")}
    path.write_text(json.dumps(record))
    desk.says("^buildx bake", metadata=METADATA)
    result = desk.inv("build", *arguments)
    assert result.code == 0, result.output
    return result.output


def test_all_binaries_share_one_graph(desk: Desk) -> None:
    output = build(desk, "--platforms", "all")
    targets = baked(desk)
    assert list(targets) == ["backend", "frontend", "cli", "nginx"]
    assert targets["cli"]["platforms"] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]
    assert targets["cli"]["tags"] == ["ghcr.io/acme/acme-notes-cli:dev"]
    assert targets["cli"]["args"] == {
        "PLATFORMS": "linux/amd64,linux/arm64,linux/arm/v7",
        "VERSION": "0.1.0",
        "REVISION": "unknown",
    }
    assert "Next: `inv push`, or `inv deploy` on this machine" in output


def test_the_tag_is_the_commit(desk: Desk) -> None:
    head = commit(desk.project, "Start")
    remote = ["git", "remote", "add", "origin", "https://git.example/acme/notes.git"]
    subprocess.run(remote, cwd=desk.project, check=True)
    build(desk)
    target = baked(desk)["backend"]
    assert target["tags"] == [f"ghcr.io/acme/acme-notes-backend:{head[:12]}"]
    assert target["args"]["REVISION"] == head  # type: ignore[index]
    assert target["args"]["SOURCE"] == "https://git.example/acme/notes"  # type: ignore[index]


def test_only_and_platforms(desk: Desk) -> None:
    build(desk, "--only", "backend", "--platforms", "linux/arm64,linux/amd64")
    assert list(baked(desk)) == ["backend"]
    assert baked(desk)["backend"]["platforms"] == ["linux/arm64", "linux/amd64"]


def test_caches_and_builder_need_no_edit(desk: Desk) -> None:
    build(
        desk,
        "--builder",
        "farm",
        "--cache-from",
        "type=registry,ref=r/c",
        "--cache-to",
        "type=registry,ref=r/c,mode=max",
    )
    target = baked(desk)["backend"]
    assert target["cache-from"] == ["type=registry,ref=r/c"]
    assert target["cache-to"] == ["type=registry,ref=r/c,mode=max"]
    (bake,) = [arguments for arguments, _ in desk.calls if arguments[:2] == ["buildx", "bake"]]
    assert bake[2:4] == ["--builder", "farm"]


def test_base_images_from_invoke_yaml_and_the_shell(desk: Desk) -> None:
    path = desk.project / "invoke.yaml"
    path.write_text(path.read_text().replace("base_images: {}", "base_images: {CHEF_IMAGE: mirror.example/chef:1}"))
    build(desk, "--only", "backend")
    assert baked(desk)["backend"]["args"]["CHEF_IMAGE"] == "mirror.example/chef:1"  # type: ignore[index]
    (desk.bin / "calls").unlink()
    desk.environment["CHEF_IMAGE"] = "shell.example/chef:2"
    build(desk, "--only", "backend")
    assert baked(desk)["backend"]["args"]["CHEF_IMAGE"] == "shell.example/chef:2"  # type: ignore[index]


def test_an_image_of_others_gets_our_configuration(desk: Desk) -> None:
    desk.environment["NGINX_BASE_IMAGE"] = "mirror.example/nginx:1"
    build(desk)
    target = baked(desk)["nginx"]
    assert target["context"] == "deploy/compose/nginx"
    assert target["args"] == {"NGINX_BASE_IMAGE": "mirror.example/nginx:1"}
    assert target["tags"] == ["ghcr.io/acme/acme-notes-nginx:dev"]
    assert "target" not in target
    record = json.loads((desk.project / ".slipway/images.json").read_text())["images"]["nginx"]
    assert record["repository"] == "ghcr.io/acme/acme-notes-nginx"
    assert list(record["platforms"]) == ["linux/amd64"]


def test_an_engine_for_one_platform_gets_a_builder(desk: Desk) -> None:
    desk.says("^info", '[["Backing Filesystem","extfs"]]')
    desk.says("^buildx inspect acme-notes-builder", stderr="no builder", code=1)
    desk.says("^buildx create")
    output = build(desk, "--platforms", "all")
    assert "creating the builder acme-notes-builder" in output
    assert output.endswith("Next: `inv push`\n")
    assert str(baked(desk)["backend"]["output"]).startswith("['type=oci,tar=false,dest=")


@pytest.mark.parametrize("platforms", ["linux/amd64", "all"])
def test_a_layout_of_another_build_is_no_part_of_this_one(desk: Desk, platforms: str) -> None:
    desk.says("^info", '[["Backing Filesystem","extfs"]]')
    desk.says("^buildx inspect acme-notes-builder", "Driver: docker-container\n")
    before = desk.project / ".slipway/layouts/backend/index.json"
    before.parent.mkdir(parents=True)
    before.write_text("{}")
    desk.inv("build", "--platforms", platforms)
    assert not before.exists()


def test_one_platform_needs_no_builder(desk: Desk) -> None:
    desk.says("^info", '[["Backing Filesystem","extfs"]]')
    build(desk)
    assert baked(desk)["backend"]["output"] == ["type=image"]
    assert not [call for call in desk.changes if "buildx create" in call]


def test_what_another_builder_puts_into_the_engine_goes_by_its_id_there(desk: Desk) -> None:
    desk.says("^buildx inspect", "Name: mine\nDriver: docker-container\n")
    desk.says("^buildx bake", metadata=METADATA)
    there = "sha256:" + "e" * 64
    desk.says("image inspect ghcr.io/acme/acme-notes-nginx:dev", f"{there}\n")
    result = desk.inv("build", "--only", "nginx")
    assert result.code == 0, result.output
    assert baked(desk)["nginx"]["output"] == ["type=docker"]
    assert json.loads((desk.project / ".slipway/images.json").read_text())["images"]["nginx"]["digest"] == there


def test_a_builder_that_cannot_be_made(desk: Desk) -> None:
    desk.says("^info", '[["Backing Filesystem","extfs"]]')
    desk.says("^buildx inspect acme-notes-builder", code=1)
    desk.says("^buildx create", stderr="no driver", code=1)
    desk.says("^buildx rm")
    desk.environment["BUILDKIT_IMAGE"] = "mirror.example/buildkit:1"
    result = desk.inv("build", "--platforms", "all")
    assert result.code == 1
    create, remove = desk.changes
    assert "--driver-opt network=host,image=mirror.example/buildkit:1 --bootstrap" in create
    # The next build would take it, whatever image was named meanwhile.
    assert remove == "buildx rm --force acme-notes-builder"
    assert "error: the builder acme-notes-builder cannot start: docker buildx create … ended with" in result.output
    assert "fix: turn on Docker's containerd image store" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--platforms", "linux/s390x"], "choose from: linux/amd64, linux/arm64, linux/arm/v7"),
        (["--only", "worker"], "choose from: backend, frontend, cli"),
    ],
)
def test_what_cannot_be_built_is_refused_at_once(desk: Desk, arguments: list[str], said: str) -> None:
    result = desk.inv("build", *arguments)
    assert result.code == 1
    assert said in result.output
    assert not desk.calls
    assert not (desk.project / ".slipway").exists()


def test_an_unknown_builder(desk: Desk) -> None:
    desk.says("^buildx inspect farm", stderr="no builder", code=1)
    desk.says("^buildx ls", '{"Name":"default"}\n')
    result = desk.inv("build", "--builder", "farm")
    assert "there is no builder 'farm'; there are: default" in result.output


def test_a_full_disk(desk: Desk) -> None:
    desk.says("^buildx bake", stderr="ERROR: write /src/target/x: no space left on device\n", code=1)
    result = desk.inv("build")
    assert result.code == 1
    assert "error: the disk of Docker's engine is full" in result.output
    assert "docker builder prune" in result.output
    assert not (desk.project / ".slipway/images.json").exists()


def test_push_sends_what_was_built(desk: Desk) -> None:
    desk.record_images("backend")
    # Where the images were built: in the engine of the current context, which need not be `default`.
    desk.says(f"^image inspect {DIGEST}", DIGEST)
    desk.says("^tag")
    desk.says("^push")
    desk.says("^buildx imagetools", json.dumps({"digest": DIGEST}))
    result = desk.inv("push", "--registry", "localhost:5000/try", "--tag", "1.0")
    assert result.code == 0, result.output
    assert desk.changes == [
        f"tag {DIGEST} localhost:5000/try/acme-notes-backend:1.0",
        "push --quiet localhost:5000/try/acme-notes-backend:1.0",
    ]
    record = json.loads((desk.project / ".slipway/images.json").read_text())
    assert record["images"]["backend"]["repository"] == "localhost:5000/try/acme-notes-backend"


def test_a_registry_out_of_reach_is_found_before_the_build(desk: Desk) -> None:
    desk.says("^buildx imagetools", stderr="dial tcp: lookup ghcr.io: no such host", code=1)
    result = desk.inv("build", "--push")
    assert result.code == 1
    assert "error: a registry or host cannot be reached" in result.output
    assert not desk.changes


def test_push_never_builds(desk: Desk) -> None:
    result = desk.inv("push")
    assert result.code == 1
    assert "nothing has been built yet" in result.output
    assert not desk.changes


def test_a_registry_that_refuses(desk: Desk) -> None:
    desk.record_images("backend")
    desk.says(f"image inspect {DIGEST}", DIGEST)
    desk.says("^tag")
    desk.says("^push", stderr="denied: requested access to the resource is denied", code=1)
    result = desk.inv("push")
    assert result.code == 1
    assert "error: the registry refuses" in result.output
    assert "docker login" in result.output


FAILING = f"failed to copy: unexpected status from PUT request to https://ghcr.io/v2/x?digest={DIGEST}: 500 Oops"


@pytest.mark.parametrize(("failures", "pushes"), [(1, 2), (2, 3), (3, 3)])
def test_a_registry_that_fails_on_its_side_is_asked_again(desk: Desk, failures: int, pushes: int) -> None:
    desk.record_images("backend")
    desk.says(f"image inspect {DIGEST}", DIGEST)
    desk.says("^tag")
    desk.says("^buildx imagetools", json.dumps({"digest": DIGEST}))
    desk.says("^push")
    desk.says("^push", stderr=FAILING, code=1, times=failures)
    result = desk.inv("push")
    assert [call.split(" ")[0] for call in desk.changes] == ["tag", *["push"] * pushes]
    assert result.code == (failures == pushes), result.output
    assert result.output.count("the registry failed on its side (failed to copy: ") == failures
    assert ("fix: run the same command again" in result.output) == (failures == pushes)


def test_login_by_kind_of_registry(desk: Desk) -> None:
    desk.says("^login")
    result = desk.inv("login")
    assert "GITHUB_ACTOR and GITHUB_TOKEN not set" in result.output
    assert "write:packages" in result.output
    assert "DOCKERHUB_USERNAME and DOCKERHUB_TOKEN not set" in desk.inv("login", "--registry", "docker.io/acme").output
    desk.environment |= {"REGISTRY_USERNAME": "ann", "REGISTRY_TOKEN": "hunter2"}
    result = desk.inv("login", "--registry", "r.example/acme")
    assert result.code == 0, result.output
    (login,) = [call for call in desk.calls if call[0][0] == "login"]
    assert login == (["login", "r.example", "--username", "ann", "--password-stdin"], "hunter2")
    assert "hunter2" not in result.output
