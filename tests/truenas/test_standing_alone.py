"""Promise: what TrueNAS is sent needs nothing beside it but images and a pool, in every project; or it is refused."""

from __future__ import annotations

import copy
import subprocess
from typing import Any

import pytest
import yaml
from invoke.exceptions import Exit
from tasks._lib.releases import Release
from tasks._lib.truenas import memory, stack

from tests.conftest import Project
from tests.sets import every_stack
from tools.answers import Answers

from .conftest import stack as given


def changed(service: str, **more: Any) -> dict[str, Any]:
    """Return the stack with a service that is otherwise."""
    made = copy.deepcopy(given())
    made["services"][service] |= more
    return made


def bound(path: str) -> dict[str, Any]:
    """Return the stack with a service that uses a path of the machine."""
    return changed("backend", volumes=[{"type": "bind", "source": path, "target": "/x"}])


REFUSED = [
    (bound("/home/ann/x"), "services.backend uses /home/ann/x"),
    (bound("/mnt/tank/../../etc"), "uses /mnt/tank/../../etc"),
    (bound("/mnt/tank"), "uses /mnt/tank,"),
    (bound("/mnt/.ix-apps/x"), "uses /mnt/.ix-apps"),
    (bound("/var/run/docker.sock"), "uses /var/run/docker.sock"),
    (changed("backend", devices=[{"source": "/dev/kvm", "target": "/dev/kvm"}]), "uses /dev/kvm"),
    (given(secrets={"one": {"environment": "ONE"}}), "secrets.one uses (no file)"),
    (given(configs={"one": {"content": "a"}}), "configs.one uses (no file)"),
    (changed("backend", healthcheck={"disable": True}), "the service backend has no health check"),
    (changed("postgres", healthcheck=None), "the service postgres has no health check"),
]


@pytest.mark.parametrize(("objects", "cause"), REFUSED, ids=[cause for _, cause in REFUSED])
def test_what_cannot_stand_alone_is_refused(objects: dict[str, Any], cause: str) -> None:
    with pytest.raises(Exit) as refusal:
        stack.alone(objects)
    assert cause in str(refusal.value)
    assert "fix: " in str(refusal.value)


def test_nothing_of_root_s_is_made_for_a_folder_that_is_missing() -> None:
    (mount,) = stack.alone(given())["services"]["postgres"]["volumes"]
    assert mount["bind"] == {"create_host_path": False}


def test_the_stack_that_was_given_stays_as_it_was() -> None:
    objects = given()
    stack.alone(objects)
    assert objects == given()


def test_what_is_written_is_what_is_read() -> None:
    odd = {
        "services": {
            "a": {"environment": {"A": "8E1", "B": "yes", "C": "1:30", "D": "ünï \u2028 🚢", "E": "2026-01-01"}}
        }
    }
    first = Release(1, 1, "c", "Ann $HOME", "t", {}, {}, odd)
    second = Release(2, 2, "c", "Ann", "t", {}, {}, {"services": {}})
    config = yaml.safe_load(memory.write([first, second]))
    assert memory.read(config) == [first, second]
    assert "$" not in yaml.safe_dump(config["x-releases"]), "compose would put a variable in its place"
    assert memory.read(yaml.safe_load(memory.write([first]))) == [first]


def test_the_last_ten_releases_are_remembered() -> None:
    made = [Release(number, number, "c", "Ann", "t", {}, {}, {"services": {"n": number}}) for number in range(1, 13)]
    config = yaml.safe_load(memory.write(made))
    assert memory.read(config) == made[2:]
    assert [line.partition(":")[0] for line in config["x-releases"]["readable"]] == [str(one) for one in range(3, 13)]


@pytest.mark.docker
@every_stack
def test_every_project_s_stack_stands_alone(project: Project, answers: Answers) -> None:
    root = project(**answers)
    files = ("docker-compose.yml", "docker-compose.production.yml", "docker-compose.truenas.yml")
    command = ["docker", "compose", "--project-name", "ix-acme", *(part for file in files for part in ("--file", file))]
    command += ["--env-file", "deploy/environments/nas.env", "--profile", "*", "config", "--format", "json"]
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "SECRETS_DIR": "/mnt/tank/s",
        "DATA_DIR": "/mnt/tank/d",
        "HOME": "/",
    }
    said = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    resolved = yaml.safe_load(said.stdout)
    made = stack.alone({name: value for name, value in resolved.items() if not name.startswith("x-")})
    assert not [name for name, one in made["services"].items() if "build" in one or one.get("profiles")]
    assert str(root) not in yaml.safe_dump(made)
    for name, service in made["services"].items():
        assert int(service["mem_limit"]) > 0, name
        assert float(service["cpus"]) > 0, name
        assert service["logging"]["options"]["max-size"], name
    kept = stack.folders(made)
    assert kept, "something is kept on the pool"
    assert not {"data", "postgres", "redis"} & {*made.get("volumes", {})}, (
        "what is kept lies on the pool for every service"
    )
    assert set(kept.values()) == {"568:568"}
