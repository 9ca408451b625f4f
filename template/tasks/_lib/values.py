"""The values of an environment: documents of one schema, checked before any other program reads them."""

import difflib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from .console import stop
from .run import ROOT, ask

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Values = dict[str, Any]

SCHEMA = Path("deploy/values.schema.json")


def file_of(environment: str, root: Path = ROOT) -> Path:
    """Return the document of an environment."""
    return root / "deploy" / "environments" / f"{environment}.yaml"


def load(environment: str) -> Values:
    """Return an environment's values; stop with the parameter's name when they are not what the schema allows."""
    file = file_of(environment)
    name = str(file.relative_to(ROOT))
    if not file.is_file():
        stop(f"there is no {name}", f"create it: it holds the values of {environment}, and may be empty")
    try:
        values: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        stop(f"{name}{where}: {getattr(error, 'problem', None) or 'not valid YAML'}", "correct that line")
    check(values, name)
    if secret_parts(values) and ask(["git", "ls-files", "--error-unmatch", name]).returncode == 0:
        stop(
            f"{name} holds {' and '.join(secret_parts(values))}, and git keeps that file",
            f"take it out, name a Secret in secrets.existing, and make that: inv secrets.init --env {environment}",
        )
    return values  # type: ignore[no-any-return]  # The schema has just said that it is a map.


def check(values: Any, name: str) -> None:
    """Stop unless values are what the schema allows; `name` says whose they are."""
    from jsonschema import Draft7Validator

    errors = list(Draft7Validator(schema()).iter_errors(values))
    if errors:
        # What is wrong in itself is said before what contradicts something else.
        cause, fix = _explain(min(errors, key=lambda error: "allOf" in error.absolute_schema_path), name)
        stop(cause, fix)


def _explain(error: "ValidationError", name: str) -> tuple[str, str]:
    """Return cause and fix of one thing that the schema does not allow."""
    steps = list(error.absolute_schema_path)
    if steps[0] == "allOf":
        # `if` is no step of the path.
        rule = schema()["allOf"][steps[1]][steps[2]]
        return f"{name}: {rule['description']}", f"correct these parameters in {name}"
    where = ".".join(str(step) for step in error.absolute_path)
    part: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties" and part.get("additionalProperties") is False:
        known = [f"{where}.{key}".lstrip(".") for key in part["properties"]]
        extra = [f"{where}.{key}".lstrip(".") for key in cast(Values, error.instance) if key not in part["properties"]]
        near = difflib.get_close_matches(extra[0], known, 1)
        meant = f"{near[0]} is one; " if near else ""
        return f"{name}: {extra[0]} is no parameter", f"{meant}there are {', '.join(known)}"
    allowed = {key: part[key] for key in ("type", "enum", "pattern", "minimum", "maximum") if key in part}
    rules = ", ".join(f"{key} {value}" for key, value in allowed.items())
    hint = f"{part.get('description', 'see ' + str(SCHEMA))} ({rules})"
    return f"{name}, {where or 'the document'}: {error.message}", hint


@cache
def schema() -> dict[str, Any]:
    """Return the schema."""
    found: dict[str, Any] = json.loads((ROOT / SCHEMA).read_text(encoding="utf-8"))
    return found


def merge(base: Values, over: Values) -> Values:
    """Return a document with another over it: maps are merged, anything else is replaced."""
    both = {**base, **over}
    for key in base.keys() & over.keys():
        if isinstance(base[key], dict) and isinstance(over[key], dict):
            both[key] = merge(base[key], over[key])
    return both


def filled(part: Mapping[str, Any], values: Any) -> Any:
    """Return the values of a part of the schema, with its default wherever they say nothing, inside lists too."""
    if "properties" in part:
        given = values or {}
        return {key: filled(inner, given.get(key, inner.get("default"))) for key, inner in part["properties"].items()}
    if part.get("type") == "array":
        return [filled(part["items"], item) for item in values]
    return values


def release(images: Mapping[str, str]) -> Values:
    """Return the document of a release: each component's image by its digest, from `repository@digest`."""
    document: Values = {}
    for name, reference in images.items():
        if name in schema()["properties"]:
            repository, _, digest = reference.partition("@")
            document[name] = {"image": {"repository": repository, "digest": digest}}
    return document


@contextmanager
def documents(environment: str, images: Mapping[str, str], root: Path = ROOT) -> Iterator[list[Path]]:
    """Give the files that a way of deploying reads: the environment's own, and the release's, which wins."""
    with tempfile.TemporaryDirectory() as folder:
        second = Path(folder) / "release.yaml"
        second.write_text(yaml.safe_dump(release(images)), encoding="utf-8")
        yield [file_of(environment, root), second]


def secret_parts(values: Values) -> list[str]:
    """Return the dotted names of the parameters in values that hold secrets."""
    return [".".join(path) for path in _secret_paths(schema(), ()) if _at(values, path)]


def without_secrets(values: Values) -> Values:
    """Return values without the parameters that hold secrets."""
    kept: Values = json.loads(json.dumps(values))
    for path in _secret_paths(schema(), ()):
        parent = _at(kept, path[:-1])
        if parent:
            parent.pop(path[-1], None)
    return kept


def _secret_paths(part: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, inner in part.get("properties", {}).items():
        if inner.get("x-secret"):
            yield (*path, key)
        yield from _secret_paths(inner, (*path, key))


def _at(values: Any, path: Sequence[str]) -> Any:
    for step in path:
        values = values.get(step) if isinstance(values, dict) else None
    return values


def secret_keys(values: Values) -> list[str]:
    """Return the secrets that values call for: those that the schema would miss if no Secret were named."""
    from jsonschema import Draft7Validator

    bare = {**values, "secrets": {"existing": "", "values": {}}}
    missing = [inner for error in Draft7Validator(schema()).iter_errors(bare) for inner in error.context or ()]
    keys = [
        key
        for error in missing
        if error.validator == "required" and list(error.absolute_path) == ["secrets", "values"]
        for key in cast(list[str], error.validator_value)
    ]
    return sorted(set(keys))
