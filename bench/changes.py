"""What happens to a project between two builds of the benchmark."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

# A function of the shared crate, so that every binary is affected, and a text that ends up in them.
_EDITED = ("crates/common/src/about.rs", "unknown")


def edit(project: Path) -> None:
    """Change one line of source as no build before it saw it: the same edit again would come from the cache."""
    path = project / _EDITED[0]
    text = path.read_text()
    before = f'"{_EDITED[1]}"'
    if before not in text:
        raise SystemExit(f"bench: {path} no longer has {before}; choose another line to edit in bench/changes.py")
    path.write_text(text.replace(before, f'"{uuid4().hex}"'))


def add_dependency(project: Path, name: str) -> None:
    """Let the backend depend on a small crate that the lock file already has, so that no network is needed.

    It goes by a name that no build before saw, as the edit does: cargo-chef's layers for one platform would else serve
    for three.
    """
    _depend(project, f'{name}-{uuid4().hex} = {{ package = "{name}", version = "1" }}')
    _lock(project)


def add_crates(project: Path, count: int) -> None:
    """Give the workspace small crates that the backend depends on."""
    for number in range(count):
        folder = project / "crates" / f"extra{number}"
        (folder / "src").mkdir(parents=True)
        (folder / "Cargo.toml").write_text(f'[package]\nname = "extra{number}"\nversion = "0.1.0"\nedition = "2024"\n')
        (folder / "src/lib.rs").write_text(f"//! One small crate more.\npub const NUMBER: u32 = {number};\n")
        _depend(project, f'extra{number} = {{ path = "../extra{number}" }}')
    _lock(project)


def keep_binaries(project: Path, count: int) -> None:
    """Leave the workspace this many binaries: the backend and those after it; what lacks is a copy of the last."""
    names = ["backend", "frontend", "cli"]
    for name in names[count:]:
        shutil.rmtree(project / "crates" / name)
    for number in range(len(names), count):
        _copy_binary(project, names[-1], f"{names[-1]}{number}")
    _lock(project)


def _depend(project: Path, line: str) -> None:
    """Give the backend one dependency more, as its manifest says it."""
    manifest = project / "crates/backend/Cargo.toml"
    manifest.write_text(manifest.read_text().replace("[dependencies]\n", f"[dependencies]\n{line}\n", 1))


def _copy_binary(project: Path, name: str, copy: str) -> None:
    shutil.copytree(project / "crates" / name, project / "crates" / copy)
    manifest = project / "crates" / copy / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace(f'name = "{name}"', f'name = "{copy}"', 1))


def _lock(project: Path) -> None:
    """Let cargo bring the lock file up to date."""
    subprocess.run(
        ["cargo", "metadata", "--offline", "--format-version=1"], cwd=project, check=True, capture_output=True
    )
