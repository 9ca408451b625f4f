"""Migrations that the release before cannot work with: found before a deploy, while both would run side by side."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from . import history
from .console import say, stop
from .images import Image
from .run import ROOT, ask, read

_PATTERNS = Path(__file__).with_name("migrations.yaml")
_MADE = re.compile(r"^create table (?:if not exists )?([\w.\"]+)", re.IGNORECASE)
_CHANGED = re.compile(r"^(?:alter table|create unique index .*?\bon) (?:if exists |only )*([\w.\"]+)", re.IGNORECASE)


def source(images: Iterable[Image]) -> str:
    """Return the commit that some images are of; empty where they differ, do not say, or name none that is here."""
    commits = {image.commit for image in images} - {""}
    if len(commits) != 1:
        return ""
    one = commits.pop()
    return one if history.is_here(one) else ""


def check(before: str, new: str) -> None:
    """Stop when a migration takes away what the release that runs uses.

    `before` is the commit of that release, `new` that of what is deployed: empty for the files as they are here.
    """
    # A migration's file, once deployed, never changes: what is new is in files that were added or edited.
    sides = [side for side in (before, new) if side]
    # By -z, names are as they are: without it, git writes others than ASCII's in its own way.
    changed = ask(["git", "diff", "--name-only", "-z", "--diff-filter=d", "--relative", *sides, "--", "*.sql"])
    if changed.returncode != 0:
        _cannot_compare(before)
        return
    names = changed.stdout
    if not new:
        names += ask(["git", "ls-files", "-z", "--others", "--exclude-standard", "--", "*.sql"]).stdout
    for name in names.split("\0"):
        found = destructive(_text(name, new)) if "/migrations/" in name else ""
        if found:
            stop(
                f"{name} is not safe while the deployed release still runs: {found}",
                "add first and remove one release later, or add --destructive: then requests may fail meanwhile",
            )


def _text(name: str, commit: str) -> str:
    """Return a file as a commit has it, or as it is here."""
    return read(["git", "show", f"{commit}:./{name}"]) if commit else (ROOT / name).read_text(encoding="utf-8")


def _cannot_compare(commit: str) -> None:
    """Stop where git could tell what is new, and say so where there is no git to ask."""
    if ask(["git", "rev-parse", "--git-dir"]).returncode == 0:
        stop(
            f"the deployed commit {commit[:12]} is not in this checkout, so nobody knows which migrations are new",
            "get it: `git fetch --all`, in a shallow checkout `git fetch --unshallow`; or add --destructive",
        )
    say("note: this folder is no git checkout, so nobody knows which migrations are new")


def destructive(sql: str) -> str:
    """Return the first statement that takes something away, and what that means; empty when there is none."""
    patterns = yaml.safe_load(_PATTERNS.read_text(encoding="utf-8"))
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    statements = [" ".join(statement.split()) for statement in bare.split(";")]
    # Nobody uses yet what is made here.
    made = {found[1].lower() for text in statements if (found := _MADE.search(text))}
    for text in statements:
        changed = _CHANGED.search(text)
        if changed and changed[1].lower() in made:
            continue
        for pattern in patterns:
            if re.search(pattern["says"], text, re.IGNORECASE):
                return f"`{text[:80]}` {pattern['means']}"
    return ""
