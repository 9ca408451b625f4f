"""The template with all its releases and this checkout as the newest: what updates are tried and measured on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from tools.answers import CHECKOUT
from tools.rendering import commit, snapshot

# Version and commit, oldest first.
RELEASES: dict[str, str] = yaml.safe_load(Path(__file__).with_name("releases.yaml").read_text(encoding="utf-8"))
NEWEST = "v99.0.0"


def with_releases(folder: Path) -> Path:
    """Clone the template into a folder, tag every release, and add this checkout, with a line more, as the newest.

    Raises ValueError when this checkout's history does not go back to a release.
    """
    _git(CHECKOUT, "clone", "--quiet", str(CHECKOUT), str(folder))
    for name, hash_ in RELEASES.items():
        if subprocess.run(["git", "cat-file", "-e", hash_], cwd=folder, capture_output=True, check=False).returncode:
            raise ValueError(f"{name} is not in this checkout's history: fetch all of it (`git fetch --unshallow`).")
        _git(folder, "tag", "--force", name, hash_)
    _git(folder, "rm", "-r", "--quiet", ".")
    snapshot(folder)
    toolchain = folder / "template/rust-toolchain.toml"
    toolchain.write_text(toolchain.read_text(encoding="utf-8") + "# a later line\n", encoding="utf-8")
    commit(folder, NEWEST)
    _git(folder, "tag", NEWEST)
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
