"""What the Terraform root would create."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..console import stop
from ..plan_objects import objects
from ..run import ROOT, ask, read

# Labels and annotations by which this tool knows its own objects.
OWNERSHIP: tuple[str, ...] = ()

# A plan of nothing yet, which no state and no cluster is asked for.
_OFFLINE = 'terraform {\n  backend "local" {}\n}\n'


def render(name: str, namespace: str, documents: Sequence[Path], context: str = "") -> list[dict[str, Any]]:
    """Return the objects of an instance `name`, from one or two values files of which the second wins."""
    del context  # No cluster is asked.
    first, second = [*(str(document.resolve()) for document in documents), "", ""][:2]
    variables = {"environment": "", "values": first or os.devnull, "release": second, "context": ""}
    with tempfile.TemporaryDirectory() as folder:
        return objects(*planned(offline_copy(Path(folder)), {**variables, "name": name, "namespace": namespace}))


def offline_copy(folder: Path, project: Path = ROOT) -> Path:
    """Copy a project's Terraform root into a folder, such that it plans without a cluster; return the copy."""
    root = folder / "deploy" / "terraform"
    shutil.copytree(project / "deploy" / "terraform", root, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    shutil.copy(project / "deploy" / "values.schema.json", root.parent)
    (root / "backend_override.tf").write_text(_OFFLINE)
    for source in root.glob("modules/app/*.tf"):
        text = source.read_text()
        if "kubernetes_manifest" in text:
            # A kubernetes_manifest asks the cluster for its kind before it plans; this holds the same, and does not.
            text = text.replace('"kubernetes_manifest"', '"terraform_data"').replace("  manifest = {", "  input = {")
            source.write_text(text)
    return root


def planned(root: Path, variables: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a root without any state would create, and the provider's schemas."""
    terraform = ["terraform", f"-chdir={root}"]
    given = [f"-var={name}={value}" for name, value in variables.items()]
    plan = ["plan", "-json", "-input=false", "-lock=false", "-refresh=false", "-out=plan"]
    environment = _environment()
    read([*terraform, "init", "-input=false", "-no-color"], env=environment, fix="see the message above")
    done = ask([*terraform, *plan, *given], env=environment)
    if done.returncode != 0:
        stop(_errors(done.stdout) or done.stderr.strip(), "correct the values, or deploy/terraform")
    shown = json.loads(read([*terraform, "show", "-json", "plan"], env=environment))
    schemas = json.loads(read([*terraform, "providers", "schema", "-json"], env=environment))
    return shown["planned_values"]["root_module"], schemas


def _errors(messages: str) -> str:
    """Return the errors among Terraform's messages, of which each is a line of JSON."""
    found = [json.loads(line).get("diagnostic", {}) for line in messages.splitlines()]
    errors = [one["detail"] or one["summary"] for one in found if one.get("severity") == "error"]
    return "\n".join(error.partition("\n\nThis was checked by")[0].strip() for error in errors)


def cache() -> str:
    """Return the folder in which Terraform keeps the provider between runs: the user's own, or this project's."""
    if "TF_PLUGIN_CACHE_DIR" in os.environ:
        return os.environ["TF_PLUGIN_CACHE_DIR"]
    folder = ROOT / ".slipway" / "terraform"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _environment() -> dict[str, str]:
    """Return this process's environment, such that the provider is fetched once."""
    # Collecting garbage seldom makes a plan faster by a third.
    own = {"GOGC": "800", "TF_PLUGIN_CACHE_DIR": cache(), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true"}
    return own | os.environ
