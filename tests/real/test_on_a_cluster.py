"""Promise: each of the four ways really deploys: in time, the same objects, without a lost request, and back again."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.kubernetes.conftest import METHODS, Objects, Values, part, scenarios, tasks_of

from .cluster import (
    DATABASE,
    NAME,
    Deployed,
    checkout,
    database,
    everywhere,
    for_the_cluster,
    install,
    kubectl,
    server,
)
from .conftest import Site, eventually
from .load import load

pytestmark = [pytest.mark.docker, pytest.mark.cluster, pytest.mark.helm, pytest.mark.terraform, pytest.mark.pulumi]

Tell = Callable[[str, object], None]

# More than the defaults, as far as the cluster can run it: every optional object is there.
RICH: dict[str, Any] = {
    "backend": {"env": {"RUST_BACKTRACE": "1"}, "service": {"annotations": {"example.com/balancer": "none"}}},
    "frontend": {"autoscaling": {"enabled": True, "minReplicas": 2}},
    "worker": {"enabled": True},
    "scheduler": {"enabled": True},
    "board": {"enabled": True},
    "ingress": {"enabled": True, "hosts": [{"host": "road.example"}], "annotations": {"example.com/a": "<b>"}},
    "route": {"enabled": True, "parents": [{"name": "gateway"}], "hostnames": ["road.example"]},
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "account": {"annotations": {"example.com/role": "road"}},
    "pod": {
        "labels": {"team": "road"},
        "tolerations": [{"key": "only", "operator": "Exists"}],
        "affinity": {
            "antiPod": {
                "preferred": [{"weight": 5, "topologyKey": "kubernetes.io/hostname", "matchLabels": {"app": "other"}}]
            }
        },
        "topologySpread": [{"topologyKey": "kubernetes.io/hostname"}],
        "extraVolumes": [{"name": "settings", "configMap": f"{NAME}-config"}],
        "extraVolumeMounts": [{"name": "settings", "mountPath": "/settings"}],
    },
}


@pytest.fixture(scope="module")
def fleet(built: Site, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Deployed]]:
    """The app, deployed in each way to a namespace that demands the strictest pod security."""
    placed = for_the_cluster(registry, "postgres:18", "redis:8-trixie")
    kubectl("apply", "--filename", str(Path(__file__).parents[1] / "kubernetes/crds.yaml"))
    values = {
        "backend": {"replicas": 2},
        "frontend": {"replicas": 2},
        "secrets": {"existing": f"{NAME}-secrets"},
        "postgres": {"mode": "external"},
        "redis": {"mode": "internal", "image": {"repository": placed["redis:8-trixie"].rpartition(":")[0]}},
    }
    folder = tmp_path_factory.mktemp("fleet")
    kubectl("delete", "namespace", DATABASE, "--ignore-not-found", "--wait")
    sites = [checkout(built, folder, method, values) for method in METHODS]
    for site in sites:
        kubectl("delete", "namespace", site.namespace, "--ignore-not-found", "--wait")
        kubectl("create", "namespace", site.namespace)
        kubectl("label", "namespace", site.namespace, "pod-security.kubernetes.io/enforce=restricted")
        site.environment = {"DATABASE_URL": database(placed["postgres:18"], site.method)}
    try:
        everywhere(_first, sites)
        yield sites
    finally:
        for namespace in (DATABASE, *(site.namespace for site in sites)):
            kubectl("delete", "namespace", namespace, "--wait=false", check=False)


def _first(site: Deployed) -> None:
    site.task("secrets.init")
    began = time.monotonic()
    output = site.task("deploy", "--yes")
    site.took = time.monotonic() - began
    assert "Release 1 is healthy" in output
    assert f"inv rollback --env {site.method}" in output
    answer = requests.post(f"{site.address}/api/notes", json={"text": f"by {site.method}"}, timeout=5)
    assert answer.status_code == 201, answer.text


def differing(project: Path, sites: list[Deployed]) -> dict[str, list[str]]:
    """Name, for each way, the fields in which what the cluster has differs from what the chart brought there."""
    form, compare = form_of(project)
    live = everywhere(lambda site: form(site.objects()), sites)
    return {method: compare(live["helm"], objects) for method, objects in live.items()}


def form_of(project: Path) -> tuple[Callable[[Any], Objects], Callable[[Objects, Objects], list[str]]]:
    """Return the project's own canonical form and comparison."""
    tasks = tasks_of(project)
    marks = [mark for method in METHODS for mark in part(tasks, f"renderers.{method}").OWNERSHIP]
    return (lambda objects: part(tasks, "objects").canonical(objects, marks), part(tasks, "differences").compare)


def counted(tell: Tell, what: str, method: str, counts: dict[str, Any]) -> None:
    """Tell how many requests failed; there must be none."""
    tell(f"{what}, {method}", f"{counts['failed']} of {counts['failed'] + counts['answered']} requests failed")
    assert counts["answered"] > 50
    assert counts["failed"] == 0, counts["reasons"][:5]


def until_ready(site: Deployed) -> float:
    """Return the seconds from the app's last new object until its last pod was ready, a migration included."""
    pods = site.pods(f"instance={NAME}")
    conditions = [one for pod in pods for one in pod["status"]["conditions"] if one["type"] == "Ready"]
    assert {one["status"] for one in conditions} == {"True"}
    made = max(moment(one["metadata"]["creationTimestamp"]) for one in site.objects())
    return (max(moment(one["lastTransitionTime"]) for one in conditions) - made).total_seconds()


def moment(text: str) -> datetime:
    """Return a time as the API server writes it, which is to the second."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def test_each_is_deployed_and_serves(fleet: list[Deployed], record_property: Tell) -> None:
    for site in fleet:
        record_property(f"deployed and healthy by {site.method}", f"{site.took:.0f} s")
        ready = until_ready(site)
        record_property(f"last object made to all pods ready, {site.method}", f"{ready:.0f} s")
        notes = requests.get(f"{site.address}/api/notes", timeout=5).json()["notes"]
        assert [note["text"] for note in notes] == [f"by {site.method}"]


def test_the_cluster_has_the_same_objects(fleet: list[Deployed], everything: Path) -> None:
    assert len(fleet[0].objects()) > 10
    assert {method: lines for method, lines in differing(everything, fleet).items() if lines} == {}


def test_a_plan_without_difference_ends_with_0(fleet: list[Deployed]) -> None:
    for method, result in everywhere(lambda site: site.inv("deploy", "--env", site.method, "--plan"), fleet).items():
        assert result.code == 0, (method, result.output)
        assert "(no difference)" in result.output


def test_an_upgrade_loses_no_request(fleet: list[Deployed], record_property: Tell) -> None:
    def upgrade(site: Deployed) -> dict[str, Any]:
        site.set(config={"logLevel": "debug"})
        plan = site.inv("deploy", "--env", site.method, "--plan")
        assert plan.code == 2, plan.output
        assert f"~ ConfigMap/{NAME}-config.data.LOG_LEVEL: info → debug" in plan.output
        with load(f"{site.address}/api/notes", f"{site.address}/") as counts:
            site.task("deploy", "--yes")
            time.sleep(2)
        return counts

    for method, counts in everywhere(upgrade, fleet).items():
        counted(record_property, "upgrade", method, counts)


def test_everything_on_is_the_same_on_the_cluster(fleet: list[Deployed], everything: Path) -> None:
    def enrich(site: Deployed) -> None:
        site.set(**RICH)
        site.task("deploy", "--yes")

    everywhere(enrich, fleet)
    kinds = {one["kind"] for one in fleet[0].objects()}
    assert kinds >= {"Ingress", "HTTPRoute", "ServiceMonitor", "HorizontalPodAutoscaler"}
    assert {method: lines for method, lines in differing(everything, fleet).items() if lines} == {}


def test_jobs_are_done_where_a_worker_is_on(fleet: list[Deployed]) -> None:
    def done(site: Deployed) -> None:
        # The job of the first note waited until there was a worker.
        eventually(lambda: " done " in site.task("jobs.list", "--kind", "count_words"), seconds=60)

    everywhere(done, fleet)


def runnable(scenario: Values, cache: str, images: Values) -> Values:
    """Make a scenario one that this cluster can run four times: images it has, servers that answer, free ports."""
    values: Values = json.loads(json.dumps(scenario).replace("acme-notes", NAME))
    for component in ("backend", "frontend", "worker", "scheduler", "board"):
        values.setdefault(component, {}).pop("image", None)
        # Four times two releases beside each other have to fit on one small node.
        values[component]["resources"] = {"requests": {"cpu": "5m", "memory": "16Mi"}}
        values[component].get("service", {}).pop("nodePort", None)
    values.setdefault("redis", {}).update(image=images, resources={"requests": {"cpu": "5m", "memory": "16Mi"}})
    if values["redis"].get("mode") == "external":
        values["redis"]["url"] = cache
    # Each way would make a Secret of its own otherwise, with passwords that open nothing here.
    values["secrets"] = {"existing": f"{NAME}-secrets"}
    return values


@pytest.mark.proof
@pytest.mark.parametrize("name", list(scenarios()))
def test_a_scenario_is_the_same_on_the_cluster(
    fleet: list[Deployed], everything: Path, registry: str, name: str
) -> None:
    repository = f"{registry}/mirror/redis"
    cache = f"redis://{server(f'{repository}:8-trixie', 'redis', 6379)}/0"
    values = runnable(scenarios()[name], cache, {"repository": repository})

    def become(site: Deployed) -> None:
        site.values.write_text(yaml.safe_dump(values))
        site.commit_values()
        site.task("deploy", "--yes")

    everywhere(become, fleet)

    assert {method: lines for method, lines in differing(everything, fleet).items() if lines} == {}


def test_a_rollback_from_another_checkout_loses_no_request(
    fleet: list[Deployed], record_property: Tell, tmp_path: Path, everything: Path
) -> None:
    def back(site: Deployed) -> dict[str, Any]:
        other = tmp_path / site.method
        subprocess.run(["git", "clone", "--quiet", str(site.folder), str(other)], check=True)
        install(other)
        with load(f"{site.address}/api/notes", f"{site.address}/") as counts:
            output = site.succeed("rollback", "--env", site.method, "--release", "1", "--yes", folder=other)
            time.sleep(2)
        assert "(release 1 again) is healthy" in output
        return counts

    for method, counts in everywhere(back, fleet).items():
        counted(record_property, "rollback", method, counts)
    assert not [one for one in fleet[0].objects() if one["kind"] == "Ingress"]
    assert {method: lines for method, lines in differing(everything, fleet).items() if lines} == {}


def test_a_deleted_pod_loses_no_request(fleet: list[Deployed], record_property: Tell) -> None:
    def delete(site: Deployed) -> dict[str, Any]:
        with load(f"{site.address}/api/notes", f"{site.address}/") as counts:
            for component in ("backend", "frontend"):
                pods = site.pods(f"component={component}")
                # Of those that stay: one of the release before may still be ending.
                (pod, *_) = [one["metadata"] for one in pods if "deletionTimestamp" not in one["metadata"]]
                site.of("delete", f"pod/{pod['name']}")
                site.of("rollout", "status", f"deployment/{NAME}-{component}", "--timeout=60s")
        return counts

    for method, counts in everywhere(delete, fleet).items():
        counted(record_property, "a deleted pod", method, counts)


def test_the_cache_hears_that_it_has_to_end(fleet: list[Deployed]) -> None:
    """A shell as the first process would not pass the signal on: each restart would take all of the pod's time."""
    for site in fleet:
        assert site.of("exec", f"deployment/{NAME}-redis", "--", "cat", "/proc/1/comm") == "redis-server\n"


def test_a_bad_release_is_explained_and_taken_back(fleet: list[Deployed], record_property: Tell) -> None:
    def break_it(site: Deployed) -> dict[str, Any]:
        site.set(backend={"env": {"DATABASE_MAX_CONNECTIONS": "none"}})
        with load(f"{site.address}/api/notes", f"{site.address}/") as counts:
            result = site.inv("deploy", "--env", site.method, "--yes")
        assert result.code == 1, result.output
        assert "container migrate): " in result.output
        assert "last exit code 2" in result.output
        assert "DATABASE_MAX_CONNECTIONS" in result.output.partition("last log lines")[2]
        assert "serves again" in result.output
        site.set(backend={"env": {"DATABASE_MAX_CONNECTIONS": "5"}})
        return counts

    for method, counts in everywhere(break_it, fleet).items():
        counted(record_property, "a bad release", method, counts)


def kubeconfig(folder: Path, token: str) -> dict[str, str]:
    """Make a kubeconfig like the current one, whose user has nothing but a token."""
    document = json.loads(kubectl("config", "view", "--minify", "--raw", "--output=json"))
    document["users"] = [{"name": document["users"][0]["name"], "user": {"token": token}}]
    path = folder / f"kubeconfig-{len(list(folder.iterdir()))}"
    path.write_text(json.dumps(document))
    return {"KUBECONFIG": str(path)}


def refused(site: Deployed, cause: str, **environment: str) -> None:
    """Check that a deploy is refused with its cause and a fix, and that nothing on the cluster is new."""
    before = [(one["kind"], one["metadata"]["name"]) for one in site.objects()]
    count = len(site.of("get", "secrets", "--output=name").split())
    site.environment = environment
    result = site.inv("deploy", "--env", site.method, "--yes")
    site.environment = {}
    assert result.code == 1, result.output
    assert cause in result.output
    assert "\n  fix: " in result.output
    assert [(one["kind"], one["metadata"]["name"]) for one in site.objects()] == before
    assert len(site.of("get", "secrets", "--output=name").split()) == count


def test_who_may_not_is_refused(fleet: list[Deployed], tmp_path: Path) -> None:
    expired = kubeconfig(tmp_path, "no-longer-valid")
    kubectl("--namespace", DATABASE, "create", "serviceaccount", "reader")
    for site in fleet:
        binding = ["rolebinding", "reader", "--clusterrole=view", f"--serviceaccount={DATABASE}:reader"]
        site.of("create", *binding)
    reader = kubeconfig(tmp_path, kubectl("--namespace", DATABASE, "create", "token", "reader").strip())
    try:
        everywhere(lambda site: refused(site, "does not accept the credentials", **expired), fleet)
        everywhere(lambda site: refused(site, "does not allow that", **reader), fleet)
    finally:
        for site in fleet:
            site.of("delete", "rolebinding", "reader")


def test_who_may_look_but_not_deploy_is_refused(fleet: list[Deployed], tmp_path: Path) -> None:
    # Somebody who sees everything and keeps Secrets and locks gets as far as what is deployed.
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["", "coordination.k8s.io"], "resources": ["secrets", "leases"], "verbs": ["*"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "looker"}}
    kubectl("--namespace", DATABASE, "create", "serviceaccount", "looker")
    for site in fleet:
        kubectl("--namespace", site.namespace, "create", "--filename=-", stdin=json.dumps({**role, "rules": rules}))
        site.of("create", "rolebinding", "looker", "--role=looker", f"--serviceaccount={DATABASE}:looker")
    looker = kubeconfig(tmp_path, kubectl("--namespace", DATABASE, "create", "token", "looker").strip())
    try:
        # Pulumi asks the cluster about each object while it renders, so there the cluster itself says it.
        everywhere(lambda site: refused(site, "deployments", **looker), fleet)
    finally:
        for site in fleet:
            site.of("delete", "role/looker", "rolebinding/looker")


def test_where_it_cannot_go_is_refused(fleet: list[Deployed]) -> None:
    def elsewhere(site: Deployed) -> None:
        for there in (f"{site.namespace}-not", site.namespace):
            facts = site.folder / "invoke.yaml"
            facts.write_text(re.sub("namespace: .*", f"namespace: {there}", facts.read_text()))
            site.commit_values()
            if there != site.namespace:
                refused(site, f"no namespace {there}")

    everywhere(elsewhere, fleet)


def test_an_image_for_other_nodes_is_refused(fleet: list[Deployed]) -> None:
    def other(site: Deployed) -> None:
        record = site.folder / ".slipway/images.json"
        kept = record.read_text()
        document = json.loads(kept)
        backend = document["images"]["backend"]
        backend["digest"] = backend["platforms"]["linux/arm64"]["digest"]
        record.write_text(json.dumps(document))
        refused(site, "linux/amd64")
        record.write_text(kept)

    everywhere(other, fleet)


def test_destroy_leaves_nothing(fleet: list[Deployed]) -> None:
    def destroy(site: Deployed) -> str:
        site.task("destroy", "--yes")
        kinds = site.of("api-resources", "--verbs=list", "--namespaced", "--output=name").split()
        left = site.of("get", ",".join(kind for kind in kinds if "event" not in kind), "--output=name")
        # Pods may still be ending, and what a metrics server measured of them stays a while longer.
        ending = ("pod/", "podmetrics.metrics.k8s.io/")
        return "\n".join(line for line in left.splitlines() if not line.startswith(ending))

    own = {"configmap/kube-root-ca.crt", "serviceaccount/default", f"secret/{NAME}-secrets"}
    for method, left in everywhere(destroy, fleet).items():
        assert set(left.split()) <= own, method
