"""Kubernetes objects in one canonical form, so that those of different origin can be compared field by field."""

import re
from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Objects = dict[str, Any]

_POD = ("spec", "template")
_UNITS: dict[str, int | Decimal] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}
# What the API server and its controllers write, and no way of deploying does.
_SERVER = ("creationTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "resourceVersion", "uid")


class _Loader(yaml.SafeLoader):
    """Reads what tools write: YAML 1.2, in which dates, `=` and `<<` are texts like any other."""


_TEXTS = ("timestamp", "value", "merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(_TEXTS)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(manifests: str) -> list[dict[str, Any]]:
    """Return the objects in a tool's output, which is YAML with a document for each."""
    return [one for one in yaml.load_all(manifests, _Loader) if one]


def key(one: dict[str, Any]) -> str:
    """Return `Kind/name` of an object."""
    return f"{one['kind']}/{one['metadata']['name']}"


def canonical(objects: Iterable[dict[str, Any]], ownership: Iterable[str] = ()) -> Objects:
    """Return objects by `Kind/name`, in the form in which equal ones are equal.

    `ownership` are patterns of labels and annotations that say who made an object. What a Secret holds is left out.
    """
    owned = ("app.kubernetes.io/managed-by", *ownership)
    return {key(one): _canonical(one, owned) for one in objects}


def _canonical(value: dict[str, Any], owned: tuple[str, ...]) -> dict[str, Any]:
    kind = value["kind"]
    left_out = ("status", "data", "stringData") if kind == "Secret" else ("status",)
    kept = {key: part for key, part in value.items() if key not in left_out}
    kept["metadata"] = {key: part for key, part in value["metadata"].items() if key not in _SERVER}
    for group in ("labels", "annotations"):
        marks = kept["metadata"].get(group) or {}
        kept["metadata"][group] = {
            name: text for name, text in marks.items() if not any(fnmatchcase(name, mark) for mark in owned)
        }
    formed: dict[str, Any] = _form(kept, kind, ())
    return formed


def _form(value: Any, kind: str, path: tuple[str, ...]) -> Any:
    """Return a part of an object without what the server stores alike."""
    if isinstance(value, dict):
        parts = {key: _form(part, kind, (*path, key)) for key, part in sorted(value.items())}
        formed = {key: part for key, part in parts.items() if part is not None}
        return None if not formed and _is("empty", kind, path) else formed
    if isinstance(value, list):
        items = [_form(part, kind, (*path[:-1], path[-1] + "[]")) for part in value]
        if _is("unordered", kind, path):
            items = sorted(items)
        return None if not items and _is("empty", kind, path) else items
    return _scalar(value, kind, path)


def _scalar(value: Any, kind: str, path: tuple[str, ...]) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value in (False, 0, "") and _is("zero", kind, path):
        return None
    if isinstance(value, str) and value.isdigit() and _is("number_or_text", kind, path):
        return int(value)
    if value is not None and _is("quantity", kind, path):
        return _quantity(str(value))
    return value


def _quantity(text: str) -> str:
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text)
    return f"{(Decimal(found[1]) * _UNITS[found[2]]).normalize():f}" if found and found[2] in _UNITS else text


def _is(what: str, kind: str, path: tuple[str, ...]) -> bool:
    """Return whether objects.yaml lists a path under a heading."""
    rules = _rules().get(what, {})
    listed = [*rules.get("*", ()), *rules.get(kind, ())]
    if any(_matches(pattern, path) for pattern in listed):
        return True
    return path[:2] == _POD and any(_matches(pattern, path[2:]) for pattern in rules.get("Pod", ()))


def _matches(pattern: str, path: tuple[str, ...]) -> bool:
    steps = pattern.split(".")
    return len(steps) == len(path) and all(step in ("*", name) for step, name in zip(steps, path, strict=True))


@cache
def _rules() -> dict[str, dict[str, list[str]]]:
    rules: dict[str, dict[str, list[str]]] = yaml.safe_load(Path(__file__).with_name("objects.yaml").read_text())
    return rules
