"""Every parameter of the values' schema, and the change that shows whether a way to Kubernetes heeds it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]
Path = tuple[str | int, ...]

# Components whose parameters of one name do not show in each other's objects: they are changed all at once.
APART = ("frontend", "worker", "scheduler", "board")


@dataclass(frozen=True)
class Change:
    """One parameter with another value: the values before and after, which differ in nothing else.

    With a component, they may differ in parameters of others too, and it is the component's objects that show this one.
    """

    name: str
    before: Values
    after: Values
    component: str = ""


def changes(schema: dict[str, Any], start: Values) -> Iterator[Change]:
    """Yield a change for each parameter, and for each of its examples that `start` does not have already."""
    alike: dict[tuple[Path, int], list[tuple[Path, dict[str, Any]]]] = {}
    for path, leaf in leaves(schema):
        key = path[1:] if path[0] in APART else path
        for number, _example in enumerate(leaf["examples"]):
            alike.setdefault((key, number), []).append((path, leaf))
    for (_key, number), found in alike.items():
        yield from _at_once(found, number, start)


def _at_once(found: list[tuple[Path, dict[str, Any]]], number: int, start: Values) -> Iterator[Change]:
    """Yield the changes of parameters that are changed together."""
    before = copy.deepcopy(start)
    for _path, leaf in found:
        for other, needed in leaf.get("x-with", {}).items():
            put(before, tuple(other.split(".")), needed)
    after = copy.deepcopy(before)
    changed = [(path, leaf["examples"][number]) for path, leaf in found]
    changed = [(path, example) for path, example in changed if get(before, path) != example]
    for path, example in changed:
        put(after, path, example)
    for path, _example in changed:
        component = str(path[0]) if path[0] in APART else ""
        yield Change(f"{'.'.join(map(str, path))}#{number}", before, after, component)


def leaves(schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each parameter that has examples; those inside a list as parts of its first item."""
    if "examples" in schema:
        yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from leaves(part, (*path, name))
    if schema.get("type") == "array" and "properties" in schema["items"]:
        yield from leaves(schema["items"], (*path, 0))


def get(values: Any, path: Path) -> Any:
    """Return the value at a path, or None."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError):
            return None
    return values


def put(values: Any, path: Path, value: Any) -> None:
    """Set the value at a path whose parents exist."""
    for step in path[:-1]:
        values = values.setdefault(step, {}) if isinstance(values, dict) else values[step]
    values[path[-1]] = value
