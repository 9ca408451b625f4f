"""Reads an OCI image layout: the platforms of an image, their sizes, and files out of their layers."""

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .console import stop
from .run import ROOT, need


@dataclass(frozen=True)
class Part:
    """The image of one platform: its manifest's digest and its compressed size in bytes."""

    platform: str
    digest: str
    size_bytes: int
    layers: tuple[str, ...]


class Layout:
    """An OCI image layout in memory: small here, because the images are."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Take the layout's files by name."""
        self._files = files
        (root,) = self._json("index.json")["manifests"][:1]
        self.digest: str = root["digest"]

    @classmethod
    def of_folder(cls, folder: Path) -> "Layout":
        """Read a layout that a builder wrote (`type=oci,tar=false`)."""
        return cls({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()})

    @classmethod
    def of_engine(cls, reference: str) -> "Layout":
        """Read an image out of the engine. Stops when it is not there."""
        need("docker")
        done = subprocess.run(["docker", "image", "save", reference], cwd=ROOT, capture_output=True, check=False)
        if done.returncode != 0:
            stop(f"the engine has no image {reference}", "make it: `inv build`")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            return cls({member.name: _content(archive, member) for member in archive if member.isfile()})

    def parts(self) -> Iterator[Part]:
        """Yield the image of each platform (attestations are none)."""
        yield from self._parts(self.digest, None)

    def _parts(self, digest: str, platform: dict[str, str] | None) -> Iterator[Part]:
        document = self._blob(digest)
        for entry in document.get("manifests", ()):
            if entry.get("platform", {}).get("os") != "unknown":
                yield from self._parts(entry["digest"], entry.get("platform"))
        if "config" in document:
            named = platform or self._blob(document["config"]["digest"])
            size = document["config"]["size"] + sum(layer["size"] for layer in document["layers"])
            layers = tuple(layer["digest"] for layer in document["layers"])
            yield Part(platform_name(named), digest, size, layers)

    def file(self, part: Part, name: str) -> bytes | None:
        """Return a file of a platform's image, as its topmost layer has it; None when none has."""
        for digest in reversed(part.layers):
            content = self._files[f"blobs/{digest.replace(':', '/')}"]
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            with tarfile.open(fileobj=io.BytesIO(content)) as layer:
                if name in layer.getnames():
                    return _content(layer, layer.getmember(name))
        return None

    def _blob(self, digest: str) -> dict[str, Any]:
        return self._json(f"blobs/{digest.replace(':', '/')}")

    def _json(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._files[name])
        return document


def platform_name(named: dict[str, str]) -> str:
    """Return `os/architecture[/variant]` as Docker writes it (arm64's v8 goes without saying)."""
    variant = named.get("variant", "")
    tail = f"/{variant}" if variant and not (named["architecture"] == "arm64" and variant == "v8") else ""
    return f"{named['os']}/{named['architecture']}{tail}"


def slug(platform: str) -> str:
    """Return a platform as a tag or a folder can have it: linux-arm-v7."""
    return platform.replace("/", "-")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read() if stream else b""
