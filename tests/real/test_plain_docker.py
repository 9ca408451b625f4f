"""Promise: the Dockerfile is right without the tasks, and refuses what it cannot make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import PLATFORMS, Site, docker, index_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]


def build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a plain build and return its log."""
    command = ["docker", "buildx", "build", "--progress", "plain", *arguments, "."]
    output = subprocess.PIPE
    return subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, text=True, check=False)


def test_docker_build(built: Site) -> None:
    command = ["docker", "build", "--quiet", "."]
    image = subprocess.run(command, cwd=built.folder, capture_output=True, text=True, check=True).stdout.strip()
    assert docker("run", "--rm", image, "--version").stdout.startswith("backend 0.1.0")


def test_another_platform_and_target(built: Site) -> None:
    done = build(built.folder, "--platform", "linux/arm64", "--load", "--target", "cli", "--tag", "road-arm")
    assert done.returncode == 0, done.stdout
    assert docker("run", "--rm", "--platform", "linux/arm64", "road-arm", "--version").stdout.startswith("cli 0.1.0")


def test_three_platforms_pushed(built: Site, registry: str) -> None:
    name = f"{registry}/plain/backend:1"
    push = ["--platform", ",".join(PLATFORMS), "--push", "--tag", name]
    done = build(built.folder, *push)
    # Builder and engine both push, one right after the other; the throw-away registry may answer the second with 500.
    if "500 Internal Server Error" in done.stdout:
        done = build(built.folder, *push)
    assert done.returncode == 0, done.stdout
    index = index_of(name)
    architectures = {part["platform"]["architecture"] for part in index["manifests"]} - {"unknown"}
    assert architectures == {"amd64", "arm64", "arm"}


def test_an_unsupported_platform_ends_with_a_sentence(built: Site) -> None:
    done = build(built.folder, "--no-cache-filter", "guard", "--platform", "linux/s390x")
    assert done.returncode != 0
    assert (
        "error: platform linux/s390x is not supported; choose from: linux/amd64 linux/arm64 linux/arm/v7" in done.stdout
    )
    wrong = build(built.folder, "--build-arg", "PLATFORMS=linux/mips")
    assert "error: PLATFORMS names linux/mips; choose from: linux/amd64 linux/arm64 linux/arm/v7" in wrong.stdout


def test_the_log_names_platform_target_linker_and_step(built: Site) -> None:
    # Anew, so that it says it, and without the network that it needs then: each image shows that it works.
    done = build(built.folder, "--no-cache-filter", "chef", "--target", "chef", "--network", "none")
    for platform, target, linker in (
        ("linux/amd64", "x86_64-unknown-linux-gnu", "x86_64-linux-gnu-gcc"),
        ("linux/arm64", "aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc"),
        ("linux/arm/v7", "armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf-gcc"),
    ):
        assert f"==> toolchain for {platform}: target {target}, linker {linker}" in done.stdout


def test_a_compile_error_keeps_its_message(built: Site, tmp_path: Path) -> None:
    broken = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, broken.folder)
    broken.edit("crates/cli/src/main.rs", "fn main() -> ExitCode", "fn main() -> Nonsense")
    result = broken.inv("build", "--platforms", "all", "--only", "backend,frontend,cli")
    assert result.code == 1
    assert "cannot find type `Nonsense`" in result.output
    assert "==> build linux/arm64: target aarch64-unknown-linux-gnu, linker aarch64-linux-gnu-gcc" in result.output


def test_secrets_and_noise_stay_out_of_the_context(built: Site, tmp_path: Path) -> None:
    kept_out = (
        ".env",
        ".secrets/password",
        "crates/backend/.env",
        "crates/x.pem",
        "crates/cli/target/x",
        "invoke.yaml",
    )
    site = Site(tmp_path / "road", 0)
    shutil.copytree(built.folder, site.folder)
    for name in kept_out:
        (site.folder / name).parent.mkdir(exist_ok=True)
        (site.folder / name).write_text("x")
    seen = tmp_path / "seen"
    docker("build", "--output", str(seen), "--file", "-", str(site.folder), stdin="FROM scratch\nCOPY . /\n")
    assert (seen / "crates/backend/src/main.rs").is_file()
    assert sorted(path.name for path in seen.iterdir()) == ["Cargo.lock", "Cargo.toml", "crates"]
    assert not [name for name in kept_out if (seen / name).exists()]
