"""Plans many values documents with the Terraform root's module at once: one plan, in which each has a copy of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tasks._lib.plan_objects import objects
from tasks._lib.renderers.terraform import offline_copy, planned

Objects = list[dict[str, Any]]


def render_batch(project: Path, cases: dict[str, dict[str, Any]], namespace: str) -> dict[str, Objects]:
    """Return the objects of each case."""
    with tempfile.TemporaryDirectory() as folder:
        root = offline_copy(Path(folder), project)
        (root / "cases.json").write_text(json.dumps({str(number): one for number, one in enumerate(cases.values())}))
        for_each_case(root)
        variables = {"environment": "none", "context": "", "namespace": namespace}
        module, schemas = planned(root, variables)
    made = {child["address"]: objects(child, schemas) for child in module["child_modules"]}
    return {name: made[f'module.app["{number}"]'] for number, name in enumerate(cases)}


def for_each_case(root: Path) -> None:
    """Make the root call its module for each of cases.json, instead of for the document of an environment."""
    call = 'module "app" {\n'
    _, _, arguments = (root / "main.tf").read_text().partition(call)
    assert "module.values.merged." in arguments
    every = '  for_each = jsondecode(file("cases.json"))\n'
    (root / "main.tf").write_text(call + every + arguments.replace("module.values.merged.", "each.value."))
    (root / "outputs.tf").unlink()
