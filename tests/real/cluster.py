"""A real cluster for tests: namespaces, a database of its own, and the app deployed to it in each of the four ways."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .conftest import Site, docker, eventually

NAME = "road"
DATABASE = "road-test-database"

# What the API server writes besides the fields that objects.py leaves out anyway.
_ASSIGNED = {
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"),
}

T = TypeVar("T")


def kubectl(*arguments: str, stdin: str | None = None, check: bool = True) -> str:
    """Run kubectl against the current context and return what it printed."""
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def everywhere(call: Callable[[Deployed], T], sites: list[Deployed]) -> dict[str, T]:
    """Do something with every way at once; what fails in one is raised when all have ended."""
    with ThreadPoolExecutor(len(sites)) as pool:
        futures = {site.method: pool.submit(call, site) for site in sites}
    return {method: future.result() for method, future in futures.items()}


@dataclass
class Deployed(Site):
    """A checkout whose environment `method` deploys in that way to a namespace of its own."""

    method: str = ""
    # Seconds that the first deploy took.
    took: float = 0

    @property
    def namespace(self) -> str:
        """Where it is deployed."""
        return f"{NAME}-{self.method}"

    @property
    def address(self) -> str:
        """The address of the frontend's Service, which is reachable from a node."""
        return f"http://{self.of('get', f'service/{NAME}-frontend', '-o', 'jsonpath={.spec.clusterIP}')}"

    @property
    def values(self) -> Path:
        """The environment's values."""
        return self.folder / f"deploy/environments/{self.method}.yaml"

    def of(self, *arguments: str, check: bool = True) -> str:
        """Run kubectl in the namespace."""
        return kubectl("--namespace", self.namespace, *arguments, check=check)

    def pods(self, label: str) -> list[dict[str, Any]]:
        """Its pods with a label, of those under app.kubernetes.io/, such as component=backend."""
        found = json.loads(self.of("get", "pods", "--selector", f"app.kubernetes.io/{label}", "--output=json"))
        return list(found["items"])

    def set(self, **groups: Any) -> None:
        """Merge values into the environment's and commit them, as its team would."""
        document = yaml.safe_load(self.values.read_text())
        for name, group in groups.items():
            document[name] = _merged(document.get(name, {}), group)
        self.values.write_text(yaml.safe_dump(document))
        self.commit_values()

    def commit_values(self) -> None:
        """Commit the values, and the overlay that follows them."""
        self.succeed("deploy.overlay", "--env", self.method)
        subprocess.run(["git", "add", "--all"], cwd=self.folder, check=True)
        if subprocess.run(["git", "diff", "--cached", "--quiet"], cwd=self.folder, check=False).returncode:
            self.commit("Change the values")

    def task(self, name: str, *arguments: str) -> str:
        """Run a task on the environment, which must succeed."""
        return self.succeed(name, "--env", self.method, *arguments)

    def objects(self) -> list[dict[str, Any]]:
        """Return what the API server has of the app, without what it or a controller put there."""
        kinds = "deployment,service,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget,"
        kinds += "horizontalpodautoscaler,ingress,httproute,servicemonitor"
        listed = self.of("get", kinds, "--selector", f"app.kubernetes.io/instance={NAME}", "-o", "json", check=False)
        found = [_stored(one) for one in json.loads(listed)["items"]]
        scaled = [one["spec"]["scaleTargetRef"]["name"] for one in found if one["kind"] == "HorizontalPodAutoscaler"]
        for one in found:
            if one["kind"] == "Deployment" and one["metadata"]["name"] in scaled:
                del one["spec"]["replicas"]
        return found


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: _merged(one.get(key), value) for key, value in other.items()}
    return other


def _stored(one: dict[str, Any]) -> dict[str, Any]:
    """Return an object as its way made it; a Secret's values take part by what they are."""
    del one["metadata"]["namespace"]
    annotations = one["metadata"].get("annotations", {})
    for name in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        annotations.pop(name, None)
    for field in _ASSIGNED.get(one["kind"], ()):
        if one["spec"].get(field) != "None":
            one["spec"].pop(field, None)
    if one["kind"] == "Service":
        # One node has each of these once, so no two of the four may ask for the same.
        for port in one["spec"]["ports"]:
            port.pop("nodePort", None)
    if one["kind"] == "Secret":
        held = {name: base64.b64decode(value).decode() for name, value in one.pop("data").items()}
        one["holds"] = {name: re.sub("/[a-z]+$", "/…", value) for name, value in held.items()}
    return one


def database(image: str, name: str) -> str:
    """Return the URL of a fresh database in a PostgreSQL that runs in a namespace of its own."""
    address = server(image, "postgres", 5432, "--env=POSTGRES_PASSWORD=test")
    psql = (
        "--namespace",
        DATABASE,
        "exec",
        "postgres",
        "--",
        "env",
        "PGPASSWORD=test",
        "psql",
        "--host=127.0.0.1",
        "--username=postgres",
        "--command",
    )
    eventually(lambda: "1 row" in kubectl(*psql, "select 1", check=False), seconds=60)
    kubectl(*psql, f"drop database if exists {name} with (force)")
    kubectl(*psql, f"create database {name}")
    return f"postgres://postgres:test@{address}/{name}"


def server(image: str, name: str, port: int, *options: str) -> str:
    """Return the address of a server that runs in the databases' namespace; start it when it is not there."""
    run = ("--namespace", DATABASE)
    if not kubectl("get", "namespace", DATABASE, "--ignore-not-found"):
        kubectl("create", "namespace", DATABASE)
    if not kubectl(*run, "get", "pod", name, "--ignore-not-found"):
        kubectl(*run, "run", name, f"--image={image}", f"--port={port}", *options, "--expose")
    kubectl(*run, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
    return f"{name}.{DATABASE}.svc:{port}"


def for_the_cluster(registry: str, *images: str) -> dict[str, str]:
    """Push images of other people to the registry that the cluster pulls from; return where each is."""
    placed = {}
    for image in images:
        there = f"{registry}/mirror/{image}"
        docker("pull", "--quiet", image)
        docker("tag", image, there)
        docker("push", "--quiet", there)
        placed[image] = there
    return placed


def install(folder: Path) -> None:
    """Give a checkout the Pulumi program's packages, which this Python has: what `pulumi install` would do."""
    (folder / "deploy/pulumi/venv").symlink_to(sys.prefix)


def checkout(built: Site, folder: Path, method: str, values: dict[str, Any]) -> Deployed:
    """Copy the built project and give it an environment of one way."""
    site = Deployed(folder / method / NAME, 0, method=method)
    shutil.copytree(built.folder, site.folder)
    facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
    context = kubectl("config", "current-context").strip()
    facts["environments"] = {
        method: {"method": method, "context": context, "namespace": site.namespace, "timeout": 180}
    }
    (site.folder / "invoke.yaml").write_text(yaml.safe_dump(facts))
    site.values.write_text(yaml.safe_dump(values))
    site.commit_values()
    install(site.folder)
    return site
