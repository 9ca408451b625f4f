"""Promise: what cannot work in a cluster is refused before anything changes there, with its cause and its fix."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from invoke.exceptions import Exit
from tasks._lib.cluster import checks
from tasks._lib.cluster.kubectl import Cluster, parse

from tests.conftest import Result
from tools.rendering import commit

from .conftest import DIGEST, Desk

WAYS = ("helm", "kubernetes", "terraform", "pulumi")


def refused(desk: Desk, result: Result, cause: str, fix: str) -> None:
    """Check that a task ended in two lines, and changed nothing."""
    assert result.code == 1, result.output
    assert f"error: {cause}" in result.output
    assert f"fix: {fix}" in result.output
    assert desk.cluster_changes == []


@pytest.fixture
def ready(clustered: Desk) -> Desk:
    """The desk with all four tools: what is refused here is refused before they render."""
    for program, said in (("terraform", "Terraform v1.14.0"), ("pulumi", "v3.259.0")):
        clustered.records(program)
        clustered.says(f"^{program} version", said)
    (clustered.project / "deploy/pulumi/venv").mkdir()
    commit(clustered.project, "Start")
    # An overlay that follows the values would be refused first otherwise.
    assert clustered.inv("deploy.overlay", "--env", "staging").code == 0
    commit(clustered.project, "Follow the values")
    return clustered


@pytest.mark.parametrize(
    ("values", "cause", "fix"),
    [
        ("backend: {replica: 2}", "deploy/environments/staging.yaml: backend.replica is no parameter", "backend.repl"),
        ("backend: {replicas: two}", "deploy/environments/staging.yaml, backend.replicas: 'two' is not of type", "How"),
        ("redis: {mode: external}", "deploy/environments/staging.yaml: an external Redis needs redis.url", "correct"),
        ("backend: [", "deploy/environments/staging.yaml line 2, column 1: ", "correct that line"),
    ],
)
def test_wrong_values(ready: Desk, values: str, cause: str, fix: str) -> None:
    ready.values(f"{values}\n")
    commit(ready.project, "Break the values")
    for way in WAYS:
        refused(ready, ready.inv("deploy", "--env", "staging", "--to", way, "--yes"), cause, fix)


@pytest.mark.parametrize(
    ("call", "said", "cause", "fix"),
    [
        (
            "config get-contexts",
            "",
            "environments.staging in invoke.yaml names the context 'lab'",
            "correct `context:`",
        ),
        (
            "raw /version",
            "error: You must be logged in to the server (Unauthorized)",
            "the cluster does not",
            "get new",
        ),
        ("raw /version", "The connection to the server 1.2.3.4 was refused", "the cluster does not answer", "see that"),
        ("get namespace", "", "the cluster of lab has no namespace acme-notes-staging", "add --create-namespace"),
    ],
)
def test_a_cluster_that_is_not_there(ready: Desk, call: str, said: str, cause: str, fix: str) -> None:
    ready.says(f"kubectl .*{call}", stderr=said, code=1 if said else 0)
    for way in WAYS:
        refused(ready, ready.inv("deploy", "--env", "staging", "--to", way, "--yes"), cause, fix)


def test_a_cluster_that_is_too_old(ready: Desk) -> None:
    ready.says("raw /version", json.dumps({"major": "1", "minor": "23+", "gitVersion": "v1.23.17-eks-0a21954"}))
    cause = "the cluster of lab is too old: Kubernetes v1.23.17-eks-0a21954"
    refused(ready, ready.inv("deploy", "--env", "staging", "--yes"), cause, "update it to 1.24 or later")


def test_an_image_that_is_not_there(ready: Desk) -> None:
    ready.says("imagetools inspect", stderr="not found", code=1)
    cause = f"the registry has no ghcr.io/acme/acme-notes-backend@{DIGEST}"
    for way in WAYS:
        refused(ready, ready.inv("deploy", "--env", "staging", "--to", way, "--yes"), cause, "push it: `inv push`")


def test_an_image_that_is_not_for_the_nodes(ready: Desk) -> None:
    info = {"operatingSystem": "linux", "architecture": "arm64"}
    nodes = {"kind": "List", "items": [{"status": {"nodeInfo": info}}]}
    ready.says("kubectl .*get nodes", json.dumps(nodes))
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--yes"),
        f"ghcr.io/acme/acme-notes-backend@{DIGEST} is for linux/amd64, but the cluster has nodes that are linux/arm64",
        "build for these too (`inv build --push --platforms linux/amd64,linux/arm64`)",
    )


@dataclass(frozen=True)
class Strict(Cluster):
    """A cluster that allows everything but one verb on one resource or a part of it."""

    refused: tuple[str, str] = ("", "")

    def objects(self, *arguments: str, stdin: str | None = None) -> list[dict[str, Any]]:
        """Answer reviews of what somebody may do."""
        assert arguments[0] == "create"
        asked = list(parse(str(stdin)))
        for one in asked:
            what = one["spec"]["resourceAttributes"]
            name = "/".join(filter(None, (what["resource"], what.get("subresource"))))
            one["status"] = {"allowed": (what["verb"], name) != self.refused}
        return asked


EVERY_DEPLOY = [
    *((verb, "secrets") for verb in ("create", "delete", "get", "list")),
    *((verb, "leases") for verb in ("create", "delete", "get")),
    *((verb, "configmaps") for verb in ("create", "delete", "get", "patch", "update")),
    *(("list", name) for name in ("deployments", "replicasets", "pods", "services", "ingresses", "events")),
    ("get", "pods/log"),
]
TOOLS = {
    "helm": [("update", "secrets")],
    "kubernetes": [],
    "terraform": [("update", "secrets"), ("update", "leases")],
    "pulumi": [("patch", "secrets")],
}


@pytest.mark.parametrize("way", WAYS)
def test_each_right_that_a_deploy_uses_is_asked_for(way: str) -> None:
    tool = import_module(f"tasks.methods.{way}").Method.RIGHTS
    for verb, resource in (*EVERY_DEPLOY, *TOOLS[way]):
        with pytest.raises(Exit, match=f"you may not do this in the namespace n: {verb} {resource}"):
            checks.permissions(Strict("lab", "n", (verb, resource)), {("", "configmaps")}, tool)
    checks.permissions(Strict("lab", "n"), {("", "configmaps")}, tool)


def test_no_permission(ready: Desk) -> None:
    fake = ready.bin / "fakes" / "kubectl"
    fake.write_text(fake.read_text().replace('"allowed": True', '"allowed": "secrets" not in str(one)'))
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--yes"),
        "you may not do this in the namespace acme-notes-staging: create/delete/get/list/update secrets",
        "ask the cluster's administrator",
    )


def test_a_kind_that_the_cluster_does_not_know(ready: Desk) -> None:
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "acme-notes"}}
    ready.renders([route])
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--yes"),
        "the cluster does not know HTTPRoute (gateway.networking.k8s.io/v1)",
        "install what brings these kinds",
    )


def test_what_the_cluster_would_not_take(ready: Desk) -> None:
    ready.says("create .*--dry-run=server", stderr="The Deployment is invalid: spec.template", code=1)
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--yes"),
        "the cluster would refuse it: The Deployment is invalid: spec.template",
        "correct the values that it names",
    )


def test_a_secret_without_its_keys(ready: Desk) -> None:
    ready.values("postgres: {mode: external}\nsecrets: {existing: notes}\n")
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--yes"),
        "the Secret notes in the namespace acme-notes-staging lacks database_url",
        "make it: inv secrets.init --env staging",
    )


def test_a_secret_in_a_file_of_git(ready: Desk) -> None:
    ready.values("secrets: {values: {redis_url: 'redis://:hidden@cache'}}\n")
    result = ready.inv("deploy", "--env", "staging", "--yes")
    refused(ready, result, "deploy/environments/staging.yaml holds secrets.values, and git keeps that file", "take it")
    assert "hidden" not in result.output


def test_an_old_tool(ready: Desk) -> None:
    ready.says("^helm version", "v3.7.2")
    result = ready.inv("deploy", "--env", "staging", "--yes")
    refused(ready, result, "helm is too old: v3.7.2", "install helm 3.8 or later: https://helm.sh/docs/intro/install/")


def test_a_helm_that_cannot_take_over(ready: Desk) -> None:
    ready.says("^helm version", "v3.16.4")
    result = ready.inv("deploy", "--env", "staging", "--adopt", "--yes")
    refused(
        ready, result, "helm is too old: v3.16.4", "install helm 3.17 or later: https://helm.sh/docs/intro/install/"
    )


def test_a_missing_tool(ready: Desk) -> None:
    ready.without("kubectl")
    result = ready.inv("deploy", "--env", "staging", "--yes")
    refused(ready, result, "kubectl is not installed", "install kubectl 1.24 or later")


def test_an_overlay_that_does_not_follow_the_values(ready: Desk) -> None:
    ready.values("postgres: {mode: none}\nconfig: {logLevel: debug}\n")
    refused(
        ready,
        ready.inv("deploy", "--env", "staging", "--to", "kubernetes", "--yes"),
        "deploy/kubernetes/overlays/staging is not made from the values of staging",
        "inv deploy.overlay --env staging",
    )
    assert ready.inv("deploy.overlay", "--env", "staging", "--check").code == 1
    assert ready.inv("deploy.overlay", "--env", "staging").code == 0
    assert ready.inv("deploy.overlay", "--env", "staging", "--check").code == 0


def test_an_environment_on_no_cluster_has_no_overlay(ready: Desk) -> None:
    overlay = ready.project / "deploy/kubernetes/overlays/production/kustomization.yaml"
    before = overlay.read_text()
    for flags in ([], ["--check"]):
        result = ready.inv("deploy.overlay", "--env", "production", *flags)
        refused(ready, result, "the environment production has no namespace, so it has no overlay", "name one that has")
    assert overlay.read_text() == before


@pytest.mark.parametrize("way", ["terraform", "pulumi"])
def test_what_no_commit_has(ready: Desk, way: str) -> None:
    ready.values("postgres: {mode: none}\nconfig: {logLevel: debug}\n")
    result = ready.inv("deploy", "--env", "staging", "--to", way, "--yes")
    refused(ready, result, "no commit has what is in deploy/ now", "commit it: git add deploy && git commit")


@pytest.mark.parametrize("way", ["terraform", "pulumi"])
def test_a_last_release_that_could_not_be_made_again(ready: Desk, way: str) -> None:
    gone = "d" * 40
    facts = {"images": {}, "values": {}, "objects": {}, "author": "Ann", "time": "now", "method": way}
    text = json.dumps({"number": 3, "origin": 3, "commit": gone, **facts})
    metadata = {"name": "acme-notes-release-3", "labels": {"slipway.release": "acme-notes"}}
    data = {"release": base64.b64encode(text.encode()).decode()}
    ready.keep_in_cluster({"kind": "Secret", "metadata": metadata, "data": data})
    result = ready.inv("deploy", "--env", "staging", "--to", way, "--yes")
    refused(
        ready, result, f"release 3 was made from commit {gone}, which this rep", f"fetch it: git fetch origin {gone}"
    )
    assert "kubectl --context lab --namespace acme-notes-staging delete secret acme-notes-release-3" in result.output


def test_an_environment_without_a_namespace(ready: Desk) -> None:
    path = ready.project / "invoke.yaml"
    path.write_text(path.read_text().replace("    namespace: acme-notes-staging\n", ""))
    result = ready.inv("deploy", "--env", "staging", "--yes")
    refused(ready, result, "environments.staging in invoke.yaml has no namespace", "add one, such as `namespace: ")


def test_two_environments_in_one_namespace(ready: Desk) -> None:
    path = ready.project / "invoke.yaml"
    other = "environments:\n  live: {method: helm, context: lab, namespace: acme-notes-staging}\n"
    path.write_text(path.read_text().replace("environments:\n", other))
    for environment, holder in (("staging", "live"), ("live", "staging")):
        result = ready.inv("deploy", "--env", environment, "--yes")
        cause = f"environments.{environment} in invoke.yaml has the namespace of {holder}"
        refused(ready, result, cause, f"give each its own, such as `namespace: acme-notes-{environment}`")


def test_an_engine_has_no_namespaces(ready: Desk) -> None:
    result = ready.inv("deploy", "--env", "production", "--create-namespace", "--yes")
    refused(ready, result, "an engine has no namespaces", "leave --create-namespace and --adopt out")


def test_the_kubeconfig_s_current_context_is_never_used(ready: Desk) -> None:
    assert ready.inv("deploy", "--env", "staging", "--yes").code == 0
    asked = [
        words for words, _ in ready.cluster_calls if words[0] == "kubectl" and words[1] not in ("version", "config")
    ]
    assert [words for words in asked if words[1:3] != ["--context", "lab"]] == []
    there = [words for words, _ in ready.cluster_calls if words[:2] in (["helm", "upgrade"], ["helm", "status"])]
    assert [words for words in there if "--kube-context" not in words] == []


def test_git_is_only_asked(ready: Desk) -> None:
    before = subprocess.run(["git", "log", "--oneline"], cwd=ready.project, capture_output=True, check=True).stdout
    assert ready.inv("deploy", "--env", "staging", "--yes").code == 0
    after = subprocess.run(["git", "log", "--oneline"], cwd=ready.project, capture_output=True, check=True).stdout
    assert before == after
