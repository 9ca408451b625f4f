"""Every parameter of the values' schema, and the change that shows whether a way to Kubernetes heeds it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """One parameter with another value: the values before and after, which differ in nothing else."""

    name: str
    before: Values
    after: Values


def changes(schema: dict[str, Any], start: Values) -> Iterator[Change]:
    """Yield a change for each parameter, and for each of its examples that `start` does not have already."""
    for path, leaf in leaves(schema):
        for number, example in enumerate(leaf["examples"]):
            before = copy.deepcopy(start)
            for other, needed in leaf.get("x-with", {}).items():
                put(before, tuple(other.split(".")), needed)
            if get(before, path) == example:
                continue
            after = copy.deepcopy(before)
            put(after, path, example)
            yield Change(f"{'.'.join(map(str, path))}#{number}", before, after)


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
