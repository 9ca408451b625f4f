"""What the Pulumi program would create."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..console import stop
from ..failures import stop_because
from ..run import ROOT, ask, read

# Labels and annotations by which this tool knows its own objects.
OWNERSHIP = ("pulumi.com/*",)

# The program's packages, as `pulumi install` puts them there.
VENV = ROOT / "deploy" / "pulumi" / "venv"
# The key that marks a secret's envelope.
_ENVELOPE = "4dabf18193072939515e22adb298388d"


def render(name: str, namespace: str, documents: Sequence[Path], context: str = "") -> list[dict[str, Any]]:
    """Return the objects of an instance `name`, from a values file and, maybe, a second one that wins over it.

    Pulumi asks the cluster of `context` whether it would accept them, if it answers; none is needed.
    """
    check_packages()
    values, *release = (str(document.resolve()) for document in documents)
    config = {"name": name, "values": values} | ({"release": release[0]} if release else {})
    config |= {"kubernetes:namespace": namespace} | ({"kubernetes:context": context} if context else {})
    with TemporaryDirectory() as folder:
        pulumi, variables = stack(Path(folder), "render", config)
        preview = [*pulumi, "preview", "--stack", "render"]
        return objects(_plan(preview, {**os.environ, **variables}, Path(folder) / "plan.json"))


def check_packages() -> None:
    """Stop unless the program's packages are installed."""
    if not VENV.exists():
        stop("the Pulumi program's packages are not installed", "pulumi install --cwd deploy/pulumi")


def stack(folder: Path, name: str, config: Mapping[str, str], root: Path = ROOT) -> tuple[list[str], dict[str, str]]:
    """Make a stack that lives in a folder; return how each command on it begins, and the variables it needs.

    The program is copied there, because to make a stack changes a file beside it. Name the stack in each command: it is
    not selected, as that would be remembered elsewhere.
    """
    program, state = folder / "deploy" / "pulumi", folder / "state"
    ignored = shutil.ignore_patterns("venv", "__pycache__", "Pulumi.*.yaml")
    shutil.copytree(root / "deploy" / "pulumi", program, ignore=ignored)
    shutil.copy(root / "deploy" / "values.schema.json", program.parent)
    (program / "venv").symlink_to(VENV.resolve())
    (program / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    state.mkdir()
    passphrase = os.environ.get("PULUMI_CONFIG_PASSPHRASE", "")
    variables = {"PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_CONFIG_PASSPHRASE": passphrase}
    pulumi = ["pulumi", "--cwd", str(program), "--non-interactive"]
    read([*pulumi, "stack", "init", name, "--no-select"], env={**os.environ, **variables})
    return pulumi, variables


def _plan(preview: list[str], env: dict[str, str], file: Path) -> dict[str, Any]:
    """Return what Pulumi plans for a stack that has nothing yet: all objects are made."""
    # The plan has secrets as they are; what is printed as JSON hides them, but alone tells what went wrong.
    done = ask([*preview, "--json", "--save-plan", str(file), "--show-secrets"], env=env)
    if done.returncode != 0:
        said = _error(done)
        stop_because(said, f"pulumi preview: {said}", "correct the values, or the program in deploy/pulumi")
    planned: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return planned


def _error(preview: subprocess.CompletedProcess[str]) -> str:
    """Return what a preview that failed says about it."""
    try:
        messages = json.loads(preview.stdout)["diagnostics"]
    except (ValueError, KeyError):
        return preview.stderr.strip()
    errors = [one["message"].removeprefix("error: ").strip() for one in messages if one["severity"] == "error"]
    return "\n".join(errors) or preview.stderr.strip()


def objects(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects in a plan of Pulumi's."""
    goals = [resource["goal"] for resource in plan["resourcePlans"].values()]
    return [plain(goal["inputDiff"]["adds"]) for goal in goals if goal["type"].startswith("kubernetes:")]


def plain(value: Any) -> Any:
    """Return a value as the program wrote it: a secret without its envelope, and whole numbers as such."""
    if isinstance(value, dict):
        if _ENVELOPE in value:
            return plain(json.loads(value["plaintext"]))
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
