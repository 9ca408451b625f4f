"""The difference between two sets of objects, field by field, in one form for every way of deploying."""

import re
from collections.abc import Iterator
from typing import Any

# A variable of such a name holds a secret, unless it names the file that does.
_SECRET = re.compile(r"(password|passwd|secret|token|api_?key|private_?key|credential)", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Return whether a variable of this name would hold a secret."""
    return bool(_SECRET.search(name)) and not name.upper().endswith(("_FILE", "_DIR", "_NAME"))


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each leaf of nested objects with its path; secrets are masked."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from fields(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from fields(item, f"{path}[{number}]")
    elif value not in (None, {}, []):
        yield path, "********" if names_secret(path.rsplit(".", 1)[-1]) else str(value)


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each field that is added (+), removed (-) or changed (~)."""
    old, new = dict(fields(before)), dict(fields(after))
    lines = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old:
            lines.append(f"+ {path}: {new[path]}")
        elif path not in new:
            lines.append(f"- {path}: {old[path]}")
        elif old[path] != new[path]:
            lines.append(f"~ {path}: {old[path]} → {new[path]}")
    return lines
