"""Promise: a command that a document, an alert or a message names is one that there is."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

from invoke.exceptions import ParseError
from invoke.parser import Parser, ParserContext

from tools.trees import files

NAMED = re.compile(r"`inv ([a-z][^`\n]*)`|^\s*(?:\$|- run:|run:) inv ([a-z][^\n#]*)", re.MULTILINE)
# What may be left out, and what is put in: by an f-string, by whoever reads.
OPTIONAL = re.compile(r"\[.*?\]")
VALUE = re.compile(r"\{\{.*?\}\}|\{.*?\}|…|\bN\b")
# The rest of a shell's line.
SHELL = re.compile(r"\s(?:\|+|&&|>>?|<)\s.*$|\s*\\$")


def refusal(reader: Parser, command: str) -> str:
    """Why the tasks would refuse a command; empty when they would not. A name alone stands for the task."""
    if command in reader.contexts:
        return ""
    try:
        reader.parse_argv(shlex.split(command))
    except ParseError as error:
        return str(error)
    return ""


def wrong(root: Path) -> list[str]:
    """Each command in a tree that its tasks would refuse, with the file that names it."""
    namespace = importlib.import_module("tasks").namespace
    reader = Parser(contexts=namespace.to_contexts(), initial=ParserContext())
    found = []
    for path in files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for match in NAMED.finditer(text):
            command = SHELL.sub("", OPTIONAL.sub("", match[1] or match[2])).strip()
            # What is put in may be a value, or flags, or nothing; a flag may be named without its value.
            forms = [VALUE.sub("1", command), VALUE.sub("", command).strip(), VALUE.sub("1", f"{command} 1")]
            reasons = [refusal(reader, form) for form in forms]
            if all(reasons):
                found.append(f"{path}: inv {command}: {reasons[0]}")
    return found


def test_every_command_is_there(everything: Path) -> None:
    assert wrong(everything) == []


def test_one_that_is_not_there_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("`inv logs postgres`, `inv logs --service postgres`\n\n    $ inv deplyo\n")
    assert [line.split(": ")[1] for line in wrong(tmp_path)] == ["inv logs postgres", "inv deplyo"]
