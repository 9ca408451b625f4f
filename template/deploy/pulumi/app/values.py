"""Reads the values: the documents over each other, checked by the schema, with its defaults for what they leave out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi
import yaml
from jsonschema import Draft7Validator, ValidationError

Values = dict[str, Any]


def load(schema_file: Path, documents: Iterable[Path]) -> Values:
    """Return all values; a later document wins. Stop when they break a rule of the schema."""
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    given: Values = {}
    for document in documents:
        given = _merged(given, _read(document))
    errors = sorted(Draft7Validator(schema).iter_errors(given), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise pulumi.RunError("the values are wrong:\n" + "\n".join(_told(error, schema) for error in errors))
    complete: Values = _merged(_defaults(schema), given)
    return complete


def _read(document: Path) -> Values:
    try:
        values = yaml.safe_load(document.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise pulumi.RunError(f"the values cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise pulumi.RunError(f"{document.resolve()} is no map of parameters")
    return values


def _merged(values: Any, over: Any) -> Any:
    """Return `values` with `over` on top: maps are merged, everything else is replaced."""
    if not (isinstance(values, dict) and isinstance(over, dict)):
        return over
    return values | {key: _merged(values.get(key), value) for key, value in over.items()}


def _defaults(schema: dict[str, Any]) -> Any:
    if "properties" in schema:
        return {name: _defaults(part) for name, part in schema["properties"].items()}
    return schema["default"]


def _told(error: ValidationError, schema: dict[str, Any]) -> str:
    """Return a line that names the parameter, what is wrong with it and what it means, without any secret."""
    part: Any = schema
    meaning, secret = "", False
    for step in error.absolute_schema_path:
        part = part[step]
        if isinstance(part, dict):
            meaning, secret = part.get("description", meaning), secret or part.get("x-secret", False)
    name = ".".join(map(str, error.absolute_path))
    # A rule across parameters would be told with all their values; its own words say more.
    message = "" if error.validator == "anyOf" else error.message
    if secret:
        message = message.replace(repr(error.instance), "its value")
    told = ": ".join(filter(None, (name, message)))
    return f"  {told} ({meaning})" if told else f"  {meaning}"
