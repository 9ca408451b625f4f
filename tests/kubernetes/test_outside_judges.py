"""Promise: other people's tools find nothing wrong with the objects, but for what judges.yaml gives a reason for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.batch_helm import render_batch
from tests.kubernetes.conftest import NAMESPACE, scenarios

EXCEPTIONS: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("judges.yaml").read_text(encoding="utf-8")
)
# Kubernetes from the oldest whose schemas are published by kubeconform's default source to the newest.
VERSIONS = [f"1.{minor}.0" for minor in range(25, 38)]

pytestmark = pytest.mark.helm


def run(
    *command: str, folder: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a judge, or skip when it is not here."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(
        command, cwd=folder, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def manifests(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every scenario as a file of objects; that all four ways make these is another test's."""
    folder = tmp_path_factory.mktemp("manifests")
    made = render_batch(everything, scenarios(), NAMESPACE)
    for name, objects in made.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return {name: folder / f"{name}.yaml" for name in made}


def test_helm_lint(everything: Path, tmp_path: Path) -> None:
    for name, values in scenarios().items():
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
        flags = ["--strict", "--kube-version", "1.35.0", "--values", str(tmp_path / "values.yaml")]
        done = run("helm", "lint", *flags, "deploy/helm", folder=everything)
        assert done.returncode == 0, (name, done.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubeconform(manifests: dict[str, Path], version: str) -> None:
    source = os.environ.get("KUBECONFORM_SCHEMAS", "default")
    # HTTPRoute and ServiceMonitor are no part of Kubernetes: a real API server judges those.
    kinds = ["-skip", "HTTPRoute,ServiceMonitor", "-kubernetes-version", version, "-schema-location", source]
    done = run("kubeconform", "-strict", *kinds, *map(str, manifests.values()))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", ["1.25", "1.33"])
def test_kubernetes_validate(manifests: dict[str, Path], version: str) -> None:
    done = run("kubernetes-validate", "--strict", "--quiet", "-k", version, *map(str, manifests.values()))
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("ERROR", "WARN"))]
    assert [line for line in said if "HTTPRoute" not in line and "ServiceMonitor" not in line] == []


@pytest.mark.parametrize("scenario", scenarios())
def test_kube_score(manifests: dict[str, Path], scenario: str) -> None:
    done = run("kube-score", "score", "--output-format", "json", str(manifests[scenario]))
    assert unexcused(scored(json.loads(done.stdout)), "kube-score", scenario) == []


def scored(report: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the checks of a kube-score report that did not pass, each with its object."""
    return [
        (check["check"]["id"], one["object_name"])
        for one in report
        for check in one["checks"]
        if not check["skipped"] and check["grade"] < 10
    ]


@pytest.mark.parametrize("scenario", ["production", "everything-on"])
def test_checkov(manifests: dict[str, Path], scenario: str) -> None:
    flags = ["--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "--output", "json"]
    done = run("checkov", "--file", str(manifests[scenario]), *flags)
    failed = json.loads(done.stdout)["results"]["failed_checks"]
    assert unexcused([(one["check_id"], one["resource"]) for one in failed], "checkov", scenario) == []


@pytest.mark.parametrize("scenario", scenarios())
def test_trivy(manifests: dict[str, Path], scenario: str) -> None:
    done = run("trivy", "config", "--skip-check-update", "--quiet", "--format", "json", str(manifests[scenario]))
    (read,) = json.loads(done.stdout)["Results"]
    assert read["Type"] == "kubernetes"
    failed = [(one["ID"], one["Message"]) for one in read.get("Misconfigurations", [])]
    assert unexcused(failed, "trivy", scenario) == []


def unexcused(found: list[tuple[str, str]], judge: str, scenario: str) -> list[str]:
    """Return what a judge found that has no reason: in general or in a scenario, anywhere or in one place."""
    excused = EXCEPTIONS[judge] | (EXCEPTIONS.get(f"{judge}, {scenario}") or {})
    return [f"{where}: {what}" for what, where in found if not {what, f"{what}: {where}"} & set(excused)]
