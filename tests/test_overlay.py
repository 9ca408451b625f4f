"""Promise: an overlay says what an environment's values make different, and nothing else; a stale one is seen."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tasks._lib import overlay
from tasks._lib.objects import canonical
from tasks._lib.renderers import helm, kubernetes

from tests.conftest import Project
from tests.kubernetes import batch_helm, batch_kubernetes
from tests.kubernetes.conftest import scenarios
from tools.answers import CHECKOUT, subsets

ENVIRONMENTS = ("dev", "staging", "production")
DEPLOY = CHECKOUT / "template" / "deploy"

every_subset = pytest.mark.parametrize(
    ("components", "services"),
    [
        *itertools.product(subsets(["frontend"]), subsets(["postgres", "redis"])),
        # A worker where it has no database to share, where it has, and where it has everything.
        (["worker"], ["redis"]),
        (["worker"], ["postgres"]),
        (["frontend", "worker"], ["postgres", "redis"]),
    ],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An overlay's folder beside a copy of the manifests."""
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    shutil.copy(DEPLOY / "values.schema.json", tmp_path)
    return tmp_path / "kubernetes/overlays/trial"


def values_of(root: Path, environment: str) -> Any:
    return yaml.safe_load((root / f"deploy/environments/{environment}.yaml").read_text(encoding="utf-8"))


@every_subset
def test_committed_overlays_are_current(project: Project, components: list[str], services: list[str]) -> None:
    root = project(components=components, services=services, deploy=["helm", "kubernetes"])
    overlays = root / "deploy/kubernetes/overlays"
    stale = [
        name
        for name in ENVIRONMENTS
        if not overlay.current(overlays / name, "acme-notes", f"acme-notes-{name}", values_of(root, name))
    ]
    assert stale == []


@every_subset
def test_a_project_has_the_options_that_it_can_use(
    project: Project, components: list[str], services: list[str]
) -> None:
    root = project(components=components, services=services, deploy=["helm", "kubernetes"]) / "deploy/kubernetes"
    table = yaml.safe_load((root / "parameters.yaml").read_text(encoding="utf-8"))
    named = {
        option.replace("$scaled", component) for option in table["options"] for component in table["sets"]["scaled"]
    }
    assert {path.name for path in (root / "options").iterdir()} == named


@pytest.mark.helm
@pytest.mark.kubectl
@every_subset
def test_every_subset_makes_the_same_objects_as_the_chart(
    project: Project, components: list[str], services: list[str]
) -> None:
    root = project(components=components, services=services, deploy=["helm", "kubernetes"])
    cases = {name: values_of(root, name) for name in ENVIRONMENTS}
    # What leads to whichever component comes first.
    cases["way-in"] = {
        "backend": {"service": {"port": 8081}},
        "ingress": {"enabled": True, "hosts": [{"host": "notes.example"}]},
        "route": {"enabled": True, "parents": [{"name": "entrance"}]},
        "network": {"allowFrom": [{"podLabels": {"app": "gateway"}}]},
    }
    charts = batch_helm.render_batch(root, cases, "notes")
    manifests = batch_kubernetes.render_batch(root, cases, "notes")
    for name in cases:
        assert canonical(manifests[name]) == canonical(charts[name], helm.OWNERSHIP), name


@pytest.mark.helm
@pytest.mark.kubectl
@pytest.mark.parametrize("scenario", ["default", "production"])
def test_an_instance_may_have_a_name_of_its_own(tmp_path: Path, scenario: str) -> None:
    document = tmp_path / "values.yaml"
    document.write_text(json.dumps(scenarios()[scenario]), encoding="utf-8")
    made = canonical(kubernetes.render("second", "notes", [document]))
    assert made == canonical(helm.render("second", "notes", [document]), helm.OWNERSHIP)


@pytest.mark.kubectl
def test_texts_stay_the_texts_they_are(tmp_path: Path) -> None:
    odd = [
        "",
        "1",
        "1e3",
        "0x1F",
        "012",
        "1:30",
        "2001-01-01",
        "on",
        "y",
        "null",
        "~",
        "=",
        "<<",
        ".inf",
        "two\nlines\n",
    ]
    env = {f"TEXT_{number:02}": text for number, text in enumerate([*odd, " a: b #c", "é\u2028", "{x}", "'\""])}
    document = tmp_path / "values.yaml"
    document.write_text(json.dumps({"backend": {"env": env}}), encoding="utf-8")
    objects = canonical(kubernetes.render("acme-notes", "notes", [document]))
    (container,) = objects["Deployment/acme-notes-backend"]["spec"]["template"]["spec"]["containers"]
    assert {variable["name"]: variable.get("value") or "" for variable in container["env"]} == env


def test_nothing_said_is_nothing_but_the_base(folder: Path) -> None:
    (file,) = overlay.write(folder, "acme-notes", "notes", {})
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "notes",
        "resources": ["../../base"],
    }


def test_a_default_that_is_said_changes_nothing(folder: Path) -> None:
    arguments = (folder, "acme-notes", "notes")
    overlay.write(*arguments, {})
    assert overlay.current(*arguments, {"backend": {"replicas": 1}, "network": {"egressPorts": [443, 5432, 6379]}})


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text(f"{file.read_text()}# by hand\n"),
        lambda file: file.unlink(),
    ],
    ids=["edited", "lost"],
)
def test_a_stale_overlay_is_seen(folder: Path, change: Callable[[Path], object]) -> None:
    arguments = (folder, "acme-notes", "notes")
    values = scenarios()["production"]
    (file,) = overlay.write(*arguments, values)
    assert overlay.current(*arguments, values)
    assert not overlay.current(*arguments, {**values, "images": {"pullPolicy": "Always"}})
    change(file)
    assert not overlay.current(*arguments, values)


def test_secret_values_are_in_files_of_their_own(folder: Path) -> None:
    values = {"database_url": "postgres://app:hidden@db/app", "redis_password": "hidden"}
    made, *secrets = overlay.write(folder, "acme-notes", "notes", {"secrets": {"values": values}})
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets} == values
    assert "hidden" not in made.read_text(encoding="utf-8")
    assert {path.parent.stat().st_mode & 0o777 for path in secrets} == {0o700}
