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
    together: dict[Path, list[tuple[Path, dict[str, Any], int]]] = {}
    choices: list[Path] = []
    for path, leaf in leaves(schema):
        name = path[1:]
        if path[0] in APART and _is_choice(leaf) and name not in choices:
            choices.append(name)
        for number, _example in enumerate(leaf["examples"]):
            key = (*path, number)
            if path[0] in APART:
                # Components have numbers of their own in `start`, but may start from the same of a few choices: there,
                # what each changes at once with the others has another name.
                turn = (APART.index(str(path[0])) + choices.index(name)) % len(APART) if _is_choice(leaf) else 0
                key = ("choices", turn) if _is_choice(leaf) else (*name, number)
            together.setdefault(key, []).append((path, leaf, number))
    for found in together.values():
        yield from _at_once(found, start)


def _is_choice(leaf: dict[str, Any]) -> bool:
    return leaf["type"] == "boolean" or "enum" in leaf


def _at_once(found: list[tuple[Path, dict[str, Any], int]], start: Values) -> Iterator[Change]:
    """Yield the changes of parameters that are changed together."""
    before = copy.deepcopy(start)
    for _path, leaf, _number in found:
        for other, needed in leaf.get("x-with", {}).items():
            put(before, tuple(other.split(".")), needed)
    after = copy.deepcopy(before)
    changed = [one for one in found if get(before, one[0]) != one[1]["examples"][one[2]]]
    for path, leaf, number in changed:
        put(after, path, leaf["examples"][number])
    for path, _leaf, number in changed:
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
