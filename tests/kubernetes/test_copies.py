"""Promise: what is made out of the values' schema is not stale: the chart's copy, its values, the reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml
from jsonschema import Draft7Validator

from tests.conftest import Project
from tests.kubernetes.conftest import scenarios
from tests.sets import every_set
from tools import reference, values
from tools.answers import CHECKOUT, Answers

DEPLOY = CHECKOUT / "template" / "deploy"


def defaults(schema: dict[str, Any]) -> Any:
    """Return the values that a schema gives when nothing is said."""
    if "properties" in schema and "default" not in schema:
        return {name: defaults(part) for name, part in schema["properties"].items()}
    return schema["default"]


def parameters(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each part of a schema that is no group."""
    for name, part in schema.get("properties", {}).items():
        if "properties" in part:
            yield from parameters(part, f"{path}.{name}")
        else:
            yield f"{path}.{name}", part


def test_made_files_are_current() -> None:
    assert values.VALUES.read_text(encoding="utf-8") == values.document()
    assert reference.REFERENCE.read_text(encoding="utf-8") == reference.document()


@every_set
def test_the_chart_has_the_schema_and_its_defaults(project: Project, answers: Answers) -> None:
    root = project(**answers) / "deploy"
    if not (root / "helm").exists():
        return
    assert (root / "helm/values.schema.json").read_bytes() == (root / "values.schema.json").read_bytes()
    schema = json.loads((root / "values.schema.json").read_text(encoding="utf-8"))
    assert yaml.safe_load((root / "helm/values.yaml").read_text(encoding="utf-8")) == defaults(schema)


@every_set
def test_each_environment_fits_the_schema(project: Project, answers: Answers) -> None:
    root = project(**answers) / "deploy"
    for path in (root / "environments").glob("*.yaml"):
        schema = json.loads((root / "values.schema.json").read_text(encoding="utf-8"))
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert [error.message for error in Draft7Validator(schema).iter_errors(document)] == [], path


def test_the_schema_is_one() -> None:
    schema = json.loads((DEPLOY / "values.schema.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    for name, part in parameters(schema):
        assert {"description", "default", "examples"} <= part.keys(), name
        assert Draft7Validator(part).is_valid(part["default"]), name
        assert all(Draft7Validator(part).is_valid(example) for example in part["examples"]), name


def test_scenarios_fit_the_schema() -> None:
    schema = Draft7Validator(json.loads((DEPLOY / "values.schema.json").read_text(encoding="utf-8")))
    for name, document in scenarios().items():
        assert [error.message for error in schema.iter_errors(document)] == [], name
