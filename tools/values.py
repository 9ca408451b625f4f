"""Writes the chart's values.yaml.jinja out of the values' schema: each parameter's default, with its description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
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


def by_group(head: str, section: Callable[[str, dict[str, Any]], str]) -> str:
    """Return a template with a section per top-level group, each on the condition that the schema has it on."""
    facts = preset("full")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    tests = conditions(SCHEMA.with_name(SCHEMA.name + ".jinja").read_text(encoding="utf-8"))
    text = head
    for name, group in schema["properties"].items():
        part = section(name, group)
        text += f"{{% if {tests[name]} %}}{part}{{% endif %}}" if name in tests else part
    return text.replace(f"{facts['registry']}/{facts['project_name']}", "{{ registry }}/{{ project_name }}")


def document() -> str:
    """Return the text of values.yaml.jinja."""
    return by_group(_HEAD, lambda name, group: "\n" + "\n".join(lines({"properties": {name: group}})) + "\n")


def main() -> None:
    """Write the file anew."""
    VALUES.write_text(document(), encoding="utf-8")
    print(f"Wrote {VALUES.relative_to(CHECKOUT)}.")


if __name__ == "__main__":
    main()
