"""The difference between two sets of objects, field by field, in one form for every way of deploying."""

import re
from collections.abc import Iterator
from typing import Any

# A variable of such a name holds a secret, unless it names the file that does.
_SECRET = re.compile(r"(password|passwd|secret|token|api_?key|private_?key|credential)", re.IGNORECASE)
# Variables are written like THIS or like_this; a name in camelCase is a field of some object.
_VARIABLE = re.compile(r"[A-Z0-9_]+|[a-z0-9_]+")
_MASK = "********"


def names_secret(name: str) -> bool:
    """Return whether a variable of this name would hold a secret."""
    if not _VARIABLE.fullmatch(name) or name.upper().endswith(("_FILE", "_DIR", "_NAME")):
        return False
    return bool(_SECRET.search(name))


def fields(value: Any, path: str = "", secret: bool = False) -> Iterator[tuple[str, str, bool]]:
    """Yield each leaf of nested objects, also an empty map or list: its path, its text, and whether it is secret."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            inside = f"{path}.{key}" if path else str(key)
            yield from fields(value[key], inside, secret or _is_secret(value, str(key)))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from fields(item, f"{path}[{number}]", secret)
    elif value is not None and path:
        yield path, str(value), secret


def _is_secret(holder: dict[str, Any], key: str) -> bool:
    """Return whether a map holds a secret under a key."""
    if holder.get("kind") == "Secret":
        return key in ("data", "stringData")
    if isinstance(holder[key], (dict, list)):
        return False
    # A variable may also be written as a pair of name and value.
    return names_secret(str(holder.get("name")) if key == "value" else key)


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each field that is added (+), removed (-) or changed (~); secrets are masked."""
    secret = {path for side in (before, after) for path, _, hidden in fields(side) if hidden}
    old, new = ({path: text for path, text, _ in fields(side)} for side in (before, after))

    def shown(path: str, text: str) -> str:
        return _MASK if path in secret else text.replace("\n", r"\n")

    lines = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old:
            lines.append(f"+ {path}: {shown(path, new[path])}")
        elif path not in new:
            lines.append(f"- {path}: {shown(path, old[path])}")
        elif old[path] != new[path]:
            lines.append(f"~ {path}: {shown(path, old[path])} → {shown(path, new[path])}")
    return lines


def count(lines: list[str]) -> str:
    """Return how many lines of a difference are of each kind."""
    signs = [line[0] for line in lines]
    return f"{signs.count('~')} changed, {signs.count('+')} added, {signs.count('-')} removed"
