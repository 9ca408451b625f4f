"""Renders many values documents with the plain manifests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.conftest import tasks_of

Objects = list[dict[str, Any]]


def render_batch(project: Path, cases: dict[str, dict[str, Any]], namespace: str) -> dict[str, Objects]:
    """Return the objects of each case."""
    overlay = import_module(f"{tasks_of(project).__name__}._lib.overlay")
    # It ends soon; what it would collect is not worth the time.
    environment = os.environ | {"GOGC": "off"}
    with tempfile.TemporaryDirectory() as copy:
        manifests = Path(copy) / "kubernetes"
        shutil.copytree(project / "deploy/kubernetes", manifests)
        shutil.copy(project / "deploy/values.schema.json", copy)

        def one(numbered: tuple[int, dict[str, Any]]) -> Objects:
            number, values = numbered
            folder = manifests / "overlays" / str(number)
            overlay.write(folder, "acme-notes", namespace, values)
            command = ["kubectl", "kustomize", str(folder)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return [found for found in yaml.load_all(done.stdout, yaml.CSafeLoader) if found]

        with ThreadPoolExecutor(2) as pool:
            return dict(zip(cases, pool.map(one, enumerate(cases.values())), strict=True))
