"""Renders many values documents with the chart."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

Objects = list[dict[str, Any]]


def render_batch(project: Path, cases: dict[str, dict[str, Any]], namespace: str) -> dict[str, Objects]:
    """Return the objects of each case."""

    def one(values: dict[str, Any]) -> Objects:
        command = ["helm", "template", "acme-notes", "deploy/helm", "--namespace", namespace]
        done = subprocess.run(
            [*command, "--kube-version", "1.35.0", "--values", "-"],
            cwd=project,
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [found for found in yaml.load_all(done.stdout, yaml.CSafeLoader) if found]

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cases, pool.map(one, cases.values()), strict=True))
