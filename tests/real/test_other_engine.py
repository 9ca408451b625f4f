"""Promise: where an engine keeps one platform at a time, a builder makes all; and SSH is enough to deploy to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import PLATFORMS, Site, docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

BUILDKIT = "moby/buildkit:buildx-stable-1"
DOCKERFILE = """
FROM scratch AS backend
ARG TARGETARCH TARGETVARIANT
COPY made/linux_$TARGETARCH${TARGETVARIANT:+_$TARGETVARIANT}/ /
ENTRYPOINT ["/usr/local/bin/backend"]
"""
# In a network of its own, so that no other engine's bridge or rule is touched, and nothing is reached.
START = """
ip link set lo up
exec dockerd --data-root {home}/data --exec-root {home}/exec --pidfile {home}/pid --host unix://{home}/docker.sock \
  --config-file {home}/daemon.json --storage-driver overlay2
"""
# Makes no container for as often as there is a file beside it that says so.
RUNTIME = """#!/bin/sh
refusal=$(ls {home}/refusals | head -n 1)
case " $* " in
  *" create "*)
    log=${{*#*--log }}
    if [ -n "$refusal" ]; then
      rm "{home}/refusals/$refusal"
      echo '{{"level": "error", "msg": "waiting for init preliminary setup"}}' >"${{log%% *}}"
      exit 1
    fi ;;
esac
exec {runc} "$@"
"""
# Beside it, with its engine where a machine has its own.
SERVE = "mkdir -p /run/sshd && mount --bind {home}/docker.sock /var/run/docker.sock && exec {sshd} -D -e -f {config}"
SSHD = """
Port 2222
ListenAddress 127.0.0.1
HostKey {home}/host
AuthorizedKeysFile {home}/id.pub
StrictModes no
PermitRootLogin yes
PidFile none
"""


@dataclass
class Engine:
    """An engine of its own, and the process in whose network it is."""

    home: Path
    process: int

    @property
    def client(self) -> dict[str, str]:
        """The variables by which clients reach it, and know of no builder that another engine has."""
        return {"DOCKER_HOST": f"unix://{self.home}/docker.sock", "DOCKER_CONFIG": str(self.home / "config")}

    def run(
        self, *command: str, folder: Path | None = None, client: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in its network, as its client, or as one that has other variables."""
        return subprocess.run(
            ["nsenter", f"--net=/proc/{self.process}/ns/net", *command],
            cwd=folder,
            env=os.environ | self.client | (client or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def take(self, image: str) -> None:
        """Give it what an image of the machine's engine holds, as one layer, and what it starts."""
        archive = self.home / "image.tar"
        container = docker("create", image).stdout.strip()
        docker("export", "--output", str(archive), container)
        docker("rm", container)
        (known,) = json.loads(docker("image", "inspect", image).stdout)
        config = known["Config"]
        changes = [f"{what.upper()} {json.dumps(config[what])}" for what in ("Entrypoint", "Cmd") if config.get(what)]
        changes += ["ENV {}={}".format(*one.split("=", 1)) for one in config["Env"]]
        changes += [f"WORKDIR {config['WorkingDir'] or '/'}"]
        flags = [argument for change in changes for argument in ("--change", change)]
        taken = self.run("docker", "import", *flags, str(archive), image)
        assert taken.returncode == 0, taken.stdout
        archive.unlink()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine without containerd's image store, as Docker's own packages set one up before version 29."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a second engine")
    if lacking := [name for name in ("dockerd", "runc", "unshare", "nsenter", "ip") if not shutil.which(name)]:
        pytest.skip(f"{', '.join(lacking)} is not installed")
    home = tmp_path_factory.mktemp("engine")
    (home / "config").mkdir()
    (home / "refusals").mkdir()
    (home / "runtime").write_text(RUNTIME.format(home=home, runc=shutil.which("runc")))
    (home / "runtime").chmod(0o755)
    settings = {
        "features": {"containerd-snapshotter": False},
        "runtimes": {"refusing": {"path": str(home / "runtime")}},
        "default-runtime": "refusing",
    }
    (home / "daemon.json").write_text(json.dumps(settings))
    command = ["unshare", "--net", "--mount", "sh", "-c", START.format(home=home)]
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            made = Engine(home, process.pid)
            eventually(lambda: process.poll() is not None or made.run("docker", "info").returncode == 0)
            if process.poll() is not None:
                pytest.skip(f"no second engine starts here: {(home / 'log').read_text().splitlines()[-1]}")
            made.take("registry:3")
            made.run("docker", "run", "--detach", "--network", "host", "registry:3")
            yield made
            containers = made.run("docker", "ps", "--all", "--quiet").stdout.split()
            made.run("docker", "rm", "--force", "--volumes", *containers)
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(home)


@pytest.fixture(scope="module")
def site(built: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The project, whose Dockerfile takes the backend that was built for each platform out of the folder beside it."""
    site = Site(tmp_path_factory.mktemp("elsewhere") / "road", 0)
    shutil.copytree(built.folder, site.folder)
    (site.folder / ".dockerignore").unlink()
    shutil.rmtree(site.folder / ".slipway")
    out = f"type=local,dest={site.folder / 'made'}"
    source = f"FROM {built.reference('backend')}\n"
    docker("buildx", "build", "--platform", ",".join(PLATFORMS), "--output", out, "-", stdin=source)
    (site.folder / "Dockerfile").write_text(DOCKERFILE)
    return site


def inv(
    engine: Engine, site: Site, *arguments: str, client: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of the project's tasks on the engine."""
    done = engine.run(sys.executable, "-m", "invoke", *arguments, folder=site.folder, client=client)
    print(done.stdout)
    assert "Traceback" not in done.stdout
    return done


def builders(engine: Engine) -> set[str]:
    """The names of its builders."""
    return set(engine.run("docker", "buildx", "ls", "--format", "{{.Builder.Name}}").stdout.split())


def test_one_that_cannot_start_is_told_and_leaves_nothing(engine: Engine, site: Site) -> None:
    nowhere = {"BUILDKIT_IMAGE": "localhost:1/moby/buildkit:none"}
    done = inv(engine, site, "build", "--platforms", "all", "--only", "backend", client=nowhere)
    assert done.returncode == 1
    assert "error: the builder road-builder cannot start: a registry or host cannot be reached" in done.stdout
    assert "fix: turn on Docker's containerd image store" in done.stdout
    assert "BUILDKIT_IMAGE under project.base_images" in done.stdout
    assert builders(engine) == {"default"}
    assert not (site.folder / ".slipway/images.json").exists()


@pytest.mark.parametrize(("refusals", "code"), [(2, 0), (3, 1)])
def test_one_that_made_no_container_is_asked_again(engine: Engine, site: Site, refusals: int, code: int) -> None:
    shutil.rmtree(site.folder / ".slipway", ignore_errors=True)
    for number in range(refusals):
        (engine.home / "refusals" / str(number)).touch()
    done = inv(engine, site, "build", "--only", "backend")
    assert done.returncode == code
    assert not list((engine.home / "refusals").iterdir())
    assert done.stdout.count("the engine made no container") == 2
    assert ("answers 'backend 0.1.0" in done.stdout) == (code == 0)
    assert ("error: the engine makes no container of backend for linux/" in done.stdout) == (code == 1)
    assert (site.folder / ".slipway/images.json").exists() == (code == 0)


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Another machine, which the context `shop` reaches by SSH: the variables of somebody who works with it."""
    if not (sshd := shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")):
        pytest.skip("sshd is not installed")
    for name in ("id", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "known").write_text(f"[127.0.0.1]:2222 {(tmp_path / 'host.pub').read_text()}")
    (tmp_path / "sshd").write_text(SSHD.format(home=tmp_path))
    (tmp_path / "client").write_text(f"IdentityFile {tmp_path}/id\nUserKnownHostsFile {tmp_path}/known\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {tmp_path}/client "$@"\n')
    (tmp_path / "bin/ssh").chmod(0o755)
    client = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "DOCKER_HOST": "",
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    script = SERVE.format(home=engine.home, sshd=sshd, config=tmp_path / "sshd")
    command = ["nsenter", f"--net=/proc/{engine.process}/ns/net", "unshare", "--mount", "sh", "-c", script]
    with subprocess.Popen(command) as process:
        try:
            context = ["docker", "context", "create", "shop", "--docker", "host=ssh://root@127.0.0.1:2222"]
            assert engine.run(*context, client=client).returncode == 0
            eventually(lambda: engine.run("docker", "--context", "shop", "version", client=client).returncode == 0)
            yield client
        finally:
            process.terminate()


def test_it_is_deployed_to_by_ssh(engine: Engine, shop: dict[str, str], simple: Site) -> None:
    for step in ("build", "push"):
        assert inv(engine, simple, step).returncode == 0
    # For its own platform the engine needs no builder.
    assert builders(engine) == {"default"}
    made, deployed, destroyed = (
        inv(engine, simple, *step.split(), client=shop)
        for step in ("secrets.init", "deploy --yes", "destroy --yes --data")
    )
    assert "Making secrets on root@127.0.0.1:" in made.stdout
    assert {path.name for path in (simple.folder.parent / "secrets").iterdir()} == {"redis_password", "redis_url"}
    assert f"+ services.backend.image: {simple.reference('backend')}\n" in deployed.stdout
    assert "Release 1 is healthy at http://127.0.0.1:8000" in deployed.stdout
    assert destroyed.returncode == 0


@pytest.fixture
def simple(engine: Engine, built: Site, project: Callable[..., Path], tmp_path: Path) -> Site:
    """A project of few parts, which production runs on the other machine, with all that the engine cannot pull."""
    chosen: dict[str, list[str]] = {"components": [], "services": ["redis"], "deploy": ["compose"]}
    site = Site(tmp_path / "road", 0)
    shutil.copytree(project(project_name="road", registry="localhost:5000/acme", **chosen), site.folder)
    site.edit("invoke.yaml", "~/.config/road/production", str(tmp_path / "secrets"))
    site.edit("invoke.yaml", "context: default", "context: shop")
    source = f"FROM {built.reference('backend')}\n"
    docker("build", "--quiet", "--provenance=false", "--tag", "road-here", "-", stdin=source)
    docker("save", "--output", str(tmp_path / "image.tar"), "road-here")
    docker("image", "rm", "road-here")
    engine.run("docker", "load", "--input", str(tmp_path / "image.tar"))
    (site.folder / "Dockerfile").write_text("FROM road-here AS backend\n")
    for image in (base_of(site, "nginx"), "redis:8-trixie"):
        engine.take(image)
    return site


def base_of(site: Site, name: str) -> str:
    """The image that one of others with our configuration is made from."""
    text = (site.folder / f"deploy/compose/{name}/Dockerfile").read_text()
    found = re.search(r"^ARG \w+_BASE_IMAGE=(\S+)$", text, re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def buildkit(engine: Engine) -> None:
    """Let the engine have what runs in a builder's container."""
    there = docker("image", "inspect", BUILDKIT, check=False).returncode == 0
    if not there and docker("pull", "--quiet", BUILDKIT, check=False).returncode != 0:
        pytest.skip(f"{BUILDKIT} is not here and cannot be pulled")
    engine.take(BUILDKIT)


@pytest.mark.usefixtures("buildkit")
def test_all_platforms_are_built_and_pushed(engine: Engine, site: Site) -> None:
    done = inv(engine, site, "build", "--platforms", "all", "--only", "backend")
    assert done.returncode == 0, done.stdout
    assert builders(engine) == {"default", "road-builder"}
    done = inv(engine, site, "push", "--registry", "localhost:5000/acme")
    assert done.returncode == 0, done.stdout
    image = site.images()["backend"]
    assert sorted(image["platforms"]) == sorted(PLATFORMS)
    reference = f"localhost:5000/acme/road-backend@{image['digest']}"
    said = engine.run("docker", "buildx", "imagetools", "inspect", reference, "--format", "{{json .Manifest}}").stdout
    assert [one["platform"]["architecture"] for one in json.loads(said)["manifests"]] == ["amd64", "arm64", "arm"]


@pytest.mark.usefixtures("buildkit")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_leg_of_the_pipeline_is_built_and_pushed(engine: Engine, site: Site, platform: str) -> None:
    cache = "type=registry,ref=localhost:5000/acme/road-cache"
    done = inv(engine, site, "build", "--only", "backend", "--platforms", platform, "--cache-to", cache)
    assert done.returncode == 0, done.stdout
    image = site.images()["backend"]
    assert list(image["platforms"]) == [platform]
    known = engine.run("docker", "image", "inspect", f"{image['repository']}:{image['tag']}", "--format", "{{.Id}}")
    assert known.stdout.strip() == image["digest"]
    done = inv(engine, site, "push", "--leg", "--registry", "localhost:5000/acme")
    assert done.returncode == 0, done.stdout
    name = f"localhost:5000/acme/road-backend:{image['tag']}-{platform.replace('/', '-')}"
    assert f"{name} is {site.images()['backend']['digest']} ({platform})" in done.stdout
