"""Promise: what is in an image is read from the image itself, so a wrong program cannot pass."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path

import pytest
from invoke.exceptions import Exit
from tasks._lib import elf, proof
from tasks._lib.layout import Layout

MACHINES = {"linux/amd64": 62, "linux/arm64": 183, "linux/arm/v7": 40}


def program(platform: str, *, static: bool = True) -> bytes:
    """Return the head of an ELF file for a platform, with one program header."""
    wide = platform != "linux/arm/v7"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    head = struct.pack("<HHI", 2, MACHINES[platform], 1)
    head += struct.pack("<QQQ" if wide else "<III", 0, 64 if wide else 52, 0)
    head += struct.pack("<IHHHHHH", 0, 64 if wide else 52, 56 if wide else 32, 1, 0, 0, 0)
    return ident + head + struct.pack("<I", 1 if static else 3) + bytes(60)


@pytest.mark.parametrize("platform", MACHINES)
@pytest.mark.parametrize("static", [True, False])
def test_elf_heads(platform: str, static: bool) -> None:
    assert elf.describe(program(platform, static=static)) == (platform, static)


def test_not_elf() -> None:
    with pytest.raises(ValueError, match="not an ELF file"):
        elf.describe(b"#!/bin/sh")


def layout(folder: Path, programs: dict[str, bytes]) -> Layout:
    """Write an image layout with one layer per platform, as a builder does."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"digest": f"sha256:{name}", "size": len(content)}

    manifests = []
    for platform, content in programs.items():
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w:gz") as archive:
            member = tarfile.TarInfo("usr/local/bin/backend")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        system, architecture, *variant = platform.split("/")
        named = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
        manifest = {"config": blob(json.dumps(named).encode()), "layers": [blob(layer.getvalue())]}
        manifests.append(blob(json.dumps(manifest).encode()) | {"platform": named})
    attestation = blob(b"{}") | {"platform": {"os": "unknown", "architecture": "unknown"}}
    index = blob(json.dumps({"manifests": [*manifests, attestation]}).encode())
    (folder / "index.json").write_text(json.dumps({"manifests": [index]}))
    return Layout.of_folder(folder)


def test_a_right_image_is_proven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = layout(tmp_path, {platform: program(platform) for platform in MACHINES})
    parts = proof.prove("backend", read, list(MACHINES), None)
    assert set(parts) == set(MACHINES)
    assert all(part.size_bytes > 0 for part in parts.values())
    assert "backend linux/arm/v7: static" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({"linux/arm64": program("linux/amd64")}, "backend for linux/arm64 holds a program for linux/amd64"),
        ({"linux/arm64": program("linux/arm64", static=False)}, "not linked statically"),
        ({"linux/arm64": b"#!/bin/sh\n"}, "is not an ELF file"),
        ({"linux/amd64": program("linux/amd64")}, "has no image for linux/arm64"),
    ],
)
def test_a_wrong_image_is_refused(tmp_path: Path, programs: dict[str, bytes], said: str) -> None:
    with pytest.raises(Exit, match=said):
        proof.prove("backend", layout(tmp_path, programs), ["linux/arm64"], None)


def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exit, match="has no /usr/local/bin/cli"):
        proof.prove("cli", layout(tmp_path, {"linux/arm64": program("linux/arm64")}), ["linux/arm64"], None)
