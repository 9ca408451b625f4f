"""What the plain manifests would create."""

import shutil
import tempfile
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from .. import overlay
from ..objects import parse
from ..run import ROOT, read
from ..values import SCHEMA, Values, merge

# This way leaves no marks on its objects.
OWNERSHIP: tuple[str, ...] = ()

_MANIFESTS = Path("deploy/kubernetes")


def render(name: str, namespace: str, documents: Sequence[Path], context: str = "") -> list[dict[str, Any]]:
    """Return the objects of an instance `name`, from values files of which a later one wins."""
    del context  # No cluster is asked.
    read_documents = [yaml.safe_load(document.read_text(encoding="utf-8")) or {} for document in documents]
    values: Values = reduce(merge, read_documents, {})
    # In a copy, because an overlay stands beside its manifests, and this one is nobody's to keep.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / _MANIFESTS, copy / _MANIFESTS, ignore=shutil.ignore_patterns("overlays"))
        shutil.copy(ROOT / SCHEMA, copy / SCHEMA)
        rendered = copy / _MANIFESTS / "overlays" / "rendered"
        overlay.write(rendered, name, namespace, values)
        text = read(["kubectl", "kustomize", str(rendered)], fix="correct the values, or the manifests")
    return parse(text)
