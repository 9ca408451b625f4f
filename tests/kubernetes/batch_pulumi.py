"""Runs a project's Pulumi program for many values in one process, with the SDK's mocks: no engine, no cluster."""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Objects = list[dict[str, Any]]

# What the program imports; this file's own process may lack it.
PACKAGES = ("pulumi", "pulumi_kubernetes", "jsonschema", "yaml")


def render_batch(project: Path, cases: dict[str, dict[str, Any]], namespace: str) -> dict[str, Objects]:
    """Return each case's objects."""
    from tasks._lib.renderers.pulumi import plain

    done = subprocess.run(
        [python(), __file__, str(project / "deploy" / "pulumi"), namespace],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the program ended with exit code {done.returncode}:\n{done.stderr}")
    rendered: dict[str, Objects] = plain(json.loads(done.stdout))
    return rendered


@cache
def python() -> str:
    """Return an interpreter that has what the program needs."""
    question = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {PACKAGES})))"
    for candidate in filter(None, (os.environ.get("PULUMI_PYTHON_CMD"), sys.executable)):
        if subprocess.run([candidate, "-c", question], check=False).returncode == 0:
            return candidate
    raise RuntimeError(f"no Python with {', '.join(PACKAGES)}: name one in PULUMI_PYTHON_CMD, or install them here")


def run_here(program: Path, cases: dict[str, Any], namespace: str) -> dict[str, Objects]:
    """Run the program in this process, once for each case."""
    import pulumi
    from pulumi.runtime.rpc import unwrap_rpc_secret

    class Recorder:
        """Stands for the engine, as pulumi.runtime.Mocks, and keeps what is asked of it."""

        def __init__(self) -> None:
            self.objects: Objects = []

        def call(self, args: Any) -> Any:
            raise AssertionError(f"the program calls {args.token}")

        def new_resource(self, args: Any) -> Any:
            self.objects.append({key: unwrap_rpc_secret(value) for key, value in args.inputs.items()})
            return args.name, args.inputs

    def case(values: Path) -> Objects:
        recorder = Recorder()
        pulumi.runtime.set_mocks(recorder, project="acme-notes", stack="test", preview=True)
        pulumi.runtime.set_all_config({"kubernetes:namespace": namespace, "acme-notes:values": str(values)})
        pulumi.runtime.test(lambda: runpy.run_path(str(program / "__main__.py")) and None)()
        return recorder.objects

    sys.path.insert(0, str(program))
    rendered = {}
    with TemporaryDirectory() as folder:
        for name, values in cases.items():
            document = Path(folder) / "values.yaml"
            document.write_text(json.dumps(values), encoding="utf-8")
            rendered[name] = case(document)
    return rendered


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        answer = run_here(Path(sys.argv[1]), json.load(sys.stdin), sys.argv[2])
    print(json.dumps(answer))
