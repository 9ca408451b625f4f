"""Makes a database of vulnerabilities for trivy, as small as can be: the one file that trivy reads, written by hand.

The file is bbolt's (https://github.com/etcd-io/bbolt): pages of 4,096 bytes, buckets in buckets, and what fits into a
page lies inside its parent. What trivy keeps in which bucket: https://github.com/aquasecurity/trivy-db.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = 4096
_HEADER = struct.Struct("<QHHI")  # number, kind, count of elements, further pages
_ELEMENT = struct.Struct("<IIII")  # kind, distance to the key, lengths of key and value
_META, _FREE, _LEAF = 0x04, 0x10, 0x02
_BUCKET = 0x01

# Releases that others' images are made of; trivy keeps what concerns each by itself.
_DEBIAN = ("debian 12", "debian 13", "debian 14", "debian forky/sid")

# The name of the one advisory.
ADVISORY = "CVE-2030-0001"

Bucket = Mapping[str, "Bucket | bytes"]


def _leaf(number: int, bucket: Bucket) -> bytes:
    """Return a page with a bucket's keys; buckets in it lie inside."""
    values = {
        key: (0, value) if isinstance(value, bytes) else (_BUCKET, struct.pack("<QQ", 0, 0) + _leaf(0, value))
        for key, value in sorted(bucket.items())
    }
    elements, data = b"", b""
    for index, (key, (kind, value)) in enumerate(values.items()):
        distance = (len(values) - index) * _ELEMENT.size + len(data)
        elements += _ELEMENT.pack(kind, distance, len(key.encode()), len(value))
        data += key.encode() + value
    return _HEADER.pack(number, _LEAF, len(values), 0) + elements + data


def _meta(number: int) -> bytes:
    """Return a page that says where everything is: the list of free pages on page 2, the root on page 3."""
    known = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, 3, 0, 2, 4, number)
    checksum = 0xCBF29CE484222325  # FNV-1a
    for byte in known:
        checksum = (checksum ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return _HEADER.pack(number, _META, 0, 0) + known + struct.pack("<Q", checksum)


def _file(root: Bucket) -> bytes:
    pages = [_meta(0), _meta(1), _HEADER.pack(2, _FREE, 0, 0), _leaf(3, root)]
    assert all(len(page) <= PAGE for page in pages), "this writer knows one page"
    return b"".join(page.ljust(PAGE, b"\0") for page in pages)


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


def write(cache: Path, package: str, fixed: str) -> None:
    """Write a database into trivy's cache folder, in which every version of a package before `fixed` is vulnerable.

    It is a crate, or a package of Debian's.
    """
    crate = {"VulnerableVersions": [f"< {fixed}"], "PatchedVersions": [fixed]}
    advisories = {"cargo::Open Source Vulnerability": crate} | {release: {"FixedVersion": fixed} for release in _DEBIAN}
    source = {"ID": "small", "Name": "A small database", "URL": "https://example.org"}
    root: Bucket = {
        **{bucket: {package: {ADVISORY: _text(advisory)}} for bucket, advisory in advisories.items()},
        "data-source": dict.fromkeys(advisories, _text(source)),
        "vulnerability": {ADVISORY: _text({"Title": f"{package} does what it should not", "Severity": "HIGH"})},
    }
    folder = cache / "db"
    folder.mkdir(parents=True)
    (folder / "trivy.db").write_bytes(_file(root))
    times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2099-01-01T00:00:00Z")
    (folder / "metadata.json").write_text(json.dumps({"Version": 2, **times}))
