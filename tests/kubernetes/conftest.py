"""What the tests of the four ways share: a project with all of them, and what each makes of many values."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.conftest import once
from tests.kubernetes.parameters import Change, changes
from tests.kubernetes.workplace import Workplace, copied

METHODS = ("helm", "kubernetes", "terraform", "pulumi")
NAMESPACE = "notes"

Values = dict[str, Any]
Objects = dict[str, Any]
Rendered = dict[str, dict[str, Objects]]


def marked(*ways: str) -> list[pytest.MarkDecorator]:
    """Return the marks of a test that needs the tools of these ways."""
    return [getattr(pytest.mark, "kubectl" if way == "kubernetes" else way) for way in ways]


# Two ways are rendered at a time, each by a worker of its own.
every_way = [pytest.param(way, marks=[*marked(way), pytest.mark.xdist_group(f"way-{way}")]) for way in METHODS]


@cache
def scenarios() -> dict[str, Values]:
    """Read the scenarios."""
    found: dict[str, Values] = yaml.safe_load(Path(__file__).with_name("scenarios.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def workplace(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Workplace]:
    """Give a copy of a project, to work in."""
    return lambda project: copied(project, tmp_path_factory.mktemp("work"), shared / "providers")


@pytest.fixture(scope="session")
def swept(everything: Path) -> list[Change]:
    """Give the change of every parameter, from everything on."""
    schema = json.loads((everything / "deploy/values.schema.json").read_text(encoding="utf-8"))
    return list(changes(schema, scenarios()["everything-on"]))


@pytest.fixture(scope="session")
def canonical(everything: Path) -> Callable[[list[Values]], Objects]:
    """Give the project's own canonical form."""
    package = tasks_of(everything)
    owners = [part(package, f"renderers.{method}").OWNERSHIP for method in METHODS]
    form = part(package, "objects").canonical
    return lambda objects: form(objects, [mark for marks in owners for mark in marks])


def tasks_of(project: Path) -> ModuleType:
    """Import a project's tasks under a name of their own: that of another project's would stay otherwise."""
    name = f"tasks_of_{hashlib.sha256(str(project).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, project / "tasks/__init__.py")
        assert spec is not None
        package = importlib.util.module_from_spec(spec)
        package.__path__ = [str(project / "tasks")]
        sys.modules[name] = package
    return sys.modules[name]


def part(tasks: ModuleType, name: str) -> ModuleType:
    """Import a module of a project's `_lib`."""
    return import_module(f"{tasks.__name__}._lib.{name}")


@pytest.fixture(scope="session")
def rendered(
    shared: Path, everything: Path, swept: list[Change], canonical: Callable[[list[Values]], Objects]
) -> Callable[[str], dict[str, Objects]]:
    """Give what a way makes of each scenario, and of each parameter's values before and after: rendered once."""

    def make(method: str) -> dict[str, Objects]:
        def render(file: Path) -> None:
            batch = import_module(f"tests.kubernetes.batch_{method}").render_batch
            made = batch(everything, distinct(swept), NAMESPACE)
            file.write_text(json.dumps({name: canonical(objects) for name, objects in made.items()}), encoding="utf-8")

        result: dict[str, Objects] = json.loads(once(shared / "rendered" / method, render).read_text(encoding="utf-8"))
        return result

    return cache(make)


def distinct(swept: list[Change]) -> dict[str, Values]:
    """Return the cases to render: scenarios, and both sides of each change, equal ones only once."""
    cases = copy.deepcopy(scenarios())
    for change in swept:
        cases.setdefault(case(change.before), change.before)
        cases.setdefault(case(change.after), change.after)
    return cases


def case(values: Values) -> str:
    """Name a values document by what it says."""
    return json.dumps(values, sort_keys=True)
