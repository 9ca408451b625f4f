"""Writes the chart's values.yaml.jinja out of the values' schema: each parameter's default, with its description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.answers import CHECKOUT, preset

SCHEMA = CHECKOUT / "template" / "deploy" / "values.schema.json"
VALUES = CHECKOUT / "template" / "deploy" / "helm" / "values.yaml.jinja"

_HEAD = """\
# Every parameter with its default; docs/deployment/configuration-reference.md says more.
# An environment's own values are in deploy/environments/.
"""


def conditions(template: str) -> dict[str, str]:
    """Read, from the schema's .jinja file, on which condition each top-level parameter is there."""
    return {name: test for test, name in re.findall(r'^\{%- if (.+) %\}\n {4}"(\w+)": \{$', template, re.MULTILINE)}


def lines(schema: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the lines of one group of parameters."""
    for name, parameter in schema["properties"].items():
        comment = f"{indent}# {parameter['description']}"
        if "properties" in parameter:
            yield from (comment, f"{indent}{name}:")
            yield from lines(parameter, indent + "  ")
        else:
            yield from (comment, f"{indent}{name}: {json.dumps(parameter['default'], ensure_ascii=False)}")


def document() -> str:
    """Return the text of values.yaml.jinja."""
    facts = preset("full")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    tests = conditions(SCHEMA.with_name(SCHEMA.name + ".jinja").read_text(encoding="utf-8"))
    text = _HEAD
    for name, parameter in schema["properties"].items():
        part = "\n" + "\n".join(lines({"properties": {name: parameter}})) + "\n"
        text += f"{{% if {tests[name]} %}}{part}{{% endif %}}" if name in tests else part
    return text.replace(f"{facts['registry']}/{facts['project_name']}", "{{ registry }}/{{ project_name }}")


def main() -> None:
    """Write the file anew."""
    VALUES.write_text(document(), encoding="utf-8")
    print(f"Wrote {VALUES.relative_to(CHECKOUT)}.")


if __name__ == "__main__":
    main()
