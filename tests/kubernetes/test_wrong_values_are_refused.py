"""Promise: values that cannot work are refused by each way's own tool, by the parameter's name; kubectl's by `inv`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tasks._lib.renderers.terraform import offline_copy

from tests.kubernetes import batch_pulumi
from tests.kubernetes.conftest import NAMESPACE, Values
from tests.kubernetes.workplace import Workplace

pytestmark = pytest.mark.xdist_group("four-ways")

# What is wrong, the values, and the parameter that must be named.
WRONG: dict[str, tuple[Values, str]] = {
    "unknown": ({"backends": {"replicas": 1}}, "backends"),
    "unknown inside": ({"backend": {"probes": {"startup": {"period": 2}}}}, "backend.probes.startup.period"),
    "unknown in a list": ({"ingress": {"hosts": [{"host": "a.example", "paths": "/"}]}}, "ingress.hosts.0.paths"),
    "wrong type": ({"backend": {"service": {"port": "80"}}}, "backend.service.port"),
    "too small": ({"config": {"bodyLimit": 0}}, "config.bodyLimit"),
    "too big": ({"frontend": {"autoscaling": {"targetCPUUtilizationPercentage": 101}}}, "frontend.autoscaling"),
    "not in the list": ({"config": {"logLevel": "loud"}}, "config.logLevel"),
    "wrong form": ({"backend": {"image": {"digest": "sha256:1"}}}, "backend.image.digest"),
    "no address": ({"redis": {"mode": "external"}}, "redis.url"),
    "two pods, each with a database": ({"backend": {"replicas": 2}}, "backend.replicas"),
    "jobs that no other pod sees": ({"scheduler": {"enabled": True}}, "postgres.mode"),
    "a worker without a queue": ({"worker": {"queues": []}}, "worker.queues"),
    "no host": ({"ingress": {"enabled": True}}, "ingress.hosts"),
}

every_wrong_value = pytest.mark.parametrize(("values", "parameter"), WRONG.values(), ids=WRONG.keys())


@pytest.fixture(scope="module")
def work(everything: Path, workplace: Callable[[Path], Workplace]) -> Workplace:
    """A project whose values of staging are about to become wrong."""
    return workplace(everything)


def write(work: Workplace, values: Values) -> str:
    """Make these the values of staging; return the file's name."""
    name = "deploy/environments/staging.yaml"
    (work.folder / name).write_text(yaml.safe_dump(values), encoding="utf-8")
    return name


def assert_names(said: str, parameter: str) -> None:
    """Check that each step of a parameter's dotted name was said; every tool puts them together in its own way."""
    assert set(parameter.split(".")) <= set(re.findall(r"\w+", said)), said


@pytest.mark.helm
@every_wrong_value
def test_helm_refuses(work: Workplace, values: Values, parameter: str) -> None:
    given = ["--values", write(work, values), "--kube-version", "1.35.0"]
    refused = work.run("helm", "template", "acme-notes", "deploy/helm", *given)
    assert refused.code == 1, refused.output
    assert_names(refused.output, parameter)


@pytest.fixture(scope="module")
def terraform(work: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The project's Terraform root, ready to plan without a cluster."""
    root = offline_copy(tmp_path_factory.mktemp("root"), work.folder)
    made = Workplace(root, work.variables)
    ready = made.run("terraform", "init", "-input=false", "-no-color")
    assert ready.code == 0, ready.output
    return made


@pytest.mark.terraform
@every_wrong_value
def test_terraform_refuses(terraform: Workplace, work: Workplace, values: Values, parameter: str) -> None:
    given = {"environment": "", "context": "", "namespace": NAMESPACE, "values": work.folder / write(work, values)}
    variables = [f"-var={name}={value}" for name, value in given.items()]
    refused = terraform.run("terraform", "plan", "-input=false", "-lock=false", "-no-color", *variables)
    assert refused.code == 1, refused.output
    assert_names(refused.output, parameter)


@pytest.mark.pulumi
@every_wrong_value
def test_the_pulumi_program_refuses(everything: Path, values: Values, parameter: str) -> None:
    with pytest.raises(RuntimeError) as refused:
        batch_pulumi.render_batch(everything, {"wrong": values}, NAMESPACE)
    _traceback, _, said = str(refused.value).partition("the values are wrong:\n")
    assert_names(said, parameter)


# kubectl sees no values, only the overlay that is written from them.
@every_wrong_value
def test_an_overlay_is_refused(work: Workplace, values: Values, parameter: str) -> None:
    overlay = work.folder / "deploy/kubernetes/overlays/staging/kustomization.yaml"
    before = overlay.read_text(encoding="utf-8")
    name = write(work, values)
    refused = work.inv("deploy.overlay", "--env", "staging")
    assert refused.code == 1, refused.output
    assert refused.output.startswith(f"error: {name}")
    assert_names(refused.output, parameter)
    assert overlay.read_text(encoding="utf-8") == before
