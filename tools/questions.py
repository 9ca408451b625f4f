"""Makes docs/questions.md and docs/answers.schema.json out of copier.yml: `./nox -s docs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tools.answers import CHECKOUT, questions

PAGE = "questions.md"
SCHEMA = "answers.schema.json"

HEAD = """\
# Questions

What `copier copy` asks. Each has a default that works; `--data NAME=VALUE` or `--data-file FILE` answers without being
asked. [answers.schema.json](answers.schema.json) checks a file of answers. What cannot work is refused with the reason.

<!-- Made from copier.yml by `./nox -s docs`: edit that. -->
"""


def page() -> str:
    """Describe every question."""
    return HEAD + "".join(section(name, question) for name, question in questions().items())


def section(name: str, question: dict[str, Any]) -> str:
    """Describe one question: what it asks, what may be answered, and the default."""
    lines = ["", f"## {name}", "", question["help"], ""]
    default = question["default"]
    if question.get("multiselect"):
        lines += ["| choice | is | by default |", "|---|---|---|"]
        for label, choice in question["choices"].items():
            lines.append(f"| `{choice}` | {label} | {'yes' if choice in default else ''} |")
    else:
        # One that is worked out is said in words.
        shown = "the folder's name, where that can be one" if "{" in default else f"`{default}`"
        lines.append(f"By default: {shown}.")
    return "\n".join(lines) + "\n"


def schema() -> dict[str, Any]:
    """Describe a file of answers; what a validator says of them is not in it."""
    properties: dict[str, Any] = {}
    for name, question in questions().items():
        properties[name] = {"description": question["help"]}
        if question.get("multiselect"):
            items = {"enum": list(question["choices"].values())}
            properties[name] |= {"type": "array", "items": items, "uniqueItems": True}
        else:
            properties[name] |= {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers to the Slipway template",
        "type": "object",
        "properties": properties,
        # Copier's own, in the file that a project keeps.
        "patternProperties": {"^_": True},
        "additionalProperties": False,
    }


def main(folder: Path = CHECKOUT / "docs") -> None:
    """Write both."""
    (folder / PAGE).write_text(page(), encoding="utf-8")
    (folder / SCHEMA).write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
