"""Promise: values that cannot work are refused by each way's own tool, by the parameter's name; kubectl's by `inv`."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from invoke.exceptions import Exit
from tasks._lib.renderers.terraform import offline_copy
from tasks._lib.values import check, schema

from tests.kubernetes import batch_pulumi
from tests.kubernetes.conftest import NAMESPACE, Values, scenarios
from tests.kubernetes.parameters import Path, leaves, put
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
    "no Gateway": ({"route": {"enabled": True}}, "route.parents"),
}

every_wrong_value = pytest.mark.parametrize(("values", "parameter"), WRONG.values(), ids=WRONG.keys())


@pytest.fixture(scope="module")
def work(everything: File, workplace: Callable[[File], Workplace]) -> Workplace:
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
def test_the_pulumi_program_refuses(everything: File, values: Values, parameter: str) -> None:
    with pytest.raises(RuntimeError) as refused:
        batch_pulumi.render_batch(everything, {"wrong": values}, NAMESPACE)
    _traceback, _, said = str(refused.value).partition("the values are wrong:\n")
    assert_names(said, parameter)


WRONG_TYPE: dict[str, Any] = {"array": "x", "boolean": "yes", "integer": "7", "object": "x", "string": 7}
NO_PATTERN_FITS = ("", "not so!", "\n")


def misfits(part: dict[str, Any], path: Path = ()) -> Iterator[tuple[str, Path, Any]]:
    """Yield what a parameter's schema does not allow: the rule, where the value stands inside it, and the value."""
    yield "type", path, WRONG_TYPE[part["type"]]
    if "enum" in part:
        yield "enum", path, "no such choice"
    if "minimum" in part:
        yield "minimum", path, part["minimum"] - 1
    if "maximum" in part:
        yield "maximum", path, part["maximum"] + 1
    if "pattern" in part:
        yield "pattern", path, next(text for text in NO_PATTERN_FITS if not re.search(part["pattern"], text))
    if part["type"] == "array" and part["items"]["type"] != "object":
        yield from ((rule, where, [value]) for rule, where, value in misfits(part["items"], (*path, 0)))
    if isinstance(part.get("additionalProperties"), dict):
        below = misfits(part["additionalProperties"], (*path, "key"))
        yield from ((rule, where, {"key": value}) for rule, where, value in below)


def test_each_parameter_is_refused_by_its_full_name() -> None:
    """The check of `inv`, for every rule of every parameter."""
    start, tried = scenarios()["everything-on"], Counter[str]()
    unnamed = []
    for path, part in leaves(schema()):
        for rule, below, value in misfits(part):
            wrong = copy.deepcopy(start)
            put(wrong, path, value)
            with pytest.raises(Exit) as refused:
                check(wrong, "the values")
            name = ".".join(map(str, (*path, *below)))
            unnamed += [] if f"the values, {name}: " in str(refused.value) else [f"{rule}: {name}: {refused.value}"]
            tried[rule] += 1
    assert unnamed == []
    assert min(tried[rule] for rule in ("type", "enum", "minimum", "maximum", "pattern")) > 1, tried


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
