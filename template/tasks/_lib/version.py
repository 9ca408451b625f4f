"""The version of the workspace, and what the changelog says of it."""

import re

from .console import stop
from .run import ROOT


def current() -> str:
    """Return the version that Cargo.toml gives all crates."""
    found = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "0.0.0"


def notes(tag: str) -> str:
    """Return what the changelog says of this version; stop when the tag is not its own, or nothing is said."""
    version = current()
    if tag != f"v{version}":
        fix = f"tag this commit v{version}, or one whose Cargo.toml has version {tag.removeprefix('v')}"
        stop(f"the tag is {tag}, but Cargo.toml has version {version}", fix)
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(version)}\b.*\n((?:(?!## ).*\n?)*)", text, re.MULTILINE)
    if not section or not section[1].strip():
        stop(f"CHANGELOG.md says nothing of {version}", f"write what changed under a heading `## {version}`")
    return section[1].strip() + "\n"
