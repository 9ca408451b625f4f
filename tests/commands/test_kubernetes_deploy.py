"""Promise: a deploy to a cluster locks, changes, waits, records, and goes back; its plan is the live difference."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from typing import Any

import pytest
from invoke.exceptions import Exit
from tasks._lib.cluster.kubectl import Cluster
from tasks._lib.project import Environment, Project
from tasks.methods import pulumi

from tools.rendering import commit

from .conftest import Desk, workload

STAGING = Environment("staging", "pulumi", "lab", {"namespace": "there"})


def records(desk: Desk) -> list[dict[str, Any]]:
    """Return the releases that the cluster remembers."""
    named = [one for name, one in desk.cluster.items() if name.startswith("Secret/acme-notes-release-")]
    found = [json.loads(base64.b64decode(one["data"]["release"])) for one in named]
    return sorted(found, key=lambda one: int(one["number"]))


def deploy(desk: Desk, *arguments: str) -> str:
    """Deploy to staging, which must succeed."""
    result = desk.inv("deploy", "--env", "staging", "--yes", *arguments)
    assert result.code == 0, result.output
    return result.output


def crashes(desk: Desk, **lasting: int) -> None:
    """Let the backend crash over and over; with `for`, until its pods were asked for so often."""
    desk.breaks("acme-notes-backend", "CrashLoopBackOff", **lasting)
    desk.says("logs acme-notes-backend-1 .*--previous", "the last line it logged\n")
    desk.says("get events", json.dumps({"kind": "List", "items": []}))


def drops_its_ingress(desk: Desk) -> None:
    """Deploy by kubectl an app with an Ingress, which the next release does not have."""
    desk.inv("deploy.overlay", "--env", "staging")
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "acme-notes"}, "spec": {}}
    desk.renders([*workload("info"), ingress])
    deploy(desk, "--to", "kubernetes")
    desk.renders(workload("info"))


def test_a_deploy_locks_changes_records_and_unlocks(clustered: Desk) -> None:
    output = deploy(clustered)
    lock, change, record, unlock = clustered.cluster_changes
    assert "create --filename -" in lock
    assert change.startswith("helm upgrade --install acme-notes ")
    assert "create --filename -" in record
    assert unlock.endswith("delete leases acme-notes-deploy")
    assert "backend: 2 of 2 ready" in output
    assert "Release 1 is healthy" in output
    (release,) = records(clustered)
    assert (release["method"], release["revision"], release["number"]) == ("helm", 7, 1)
    assert list(release["objects"]) == ["ConfigMap/acme-notes-config", "Deployment/acme-notes-backend"]


def test_the_plan_is_the_difference_from_what_is_there(clustered: Desk) -> None:
    plan = clustered.inv("deploy", "--env", "staging", "--plan")
    assert plan.code == 2, plan.output
    assert "+ ConfigMap/acme-notes-config.data.LOG_LEVEL: info" in plan.output
    assert "Next: `inv deploy --env staging`\n" in plan.output
    deploy(clustered)
    same = clustered.inv("deploy", "--env", "staging", "--plan")
    assert same.code == 0, same.output
    assert "0 changed, 0 added, 0 removed. Nothing was changed." in same.output
    clustered.renders(workload("debug", MORE="1"))
    changed = clustered.inv("deploy", "--env", "staging", "--plan")
    assert changed.code == 2
    assert "~ ConfigMap/acme-notes-config.data.LOG_LEVEL: info → debug" in changed.output
    assert "1 changed, 1 added, 0 removed" in changed.output


def test_a_plan_names_the_same_deploy(clustered: Desk) -> None:
    flags = ("--to", "helm", "--env", "staging", "--tag", "1 2", "--destructive", "--create-namespace")
    plan = clustered.inv("deploy", *flags, "--plan")
    command = "inv deploy --to helm --env staging --tag '1 2' --destructive --create-namespace"
    assert f"Next: `{command}`" in plan.output


def test_secrets_are_masked_and_their_change_is_seen(clustered: Desk) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acme-notes-secrets"}}
    clustered.renders([*workload("info"), {**secret, "data": {"redis_url": "b25l"}}])
    deploy(clustered)
    assert "b25l" not in json.dumps(records(clustered))
    clustered.renders([*workload("info"), {**secret, "data": {"redis_url": "dHdv"}}])
    plan = clustered.inv("deploy", "--env", "staging", "--plan")
    assert "~ Secret/acme-notes-secrets.data.redis_url: ******** → ********" in plan.output


def test_a_missing_namespace_is_made_when_that_is_permitted(clustered: Desk) -> None:
    path = clustered.project / "invoke.yaml"
    path.write_text(path.read_text().replace("acme-notes-staging", "new"))
    plan = clustered.inv("deploy", "--env", "staging", "--create-namespace", "--plan")
    assert plan.code == 2, plan.output
    assert clustered.cluster_changes == []
    deploy(clustered, "--create-namespace")
    assert "Namespace/new" in clustered.cluster


def test_somebody_else_deploys(clustered: Desk) -> None:
    spec = {"holderIdentity": "Ann on laptop", "acquireTime": "2026-01-01T00:00:00Z"}
    lease = {"kind": "Lease", "metadata": {"name": "acme-notes-deploy"}, "spec": spec}
    clustered.keep_in_cluster(lease)
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert result.code == 1
    assert "is under way: Ann on laptop, since 2026-01-01T00:00:00Z" in result.output
    assert "kubectl --context lab --namespace acme-notes-staging delete leases acme-notes-deploy" in result.output
    assert "helm upgrade" not in " ".join(clustered.cluster_changes)


def test_a_bad_release_is_explained_and_taken_back(clustered: Desk) -> None:
    deploy(clustered)
    crashes(clustered)
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert result.code == 1
    assert "container backend): CrashLoopBackOff, last exit code 3: it does not start" in result.output
    assert "    the last line it logged" in result.output
    assert "Returning to release 1" in result.output
    assert "helm rollback acme-notes 7 " in " ".join(clustered.cluster_changes)
    assert len(records(clustered)) == 1
    assert "Lease/acme-notes-deploy" not in clustered.cluster


def test_what_the_kubelet_mends_by_itself_is_no_failure(clustered: Desk) -> None:
    path = clustered.project / "invoke.yaml"
    path.write_text(path.read_text().replace("timeout: 1", "timeout: 60"))
    clustered.breaks("acme-notes-backend", "CreateContainerConfigError", **{"for": 3})
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert result.code == 0, result.output
    assert "backend: 0 of 2 ready" in result.output
    assert "backend: 2 of 2 ready" in result.output


REFUSED = '{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}'


def test_a_pod_that_cannot_be_made_is_told(clustered: Desk) -> None:
    text = (clustered.bin / "fakes" / "kubectl").read_text()
    number = '"availableReplicas": 0 if broken else one["spec"].get("replicas", 1)'
    assert number in text
    text = text.replace(number, f'"availableReplicas": 0, "conditions": [{REFUSED}]')
    (clustered.bin / "fakes" / "kubectl").write_text(text)
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert "backend: no pod can be made: exceeded quota" in result.output
    assert "the first release did not become healthy" in result.output


def test_what_only_old_pods_are_refused_is_no_failure(clustered: Desk) -> None:
    """A release that renames its service account leaves the old pods without one, while the new ones start."""
    fake = clustered.bin / "fakes" / "helm"
    text = (clustered.bin / "fakes" / "kubectl").read_text()
    fake.write_text(text.replace('"observedGeneration": 1', f'"conditions": [{REFUSED}], "observedGeneration": 1'))
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert result.code == 0, result.output


@pytest.mark.parametrize(("stdout", "code"), [("", 1), ('{"items": []}', 0)], ids=["no answer", "no such Deployment"])
def test_a_rollout_that_cannot_be_seen_is_no_success(clustered: Desk, stdout: str, code: int) -> None:
    clustered.says("get deployments,replicasets,pods", stdout, stderr="Unable to connect", code=code)
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert result.code == 1
    assert "acme-notes-backend: the cluster did not show this Deployment within 1 s" in result.output
    assert records(clustered) == []


def test_rollback_brings_back_what_was_recorded(clustered: Desk) -> None:
    for level in ("info", "debug"):
        clustered.renders(workload(level))
        deploy(clustered)
    result = clustered.inv("rollback", "--env", "staging", "--yes")
    assert result.code == 0, result.output
    assert "~ ConfigMap/acme-notes-config.data.LOG_LEVEL: debug → info" in result.output
    assert "Release 3 (release 1 again) is healthy" in result.output
    assert [one["origin"] for one in records(clustered)] == [1, 2, 1]


def test_the_last_ten_releases_are_kept(clustered: Desk) -> None:
    deploy(clustered)
    (one,) = records(clustered)
    for number in range(2, 12):
        text = json.dumps({**one, "number": number}).encode()
        metadata = {"name": f"acme-notes-release-{number}", "labels": {"slipway.release": "acme-notes"}}
        data = {"release": base64.b64encode(text).decode()}
        clustered.keep_in_cluster({"kind": "Secret", "metadata": metadata, "data": data})
    deploy(clustered)
    assert [release["number"] for release in records(clustered)] == list(range(3, 13))


def test_another_way_is_refused_until_it_may_take_over(clustered: Desk) -> None:
    deploy(clustered)
    clustered.inv("deploy.overlay", "--env", "staging")
    asked = ("deploy", "--env", "staging", "--to", "kubernetes", "--yes")
    refused = clustered.inv(*asked)
    assert refused.code == 1
    assert "helm deployed what is there; kubernetes would take its objects over" in refused.output
    assert "fix: add --adopt" in refused.output
    adopted = clustered.inv(*asked, "--adopt")
    assert adopted.code == 0, adopted.output
    assert "helm no longer owns anything here" in adopted.output
    assert not [name for name in clustered.cluster if name.startswith("Secret/sh.helm")]
    assert [one["method"] for one in records(clustered)] == ["helm", "kubernetes"]
    back = clustered.inv("rollback", "--env", "staging", "--yes")
    assert "release 1 was deployed by helm, and kubernetes is what deploys here now" in back.output


@pytest.mark.parametrize(("version", "forcing"), [("v3.19.0", ""), ("v4.1.0", " --server-side=true --force-conflicts")])
def test_each_helm_takes_over_and_comes_back_in_its_way(clustered: Desk, version: str, forcing: str) -> None:
    clustered.says("^helm version", version)
    deploy(clustered, "--adopt")
    clustered.breaks("acme-notes-backend", "CrashLoopBackOff")
    clustered.says("get events", json.dumps({"kind": "List", "items": []}))
    assert clustered.inv("deploy", "--env", "staging", "--yes").code == 1
    adopting, plain, back = [words for words in clustered.cluster_changes if words.startswith("helm ")]
    assert adopting.endswith(f"--history-max 40 --take-ownership{forcing}")
    assert plain.endswith("--history-max 40")
    assert back.startswith("helm rollback")
    assert back.endswith(f"--history-max 40{forcing}")


def test_a_field_that_somebody_else_changed(clustered: Desk) -> None:
    said = "Error: UPGRADE FAILED: conflict occurred while applying object n/acme-notes-config /v1, Kind=ConfigMap: "
    said += 'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.LOG_LEVEL\n'
    clustered.says("^helm upgrade", stderr=said, code=1)
    result = clustered.inv("deploy", "--env", "staging", "--yes")
    assert "helm: something else changed fields that the chart sets" in result.output
    assert "add --adopt to `inv deploy`" in result.output


@pytest.mark.parametrize("way", ["terraform", "pulumi"])
def test_ways_that_cannot_take_over_say_so(clustered: Desk, way: str) -> None:
    commit(clustered.project, "Start")
    deploy(clustered)
    clustered.records(way)
    clustered.says(f"^{way} version", "v3.259.0")
    (clustered.project / "deploy/pulumi/venv").mkdir()
    result = clustered.inv("deploy", "--env", "staging", "--to", way, "--adopt", "--yes")
    assert f"helm deployed what is there, and {way} cannot take it over" in result.output
    assert "which ends the service until the deploy: inv destroy --env staging --to helm" in result.output


def test_what_a_release_lacks_is_deleted(clustered: Desk) -> None:
    drops_its_ingress(clustered)
    plan = clustered.inv("deploy", "--env", "staging", "--to", "kubernetes", "--plan")
    assert "  - Ingress/acme-notes\n" in plan.output
    assert "0 changed, 0 added, 1 removed" in plan.output
    deploy(clustered, "--to", "kubernetes")
    assert "Ingress/acme-notes" not in clustered.cluster
    # One that a finalizer keeps would keep the release from being recorded.
    (deleted,) = [call for call in clustered.cluster_changes if "delete --filename" in call]
    assert "--wait=false" in deleted


def test_what_cannot_be_deleted_keeps_no_release_from_being_recorded(clustered: Desk) -> None:
    drops_its_ingress(clustered)
    clustered.says("delete --filename", stderr="net/http: TLS handshake timeout", code=1)
    said = deploy(clustered, "--to", "kubernetes")
    assert "What the release no longer has may be there still: " in said
    assert "kubectl --context lab --namespace acme-notes-staging delete --ignore-not-found Ingress/acme-notes" in said
    assert "Release 2 is healthy" in said
    assert [one["number"] for one in records(clustered)] == [1, 2]


def test_helm_keeps_so_many_revisions_that_the_way_back_is_noted_anew(clustered: Desk) -> None:
    deploy(clustered)
    crashes(clustered, **{"for": 2})
    clustered.says("^helm status", '{"version": 9}')
    failed = clustered.inv("deploy", "--env", "staging", "--yes")
    assert "release 1 serves again" in failed.output
    assert [(one["number"], one["revision"]) for one in records(clustered)] == [(1, 9)]


def test_pulumi_s_state_is_never_lost(clustered: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "FOLDER", clustered.project / ".slipway")
    monkeypatch.setattr(pulumi, "ROOT", clustered.project)
    monkeypatch.setattr(pulumi, "try_again", lambda *_: None)
    asked: list[str] = []

    def ask(_cluster: Cluster, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        asked.append(stdin)
        return subprocess.CompletedProcess(arguments, 0 if len(asked) == answered else 1, "", "it is away")

    monkeypatch.setattr(Cluster, "ask", ask)
    way = pulumi.Method(Project("acme-notes", "", (), (), (), (), {}, {}, (), None), STAGING)
    answered = 3
    way._keep_state("{}")
    kept = clustered.project / ".slipway/acme-notes-pulumi-state.json"
    assert not kept.exists()
    answered = -1
    with pytest.raises(Exit, match=r"in \.slipway/acme-notes-pulumi-state\.json: it is away") as stopped:
        way._keep_state("{}")
    assert "before the next deploy: kubectl --context lab --namespace there apply --server-side" in str(stopped.value)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == asked[-1]


def test_the_lock_of_somebody_else_is_left(clustered: Desk) -> None:
    clustered.says("get leases acme-notes-deploy", "2030-01-01T00:00:00.000000Z")
    deploy(clustered)
    assert not [call for call in clustered.cluster_changes if "delete leases" in call]


def test_status_and_destroy_go_by_the_last_release(clustered: Desk) -> None:
    clustered.inv("deploy.overlay", "--env", "staging")
    deploy(clustered, "--to", "kubernetes")
    status = clustered.inv("status", "--env", "staging")
    assert "acme-notes-backend-1 ready" in status.output
    destroyed = clustered.inv("destroy", "--env", "staging", "--yes")
    assert destroyed.code == 0, destroyed.output
    assert "helm" not in " ".join(clustered.cluster_changes)
    assert list(clustered.cluster) == ["Namespace/acme-notes-staging"]


def test_a_first_release_that_failed_is_destroyed_by_its_way(clustered: Desk) -> None:
    clustered.inv("deploy.overlay", "--env", "staging")
    crashes(clustered)
    failed = clustered.inv("deploy", "--env", "staging", "--to", "kubernetes", "--yes")
    command = "destroy --env staging --to kubernetes"
    assert failed.code == 1
    assert f"`inv {command}` removes it" in failed.output
    destroyed = clustered.inv(*command.split(), "--yes")
    assert destroyed.code == 0, destroyed.output
    assert "helm" not in " ".join(clustered.cluster_changes)


def test_secrets_are_made_for_what_the_values_call_for(clustered: Desk) -> None:
    clustered.values("postgres: {mode: external}\nredis: {mode: internal}\nsecrets: {existing: notes}\n")
    refused = clustered.inv("secrets.init", "--env", "staging")
    assert "the secret database_url is one that you have to give" in refused.output
    assert "fix: set the variable DATABASE_URL" in refused.output
    clustered.environment["DATABASE_URL"] = "postgres://me:hidden@db/app"
    made = clustered.inv("secrets.init", "--env", "staging")
    assert made.code == 0, made.output
    data = {key: base64.b64decode(text).decode() for key, text in clustered.cluster["Secret/notes"]["data"].items()}
    assert data["database_url"] == "postgres://me:hidden@db/app"
    assert len(data["redis_password"]) >= 40
    assert data["redis_url"] == f"redis://:{data['redis_password']}@acme-notes-redis:6379/0"
    assert "database_url is what DATABASE_URL says in this shell, and leads to db.\n" in made.output
    said = made.output + " ".join(" ".join(words) for words, _ in clustered.cluster_calls)
    assert "hidden" not in said
    assert data["redis_password"] not in said
    assert "All secrets are in the Secret notes" in clustered.inv("secrets.init", "--env", "staging").output


def test_an_external_cache_s_address_is_not_made_up(clustered: Desk) -> None:
    clustered.values("postgres: {mode: none}\nredis: {mode: external}\nsecrets: {existing: notes}\n")
    assert "fix: set the variable REDIS_URL" in clustered.inv("secrets.init", "--env", "staging").output


def test_no_secrets_where_the_values_call_for_none(clustered: Desk) -> None:
    assert "call for no secrets" in clustered.inv("secrets.init", "--env", "staging").output
    assert clustered.cluster_changes == []


def test_a_way_finds_its_environment(clustered: Desk) -> None:
    result = clustered.inv("deploy", "--to", "helm", "--yes")
    assert result.code == 0, result.output
    assert "inv rollback --env staging" in result.output


def test_render_prints_objects_and_nothing_else(clustered: Desk) -> None:
    import yaml

    result = clustered.inv("deploy.render", "--env", "staging")
    assert [one["kind"] for one in yaml.safe_load_all(result.output)] == ["ConfigMap", "Deployment"]


def test_doctor_looks_at_each_environment(clustered: Desk) -> None:
    clustered.says("^helm version", "v3.2.0")
    result = clustered.inv("doctor")
    assert "MISS  helm                     helm is too old: v3.2.0" in result.output
    assert "ok    environment staging      helm, namespace acme-notes-staging on lab" in result.output
    clustered.says("get namespace", stderr='namespaces "acme-notes-staging" not found', code=1)
    assert "make it: inv deploy --env staging --create-namespace" in clustered.inv("doctor").output
