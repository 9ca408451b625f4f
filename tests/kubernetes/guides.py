"""Reads a guide as somebody who follows it: its console commands, from the top."""

from __future__ import annotations

import re
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(guide: Path) -> list[str]:
    """Return the commands of a guide in their order, each as it stands after its `$ `."""
    blocks = _BLOCK.findall(guide.read_text(encoding="utf-8"))
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def script(guide: Path) -> str:
    """Return a shell script of a guide, which says each command before it runs it and stops at the first that fails."""
    lines = ["set -eu"]
    for command in commands(guide):
        lines += [f"printf '%s\\n' {_quoted(f'$ {command}')}", command]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
