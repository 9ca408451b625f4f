"""Reads the files of a rendered project, or of template/ without what git ignores."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path


def files(root: Path) -> list[Path]:
    """List every file under a folder, relative to it and sorted; not those of git itself."""
    relative = (path.relative_to(root) for path in root.rglob("*") if not path.is_dir())
    return sorted(path for path in relative if path.parts[0] != ".git")


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Read every file that is UTF-8 text."""
    for path in files(root):
        try:
            yield path, (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def source_files(root: Path) -> list[Path]:
    """List the files under a folder of a git checkout that git has or would add, relative to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(Path(name) for name in set(listed.split("\0")) if name and (root / name).exists())
