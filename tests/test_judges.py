"""Promise: other people's linters and scanners find nothing in a fresh project, and do find what is wrong in one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Project
from tools.answers import preset
from tools.rendering import EVERYTHING_ON
from tools.trees import files

pytestmark = [pytest.mark.judges, pytest.mark.xdist_group("judges")]


def run(*command: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a judge in a folder, or skip when it is not here."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of a judge that is not content."""
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def hadolint(root: Path) -> list[str]:
    """Judge each Dockerfile."""
    found = []
    for path in files(root):
        if path.name == "Dockerfile":
            text = (root / path).read_text(encoding="utf-8")
            found += [f"{path} {line}" for line in said(run("hadolint", "--no-color", "-", folder=root, input=text))]
    return found


def yamllint(root: Path) -> list[str]:
    """Judge each YAML file."""
    return said(run("yamllint", "--strict", "--format", "parsable", ".", folder=root))


def shellcheck(root: Path) -> list[str]:
    """Judge each shell script."""
    scripts = [str(path) for path in files(root) if re.match(rb"#!\S+[/ ](ba)?sh\n", (root / path).read_bytes()[:40])]
    return said(run("shellcheck", "--format", "gcc", *scripts, folder=root)) if scripts else []


class Overlay(yaml.SafeLoader):
    """Reads compose's own tags as well, which the schema knows nothing of."""


def override(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """Return what an overlay says instead."""
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


Overlay.add_constructor("!override", override)
Overlay.add_constructor("!reset", lambda _loader, _node: ...)


def kept(document: Any) -> Any:
    """Leave out what an overlay takes back."""
    if isinstance(document, dict):
        return {key: kept(value) for key, value in document.items() if value is not ...}
    return [kept(value) for value in document] if isinstance(document, list) else document


def compose(root: Path) -> list[str]:
    """Judge each compose file by the Compose Specification's schema."""
    found = []
    for path in [*root.glob("docker-compose*.yml*"), *root.glob("crates/test-servers.yml")]:
        document = json.dumps(kept(yaml.load(path.read_text(encoding="utf-8"), Overlay)))  # noqa: S506 (a safe loader)
        flags = ["--color", "never", "--builtin-schema", "vendor.compose-spec", "-"]
        found += [f"{path.name} {line}" for line in said(run("check-jsonschema", *flags, folder=root, input=document))]
    return found


def checkov(root: Path, *flags: str) -> list[dict[str, Any]]:
    """Return checkov's reports, one for each kind of file."""
    # In a folder it passes by what begins with .git, so workflows are named.
    workflows = [str(path) for path in files(root) if path.parent.name == "workflows"]
    found = []
    for scope in (["--directory", ".", *flags], ["--file", *workflows, "--framework", "github_actions", "secrets"]):
        reports = json.loads(run("checkov", "--skip-download", "--output", "json", *scope, folder=root).stdout)
        found += reports if isinstance(reports, list) else [reports]
    return [report for report in found if "results" in report]


def checked(reports: list[dict[str, Any]]) -> list[str]:
    """Return what checkov found."""
    return [
        f"{one['file_path'].lstrip('/')} {one['check_id']} {one['check_name']}"
        for report in reports
        for one in report["results"]["failed_checks"]
    ]


def trivy(root: Path) -> list[str]:
    """Judge what is deployed, and look for secrets."""
    # Also what the project itself does not ask about.
    every = "UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL"
    asked = ["--scanners", "misconfig,secret", "--severity", every]
    flags = ["--skip-check-update", "--quiet", "--format", "json"]
    done = run("trivy", "filesystem", *asked, *flags, ".", folder=root)
    assert done.returncode == 0, done.stderr
    return [
        f"{result['Target']} {one.get('ID') or one['RuleID']} {one['Title']}"
        for result in json.loads(done.stdout).get("Results", [])
        for one in [*result.get("Misconfigurations", []), *result.get("Secrets", [])]
    ]


# The kinds of files that a fault is put into.
QUICK = ["--framework", "dockerfile", "kubernetes", "secrets"]
JUDGES: dict[str, Callable[[Path], list[str]]] = {
    "hadolint": hadolint,
    "yamllint": yamllint,
    "shellcheck": shellcheck,
    "compose": compose,
    "trivy": trivy,
    "checkov": lambda root: checked(checkov(root, *QUICK)),
}


@pytest.mark.parametrize("judge", [name for name in JUDGES if name != "checkov"])
@pytest.mark.parametrize("answers", [EVERYTHING_ON, "minimal"])
def test_a_judge_finds_nothing(project: Project, answers: str, judge: str) -> None:
    assert JUDGES[judge](project(**preset(answers))) == []


@pytest.mark.xdist_group("checkov")
def test_checkov_finds_nothing(everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"dockerfile", "github_actions", "kubernetes", "terraform"}
    if shutil.which("kubectl") or shutil.which("kustomize"):
        kinds.add("kustomize")
    if helm := shutil.which("helm"):
        kinds.add("helm")
        # One that was built from source believes in Kubernetes 1.20, which the chart refuses.
        script = f'#!/bin/sh\n[ "$1" != template ] || set -- "$@" --kube-version 1.35.0\nexec {helm} "$@"\n'
        (tmp_path / "helm").write_text(script)
        (tmp_path / "helm").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    reports = checkov(everything)
    assert checked(reports) == []
    # What it cannot read, it leaves out without a word.
    assert kinds <= {report["check_type"] for report in reports if report["summary"]["passed"]}


# In no file whole, or this one would be found as well.
SECRETS = f"env: {{ AWS_ACCESS_KEY_ID: AKIA{'Z7QX2M5KWT3R6NPY'}, TOKEN: ghp_{'a8Fk2LmP9' * 4} }}\n"

# A fault: in which file, what stands there, what comes in its place, and the rule by which each judge finds it.
FAULTS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "a moving tag": (
        "deploy/compose/prometheus/Dockerfile",
        "FROM ${PROMETHEUS_BASE_IMAGE}",
        "FROM prom/prometheus:latest",
        {"hadolint": "DL3007", "trivy": "DS-0001"},
    ),
    "root": (
        "deploy/compose/grafana/Dockerfile",
        "USER 472",
        "USER root",
        {"hadolint": "DL3002", "checkov": "CKV_DOCKER_8", "trivy": "DS-0002"},
    ),
    "nobody named": (
        "deploy/compose/alertmanager/Dockerfile",
        "USER 65534:65534\n",
        "",
        {"checkov": "CKV_DOCKER_3", "trivy": "DS-0002"},
    ),
    "no health check": ("Dockerfile", "HEALTHCHECK ", "# ", {"trivy": "DS-0026"}),
    "a shell around a program": (
        "Dockerfile",
        'ENTRYPOINT ["/usr/local/bin/backend"]',
        "ENTRYPOINT /usr/local/bin/backend",
        {"hadolint": "DL3025"},
    ),
    "an unquoted variable": (
        "deploy/compose/nginx/ask",
        'echo "$answer"',
        "echo $answer",
        {"shellcheck": "SC2086"},
    ),
    "a privileged container": (
        "deploy/kubernetes/base/backend.yaml",
        "privileged: false",
        "privileged: true",
        {"checkov": "CKV_K8S_16", "trivy": "KSV-0017"},
    ),
    "a secret in a workflow": (
        ".github/workflows/ci.yml",
        "permissions: {}\n",
        f"permissions: {{}}\n{SECRETS}",
        {"checkov": "CKV_SECRET_2", "trivy": "aws-access-key-id"},
    ),
    "a key twice": (
        "deploy/environments/production.yaml",
        "backend:\n",
        "backend: {}\nbackend:\n",
        {"yamllint": "key-duplicates"},
    ),
    "an unknown key": ("docker-compose.yml", "    image: ", "    imagee: ", {"compose": "imagee"}),
}


@pytest.fixture(scope="module")
def spoilt(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with every fault."""
    root = shutil.copytree(everything, tmp_path_factory.mktemp("spoilt") / "acme-notes")
    for name, (path, old, new, _) in FAULTS.items():
        text = (root / path).read_text(encoding="utf-8")
        assert old in text, name
        (root / path).write_text(text.replace(old, new), encoding="utf-8")
    return root


@cache
def finds(judge: str, root: Path) -> list[str]:
    """Ask a judge once about all faults."""
    return JUDGES[judge](root)


@pytest.mark.parametrize(
    ("fault", "judge"), [(fault, judge) for fault, (*_, rules) in FAULTS.items() for judge in rules]
)
def test_a_fault_is_found(spoilt: Path, fault: str, judge: str) -> None:
    path, *_, rules = FAULTS[fault]
    assert [line for line in finds(judge, spoilt) if path in line and rules[judge] in line] != [], finds(judge, spoilt)
