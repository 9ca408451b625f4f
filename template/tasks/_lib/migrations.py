"""Migrations that the release before cannot work with: found before a deploy, while both would run side by side."""

import re
from pathlib import Path

import yaml

from .console import say, stop
from .run import ROOT, ask

_PATTERNS = Path(__file__).with_name("migrations.yaml")


def check(commit: str) -> None:
    """Stop when a migration since the commit that is deployed takes away what that release uses."""
    # A migration's file, once deployed, never changes: what is new is in files that were added or edited.
    changed = ask(["git", "diff", "--name-only", "--diff-filter=d", "--relative", commit, "--", "*.sql"])
    if changed.returncode != 0:
        say(f"note: the deployed commit {commit[:12]} is not here, so its migrations are not compared: `git fetch`")
        return
    untracked = ask(["git", "ls-files", "--others", "--exclude-standard", "--", "*.sql"]).stdout.splitlines()
    for name in [*changed.stdout.splitlines(), *untracked]:
        found = destructive((ROOT / name).read_text(encoding="utf-8")) if "/migrations/" in name else ""
        if found:
            stop(
                f"{name} is not safe while the deployed release still runs: {found}",
                "add first and remove one release later, or add --destructive: then requests may fail meanwhile",
            )


def destructive(sql: str) -> str:
    """Return the first statement that takes something away, and what that means; empty when there is none."""
    patterns = yaml.safe_load(_PATTERNS.read_text(encoding="utf-8"))
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    for statement in bare.split(";"):
        text = " ".join(statement.split())
        for pattern in patterns:
            if re.search(pattern["says"], text, re.IGNORECASE):
                return f"`{text[:80]}` {pattern['means']}"
    return ""
