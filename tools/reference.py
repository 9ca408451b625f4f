"""Writes the generated project's configuration reference out of the values' schema: a row for each parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.answers import CHECKOUT
from tools.values import by_group

REFERENCE = CHECKOUT / "template" / "docs" / "deployment" / "configuration-reference.md.jinja"

HEAD = """\
# Configuration reference

Every parameter of an environment, `deploy/environments/<name>.yaml`. All ways to Kubernetes read that file as it stands
and heed every parameter alike; `deploy/values.schema.json` is the contract, and what is wrong is refused with the
parameter's name. What a file does not say has the default.
"""


def rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield a row for each parameter of a group, and of what its lists hold."""
    needed = schema.get("required", ())
    for name, parameter in schema["properties"].items():
        here = f"{path}.{name}" if path else name
        if "properties" in parameter:
            yield from rows(parameter, here)
            continue
        default = "needed" if name in needed else f"`{json.dumps(parameter['default'], ensure_ascii=False)}`"
        yield f"| `{here}` | {parameter['description']} | {_allowed(parameter)} | {default} |"
        if parameter["type"] == "array" and "properties" in parameter["items"]:
            yield from rows(parameter["items"], f"{here}[]")


def _allowed(parameter: dict[str, Any]) -> str:
    """Say what values a parameter may have."""
    if "enum" in parameter:
        return ", ".join(f"`{choice}`" if choice else "empty" for choice in parameter["enum"])
    low, high = parameter.get("minimum"), parameter.get("maximum")
    span = {(True, True): f", {low} to {high}", (True, False): f", {low} or more"}.get(
        (low is not None, high is not None), ""
    )
    names = {"object": "map of texts", "array": "list", "string": "text", "integer": "whole number"}
    return f"{names.get(parameter['type'], 'true or false')}{span}"


def section(name: str, group: dict[str, Any]) -> str:
    """Describe one top-level group."""
    table = "\n".join(rows({"properties": {name: group}}, ""))
    return (
        f"\n## {name}\n\n{group['description']}.\n\n| parameter | what it is | allowed | default |\n|---|---|---|---|\n"
        f"{table}\n"
    )


def document() -> str:
    """Return the page's template."""
    return by_group(HEAD, section)


def main() -> None:
    """Write the page anew."""
    REFERENCE.write_text(document(), encoding="utf-8")
    print(f"Wrote {REFERENCE.relative_to(CHECKOUT)}.")


if __name__ == "__main__":
    main()
