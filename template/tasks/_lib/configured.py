"""Images of others with our configuration: how one is built, and whether two of them are the same."""

import hashlib
import re
from pathlib import Path
from typing import Any

from . import images
from .run import ROOT, ask

# Says what an image was made of. Its digest says less: files' times make it another wherever it is built.
_CONTENT = "slipway.content"
_FOLDER = "deploy/compose"
_BASE = re.compile(r"^ARG (\w+_BASE_IMAGE)=(\S+)", re.MULTILINE)


def target(name: str, bases: dict[str, str]) -> dict[str, Any]:
    """Return how an image is built, as a bake file says it. `bases` may name its base at a mirror."""
    base = images.variable(name, "BASE_IMAGE")
    arguments = {base: bases[base]} if base in bases else {}
    return {
        "context": f"{_FOLDER}/{name}",
        "args": arguments,
        "labels": {_CONTENT: _content(ROOT / _FOLDER / name, arguments)},
    }


def same(docker: list[str], one: str, other: str) -> bool:
    """Return whether an engine has both images, and they were made of the same."""
    form = f'{{{{index .Config.Labels "{_CONTENT}"}}}}'
    said = [ask([*docker, "image", "inspect", reference, "--format", form]) for reference in (one, other)]
    first, second = (done.stdout.strip() if done.returncode == 0 else "" for done in said)
    return first == second != ""


def _content(folder: Path, arguments: dict[str, str]) -> str:
    """Return a checksum of a folder, and of what stands now under the names of its base images."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        executable = bool(path.stat().st_mode & 0o100)
        found.update(f"{path.relative_to(folder)} {executable} {path.stat().st_size}\n".encode() + path.read_bytes())
    named = dict(_BASE.findall((folder / "Dockerfile").read_text(encoding="utf-8"))) | arguments
    for name, reference in sorted(named.items()):
        # Without a way to the registry, the name has to do.
        found.update(f"{name} {reference} {images.ask_registry(reference).stdout.strip()}\n".encode())
    return found.hexdigest()[:32]
