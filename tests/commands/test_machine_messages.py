"""Promise: what a machine or a file lacks is said with its cause and its fix, before anything changes."""

from __future__ import annotations

import json

import pytest

from .conftest import Desk


@pytest.mark.parametrize("task", ["build", "deploy", "up", "status"])
def test_without_docker(desk: Desk, task: str) -> None:
    desk.without("docker")
    desk.record_images("backend", "frontend", "cli")
    result = desk.inv(task)
    assert result.code == 1
    assert "error: docker is not installed" in result.output
    assert "fix: install Docker Engine" in result.output


@pytest.mark.parametrize("task", ["build", "deploy", "up"])
def test_with_docker_stopped(desk: Desk, task: str) -> None:
    desk.says("^version", stderr="Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", code=1)
    result = desk.inv(task)
    assert result.code == 1
    assert "error: Docker is installed but its engine does not answer" in result.output
    assert "fix: start Docker" in result.output
    assert not desk.changes


def test_without_permission(desk: Desk) -> None:
    desk.says("^version", stderr="permission denied while trying to connect to the Docker daemon socket", code=1)
    result = desk.inv("build")
    assert "this user may not use Docker's engine" in result.output
    assert "docker group" in result.output


def test_without_buildx(desk: Desk) -> None:
    desk.says("^buildx version", stderr="docker: 'buildx' is not a docker command.", code=1)
    result = desk.inv("build")
    assert result.code == 1
    assert "error: Docker has no buildx" in result.output
    assert "fix: install the docker-buildx-plugin" in result.output
    assert not desk.changes


def test_without_compose(desk: Desk) -> None:
    desk.says("^compose version", stderr="docker: 'compose' is not a docker command.", code=1)
    result = desk.inv("up")
    assert result.code == 1
    assert "error: Docker has no compose" in result.output
    assert not desk.changes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("project: {name: [", "invoke.yaml line 1"),
        ("project:\n  name: shop\n\tregistry: x\n", "invoke.yaml line 3"),
        ("[]", "invoke.yaml, the document: [] is not of type 'object'"),
        ("project: {name: Shop!}", "invoke.yaml, project"),
        ("other: 1", "'project' is a required property"),
    ],
)
def test_malformed_invoke_yaml(desk: Desk, text: str, said: str) -> None:
    (desk.project / "invoke.yaml").write_text(text)
    result = desk.inv("--list")
    assert result.code == 2
    assert said in result.output
    assert "fix: " in result.output


def test_missing_invoke_yaml(desk: Desk) -> None:
    (desk.project / "invoke.yaml").unlink()
    result = desk.inv("doctor")
    assert result.code == 2
    assert "there is no invoke.yaml" in result.output


def test_wrong_method_names_its_place(desk: Desk) -> None:
    path = desk.project / "invoke.yaml"
    path.write_text(path.read_text().replace("method: compose", "method: 7"))
    result = desk.inv("status")
    assert result.code == 2
    assert "invoke.yaml, environments.production.method: 7" in result.output


def test_from_a_sub_folder(desk: Desk) -> None:
    desk.says("volume ls")
    result = desk.inv("status", folder="crates/backend")
    assert result.code == 0
    assert "production has no release" in result.output


@pytest.mark.parametrize("task", ["deploy", "rollback", "status", "logs", "secrets.init"])
def test_unknown_environment(desk: Desk, task: str) -> None:
    result = desk.inv(task, "--env", "moon")
    assert result.code == 1
    assert "there is no environment 'moon'; invoke.yaml has: production" in result.output
    assert "fix: correct --env" in result.output
    assert not desk.changes


def test_two_environments_ask_which(desk: Desk) -> None:
    path = desk.project / "invoke.yaml"
    path.write_text(path.read_text() + "  staging: {method: compose, context: default, secrets: /x}\n")
    result = desk.inv("deploy")
    assert "which environment? invoke.yaml has: production, staging" in result.output


def test_doctor_names_each_miss_with_its_fix(desk: Desk) -> None:
    desk.says("^buildx version", code=1)
    desk.says("^compose version", "Docker Compose version v2.1.0\n")
    result = desk.inv("doctor")
    assert result.code == 1
    assert "MISS  buildx" in result.output
    assert "update to 2.24 or later" in result.output
    assert result.output.count("fix: ") >= 2


def test_doctor_for_programs(desk: Desk) -> None:
    desk.says("^compose version", "Docker Compose version v2.1.0\n")
    result = desk.inv("doctor", "--json")
    assert result.code == 1
    told = {finding["subject"]: finding for finding in json.loads(result.output)}
    assert told["compose"]["fix"] == "update to 2.24 or later"
    assert told["git"]["fix"] == ""


def test_doctor_is_content(desk: Desk) -> None:
    result = desk.inv("doctor")
    assert result.code == 0, result.output
    assert "All is well" in result.output


def test_listing_imports_only_what_it_needs(desk: Desk) -> None:
    (desk.project / "sitecustomize.py").write_text(
        "import atexit, json, sys\n"
        "atexit.register(lambda: open('imported', 'w').write(json.dumps(sorted(sys.modules))))\n"
    )
    desk.environment["PYTHONPATH"] = str(desk.project)
    desk.inv("--list")
    imported = set(json.loads((desk.project / "imported").read_text()))
    assert "tasks.build" in imported
    assert not imported & {"requests", "urllib3", "rich", "tasks.methods.compose"}
