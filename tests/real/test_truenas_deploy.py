"""Promise: on TrueNAS, from nothing to healthy; a bad release is explained and taken back; what was stored survives.

The NAS is the server in tests/truenas, which starts what it is sent with this machine's engine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from demo.native import free_port
from tests.truenas.engine import Docker
from tests.truenas.server import KEY, USER, Nas

from .conftest import Site, docker

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("truenas")]

APP = "road-nas"
POOL = "/mnt/tank/road"


@dataclass
class Deployed(Site):
    """A project that was deployed, and the NAS that has it."""

    nas: Nas | None = None
    engine: Docker | None = None

    @property
    def stored(self) -> str:
        """What the NAS has stored for the app, without the releases."""
        assert self.nas is not None
        return yaml.safe_dump({name: value for name, value in self.nas.stored[APP].items() if name != "x-releases"})


def own_images(registry: str) -> dict[str, str]:
    """Put the servers' images into a registry, where their digests can be asked for.

    initdb wants to know its user by name. The public image sees to it with nss_wrapper; one without gets a name here.
    """
    there = {"POSTGRES_IMAGE": f"{registry}/nas/postgres:18", "REDIS_IMAGE": f"{registry}/nas/redis:8-trixie"}
    named = "RUN getent passwd 568 || echo apps:x:568:568::/:/bin/sh >> /etc/passwd"
    for image, more in (("postgres:18", named), ("redis:8-trixie", "")):
        tag = f"{registry}/nas/{image}"
        docker("build", "--quiet", "--provenance=false", "--tag", tag, "-", stdin=f"FROM {image}\n{more}\n")
        docker("push", "--quiet", tag)
    return there


@pytest.fixture(scope="module")
def deployed(built: Site, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The app, deployed for the first time, with one note stored through the frontend."""
    home = tmp_path_factory.mktemp("nas")
    bases = own_images(registry)
    engine = Docker(home / "tank", bases["POSTGRES_IMAGE"])
    with Nas(engine) as nas:
        site = Deployed(home / "road", free_port(), {"TRUENAS_API_KEY": KEY}, nas, engine)
        shutil.copytree(built.folder, site.folder)
        facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
        facts["project"]["base_images"] = bases
        place = {"app": APP, "secrets": f"{POOL}/secrets", "data": f"{POOL}/data", "timeout": 180}
        reached = {"host": f"127.0.0.1:{nas.port}", "username": USER, "certificate": "nas.pem"}
        facts["environments"] = {"nas": {"method": "truenas", **reached, **place}}
        (site.folder / "invoke.yaml").write_text(yaml.safe_dump(facts))
        (site.folder / "nas.pem").write_text(nas.authority)
        site.edit("deploy/environments/nas.env", "HTTP_PORT=8000", f"HTTP_PORT={site.port}\nBOARD_PORT={free_port()}")
        site.edit("deploy/environments/nas.env", "HTTP_BIND=0.0.0.0", "HTTP_BIND=127.0.0.1")
        site.commit("Deploy to the NAS")
        try:
            script = site.succeed("secrets.init")
            engine.run(script[script.index("(\n") : script.index("\n)") + 2])
            output = site.succeed("deploy", "--yes")
            assert f"Release 1 is healthy at http://127.0.0.1:{site.port}" in output
            answer = requests.post(site.url("/api/notes"), json={"text": "kept"}, timeout=5)
            assert answer.status_code == 201
            yield site
        finally:
            print(nas.log)
            engine.down(APP, volumes=True)
            engine.close()
            # By name: where nothing was added to an image, its other names are the same image's.
            docker("image", "rm", "--force", *bases.values(), check=False)


def test_the_deploy_from_empty_to_healthy(deployed: Deployed) -> None:
    assert deployed.notes() == ["kept"]
    assert "<html" in requests.get(deployed.url("/"), timeout=5).text
    doctor = deployed.inv("doctor").output
    assert "nas: apps" in doctor
    assert "(no difference)" in deployed.succeed("deploy", "--plan")


def test_what_is_kept_lies_on_the_pool_and_belongs_to_apps(deployed: Deployed) -> None:
    assert deployed.engine is not None
    owners = deployed.engine.run(f"stat -c '%u:%g %n' {POOL}/data/*/*").split("\n")
    assert {line.partition(" ")[0] for line in owners if line} == {"568:568"}
    for service in ("backend", "frontend", "postgres", "redis"):
        (container,) = json.loads(docker("inspect", f"ix-{APP}-{service}-1").stdout)
        assert container["State"]["Health"]["Status"] == "healthy"
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["Memory"] > 0
        assert not [mount for mount in container["Mounts"] if mount["Type"] == "volume"]


def test_no_secret_is_stored_or_sent(deployed: Deployed) -> None:
    assert deployed.engine is not None
    assert deployed.nas is not None
    secrets = deployed.engine.run(f"for f in {POOL}/secrets/*; do cat $f; echo; done").split()
    assert len(secrets) == 4
    assert not [secret for secret in secrets if secret in deployed.nas.heard + yaml.safe_dump(deployed.nas.stored)]


def test_an_update_changes_what_it_says(deployed: Deployed, record_property: Callable[[str, object], None]) -> None:
    deployed.edit("deploy/environments/nas.env", "LOG_LEVEL=info", "LOG_LEVEL=debug")
    began = time.monotonic()
    output = deployed.succeed("deploy", "--yes")
    record_property("an update on TrueNAS", f"{time.monotonic() - began:.0f} s")
    assert "~ services.backend.environment.LOG_LEVEL: info → debug" in output
    assert "Release 2 is healthy" in output
    (container,) = json.loads(docker("inspect", f"ix-{APP}-backend-1").stdout)
    assert "LOG_LEVEL=debug" in container["Config"]["Env"]
    assert deployed.notes() == ["kept"]


def test_a_bad_release_is_explained_and_taken_back(deployed: Deployed) -> None:
    assert deployed.nas is not None
    # From here on, a call returns the result of its job.
    deployed.nas.version = "25.10.1"
    before = deployed.stored
    deployed.edit("deploy/environments/nas.env", "LOG_LEVEL=debug", "LOG_LEVEL=debug\nREQUEST_TIMEOUT=soon")
    result = deployed.inv("deploy", "--yes")
    deployed.edit("deploy/environments/nas.env", "\nREQUEST_TIMEOUT=soon", "")
    assert result.code == 1
    assert "migrate: crashed" in result.output
    assert 'REQUEST_TIMEOUT from the environment is "soon"' in result.output
    assert "release 2 serves again" in result.output
    assert deployed.stored == before
    assert deployed.notes() == ["kept"]


def test_one_that_never_becomes_healthy_is_taken_back(deployed: Deployed) -> None:
    before = deployed.stored
    check = {"test": ["CMD", "/usr/local/bin/backend", "healthcheck", "--nonsense"]}
    overlay = {"services": {"backend": {"healthcheck": check}}}
    (deployed.folder / "docker-compose.broken.yml").write_text(yaml.safe_dump(overlay))
    deployed.edit("invoke.yaml", "    secrets:", "    overlays: [broken]\n    secrets:")
    result = deployed.inv("deploy", "--yes")
    deployed.edit("invoke.yaml", "    overlays: [broken]\n", "")
    assert result.code == 1
    assert "backend: starting" in result.output
    assert "release 2 serves again" in result.output
    assert deployed.stored == before
    assert deployed.notes() == ["kept"]


def test_rollback_from_another_checkout(deployed: Deployed, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", str(deployed.folder), str(other)], check=True)
    output = deployed.succeed("rollback", "--yes", folder=other)
    assert "Release 3 (release 1 again) is healthy" in output
    (container,) = json.loads(docker("inspect", f"ix-{APP}-backend-1").stdout)
    assert "LOG_LEVEL=info" in container["Config"]["Env"]
    assert deployed.notes() == ["kept"]
    status = deployed.succeed("status", folder=other)
    assert f"{APP}     RUNNING" in status
    assert "back to 1" in status
    assert '"level":"INFO"' in deployed.succeed("logs", "--service", "backend")


def test_destroy_leaves_the_data(deployed: Deployed) -> None:
    deployed.succeed("destroy", "--yes")
    label = f"label=com.docker.compose.project=ix-{APP}"
    assert not docker("ps", "--all", "--quiet", "--filter", label).stdout
    assert not docker("network", "ls", "--quiet", "--filter", label).stdout
    assert "has no release" in deployed.succeed("status")
    assert "Release 1 is healthy" in deployed.succeed("deploy", "--yes")
    assert deployed.notes() == ["kept"]
    deployed.succeed("destroy", "--yes")
