"""Promise: Helm, plain manifests, Terraform and Pulumi make the same objects, and each heeds every parameter alike."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.conftest import Objects, Values, case, every_way, part, scenarios, tasks_of
from tests.kubernetes.parameters import APART, Change, get

Ways = Callable[[str], dict[str, Objects]]

OTHERS = every_way[1:]
COMPONENTS = ("backend", *APART)
SELECTING = ("Deployment", "PodDisruptionBudget", "Service")

pytestmark = pytest.mark.helm


def differing(project: Path, one: Objects, other: Objects) -> list[str]:
    """Name each field in which two sets of objects differ."""
    lines: list[str] = part(tasks_of(project), "differences").compare(one, other)
    return lines


@pytest.mark.parametrize("way", OTHERS)
@pytest.mark.parametrize("scenario", scenarios())
def test_a_scenario_makes_the_same_objects(rendered: Ways, everything: Path, way: str, scenario: str) -> None:
    assert differing(everything, rendered("helm")[scenario], rendered(way)[scenario]) == []


@pytest.mark.parametrize("way", every_way)
def test_every_parameter_changes_something(rendered: Ways, swept: list[Change], way: str) -> None:
    made = rendered(way)
    ignored = [
        change.name
        for change in swept
        if of(change.component, made[case(change.before)]) == of(change.component, made[case(change.after)])
    ]
    assert ignored == []


def test_no_component_has_another_s_value(swept: list[Change]) -> None:
    """Where two had the same before and after a change, one could read the other's parameter unseen."""
    tried: dict[str, list[Values]] = {}
    for change in swept:
        tried.setdefault(change.name.partition("#")[0], []).extend((change.before, change.after))
    unseen = []
    for name, documents in tried.items():
        own, *path = name.split(".")
        for other in set(COMPONENTS) - {own} if own in COMPONENTS else ():
            if f"{other}.{'.'.join(path)}" in tried:
                same = [get(one, (own, *path)) == get(one, (other, *path)) for one in documents]
                unseen += [f"{name} and {other}'s"] if all(same) else []
    assert unseen == []


@pytest.mark.parametrize("way", every_way)
def test_no_change_changes_a_selector(rendered: Ways, swept: list[Change], way: str) -> None:
    """A cluster takes no Deployment with another selector, and a Service with another one loses its pods."""
    made = rendered(way)
    moved = []
    for change in swept:
        before, after = (selectors(made[case(values)]) for values in (change.before, change.after))
        moved += [f"{change.name}: {one}" for one in before.keys() & after.keys() if before[one] != after[one]]
    assert moved == []
    assert {one.partition("/")[0] for one in selectors(made["everything-on"])} == set(SELECTING)


def selectors(objects: Objects) -> Objects:
    """Return how each object finds its pods."""
    return {name: one["spec"]["selector"] for name, one in objects.items() if one["kind"] in SELECTING}


def of(component: str, objects: Objects) -> Objects:
    """Return the objects of a component; without one, all."""
    label = "app.kubernetes.io/component"
    return {name: one for name, one in objects.items() if component in ("", one["metadata"]["labels"][label])}


@pytest.mark.parametrize("way", OTHERS)
def test_every_parameter_changes_the_same(rendered: Ways, everything: Path, swept: list[Change], way: str) -> None:
    helm, other = rendered("helm"), rendered(way)
    lines = {
        change.name: differing(everything, helm[case(change.after)], other[case(change.after)]) for change in swept
    }
    assert {name: found for name, found in lines.items() if found} == {}


# --- That the comparison sees what it should -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "NetworkPolicy/acme-notes|spec|ingress",
        "NetworkPolicy/acme-notes-backend|spec|ingress|1|from|0|podSelector",
        "Deployment/acme-notes-backend|spec|template|spec|volumes|0|emptyDir",
        "Deployment/acme-notes-backend|spec|template|spec|containers|0|ports|0|containerPort",
        "Service/acme-notes-frontend",
    ],
)
@pytest.mark.parametrize("way", every_way)
def test_a_lost_field_is_seen(rendered: Ways, everything: Path, way: str, path: str) -> None:
    objects = rendered(way)["everything-on"]
    broken = copy.deepcopy(objects)
    part: Any = broken
    *parents, last = path.split("|")
    for step in parents:
        part = part[int(step)] if step.isdigit() else part[step]
    del part[last]
    lines = differing(everything, objects, broken)
    assert any(last in line for line in lines), lines
