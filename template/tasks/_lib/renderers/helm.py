"""What the chart would create."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..objects import parse
from ..run import ROOT, read

# Labels and annotations by which this tool knows its own objects.
OWNERSHIP = ("helm.sh/chart", "meta.helm.sh/*")

CHART = ROOT / "deploy" / "helm"
# The chart does not ask for the version; what is rendered must not depend on the helm at hand.
_VERSION = "1.35.0"


def render(name: str, namespace: str, documents: Sequence[Path], context: str = "") -> list[dict[str, Any]]:
    """Return the objects of an instance `name`, from values files of which a later one wins."""
    del context  # No cluster is asked.
    files = [argument for document in documents for argument in ("--values", str(document))]
    command = ["helm", "template", name, str(CHART), "--namespace", namespace, "--kube-version", _VERSION, *files]
    return parse(read(command, fix="correct the values, or the chart"))
