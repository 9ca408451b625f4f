"""Promise: what the caller's shell has for other things changes neither what a task does nor where."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import NoReturn

import pytest
from tasks._lib import development, releases
from tasks._lib.cluster import secrets
from tasks._lib.cluster.kubectl import Cluster

from tools.rendering import commit

from .conftest import Desk


def plan(desk: Desk) -> str:
    """Return what was to be built, as a bake file."""
    (given,) = [stdin for arguments, stdin in desk.calls if "bake" in arguments]
    return given


def test_another_project_s_compose_and_platform(desk: Desk) -> None:
    desk.environment |= {
        "COMPOSE_FILE": "/elsewhere/compose.yml",
        "COMPOSE_PROJECT_NAME": "elsewhere",
        "DOCKER_BUILDKIT": "0",
        "DOCKER_DEFAULT_PLATFORM": "linux/s390x",
        # What is the user's own, and good for every project, stays.
        "DOCKER_CONFIG": "/home/ann/.docker",
    }
    desk.says("config --services| up | ps |volume ls")
    assert desk.inv("up").code == 0
    started = desk.environments("docker")[-1]
    assert {name for name in started if name.startswith(("COMPOSE_", "DOCKER_"))} == {"DOCKER_CONFIG"}


def test_the_repository_of_a_hook_that_runs_a_task(desk: Desk, tmp_path: Path) -> None:
    head = commit(desk.project, "Start")
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    desk.environment |= {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": "/nowhere"}
    desk.says("buildx bake", code=1)
    desk.inv("build", "--only", "backend")
    assert f'{head}"' in plan(desk)


def test_what_would_lead_tools_to_another_cluster(clustered: Desk) -> None:
    clustered.environment |= {
        "HELM_DRIVER": "configmap",
        "HELM_KUBEAPISERVER": "https://elsewhere",
        "KUBE_CONFIG_PATH": "/elsewhere",
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_VAR_name": "elsewhere",
        "TF_WORKSPACE": "elsewhere",
        "KUBECONFIG": "/home/ann/kubeconfig",
        "TF_CLI_CONFIG_FILE": "/home/ann/terraformrc",
    }
    assert clustered.inv("deploy", "--env", "staging", "--yes").code == 0
    led = {
        name: value
        for name, value in clustered.environments("helm")[-1].items()
        if name.startswith(("HELM_", "KUBE", "TF_"))
    }
    # Nobody's own defaults of kubectl: with `delete --interactive`, the lock would stay.
    assert led == {"KUBECONFIG": "/home/ann/kubeconfig", "KUBERC": "off", "TF_CLI_CONFIG_FILE": "/home/ann/terraformrc"}
    assert all(one["KUBERC"] == "off" for one in clustered.environments("kubectl"))


def test_the_database_for_development_is_no_environment_s(clustered: Desk) -> None:
    clustered.values("postgres: {mode: external}\nredis: {mode: internal}\nsecrets: {existing: notes}\n")
    clustered.environment["DATABASE_URL"] = "postgres://me:hidden@localhost:5432/dev"
    refused = clustered.inv("secrets.init", "--env", "staging")
    assert "error: DATABASE_URL in this shell leads to localhost, which to a pod is the pod itself" in refused.output
    assert "fix: set DATABASE_URL to the address that the environment's pods reach" in refused.output
    assert clustered.cluster_changes == []


@pytest.mark.parametrize(
    "url", ["postgres://me:hid#den@db/app", "postgres://me:hid/den@db/app", "postgres://me:[hid@db"]
)
def test_a_password_that_a_url_cannot_have_is_not_shown(url: str) -> None:
    assert secrets._host("postgres://me:hidden@db.example:5432/app") == "db.example"
    assert secrets._host(url) == ""


def test_what_runs_from_source_meets_no_team_s_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    variables = development.environment()
    assert variables["DATABASE_URL"] == development.DATABASE_URL
    assert "elsewhere" not in variables.values()
    assert variables["LOG_LEVEL"] == "debug"


def builds_elsewhere(desk: Desk) -> None:
    """Let cargo put programs, which say their database and end, into another folder than target/."""
    program = desk.bin / "program"
    program.write_text("#!/bin/sh\necho $DATABASE_URL\nexit 3\n")
    program.chmod(0o755)
    made = [{"target": {"name": name}, "executable": str(program)} for name in ("backend", "frontend")]
    library = {"target": {"name": "common"}, "executable": None}
    finished = {"reason": "build-finished", "success": True}
    desk.records("cargo")
    desk.says("^cargo build")
    desk.says("^cargo build .*--message-format", "\n".join(map(json.dumps, [library, *made, finished])))


def test_programs_are_started_where_cargo_put_them(desk: Desk) -> None:
    builds_elsewhere(desk)
    result = desk.inv("dev")
    assert "Running backend and frontend" in result.output
    assert "end ended with exit code 3" in result.output


def test_a_pod_is_asked_through_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Pod(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503, "not ready")

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # Nobody listens there.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), Pod) as server:
        Thread(target=server.handle_request, daemon=True).start()
        kubectl = tmp_path / "kubectl"
        kubectl.write_text(f"#!/bin/sh\necho Starting to serve on 127.0.0.1:{server.server_port}\nexec sleep 60\n")
        kubectl.chmod(0o755)
        assert Cluster("lab", "there").get_through("backend", "/readyz").startswith("503 ")


def hides_untracked_files(desk: Desk) -> None:
    """Commit the project, and let git show no file that no commit has, as some do in large repositories."""
    commit(desk.project, "Start")
    (desk.bin.parent / ".gitconfig").write_text("[status]\n\tshowUntrackedFiles = no\n")


def test_an_image_of_a_file_that_git_hides_is_of_no_commit(desk: Desk) -> None:
    hides_untracked_files(desk)
    (desk.project / "crates/backend/src/new.rs").touch()
    desk.says("buildx bake", code=1)
    desk.inv("build", "--only", "backend")
    assert '-dirty"' in plan(desk)


def test_a_release_with_a_file_that_git_hides_could_not_be_made_again(clustered: Desk) -> None:
    hides_untracked_files(clustered)
    clustered.records("terraform")
    clustered.says("^terraform version", "Terraform v1.14.0")
    (clustered.project / "deploy/terraform/new.tf").touch()
    result = clustered.inv("deploy", "--env", "staging", "--to", "terraform", "--yes")
    assert "no commit has what is in deploy/ now" in result.output


def test_a_folder_whose_name_a_url_cannot_have(desk: Desk, tmp_path: Path) -> None:
    desk.project = desk.project.rename(tmp_path / "C# too?")
    builds_elsewhere(desk)
    assert f"sqlite://{tmp_path}/C%23%20too%3F/data/dev.db\n" in desk.inv("dev").output


def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_number: int) -> NoReturn:
        raise KeyError

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert releases._account() == f"user {os.getuid()}"


def test_docker_writes_where_both_can_look(desk: Desk) -> None:
    desk.says("buildx bake", code=1)
    desk.inv("build", "--only", "backend")
    (file,) = [words[words.index("--metadata-file") + 1] for words, _ in desk.calls if "bake" in words]
    assert Path(file).is_relative_to(desk.project)
