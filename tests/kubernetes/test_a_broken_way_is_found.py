"""Promise: whichever way is broken, and however little, the comparison sees it and names the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from tests.kubernetes import batch_helm
from tests.kubernetes.conftest import NAMESPACE, Objects, Values, marked, part, tasks_of
from tests.kubernetes.workplace import Workplace

pytestmark = [pytest.mark.helm, pytest.mark.xdist_group("faults")]


@dataclass(frozen=True)
class Fault:
    """A text of a way's files that became another one, and the line by which the comparison must tell it."""

    name: str
    way: str
    file: str
    before: str
    after: str
    line: str


BACKEND = "Deployment/acme-notes-backend.spec.template"
CONTAINER = f"{BACKEND}.spec.containers[0]"
PORT = f"~ {CONTAINER}.ports[0].containerPort: 8080 → 8081"
SETTINGS = "ConfigMap/acme-notes-config.metadata"

FAULTS = [
    Fault(
        "lost field",
        "helm",
        "templates/_pod.tpl",
        "enableServiceLinks: false\n",
        "",
        f"- {BACKEND}.spec.enableServiceLinks: False",
    ),
    Fault(
        "lost field",
        "kubernetes",
        "base/network.yaml",
        "  ingress: []\n",
        "",
        "- NetworkPolicy/acme-notes.spec.ingress: []",
    ),
    Fault(
        "lost field",
        "terraform",
        "modules/app/deployments.tf",
        "          empty_dir {}\n",
        "",
        f"- {BACKEND}.spec.volumes[0].emptyDir: {{}}",
    ),
    Fault(
        "lost field",
        "pulumi",
        "app/pod.py",
        '        "read_only_root_filesystem": True,\n',
        "",
        f"- {CONTAINER}.securityContext.readOnlyRootFilesystem: True",
    ),
    Fault("other port", "helm", "templates/backend.yaml", '"port" 8080', '"port" 8081', PORT),
    Fault("other port", "kubernetes", "base/backend.yaml", "containerPort: 8080", "containerPort: 8081", PORT),
    Fault("other port", "terraform", "modules/app/services.tf", "= 8080", "= 8081", PORT),
    Fault("other port", "pulumi", "app/backend.py", "port=8080", "port=8081", PORT),
    Fault(
        "new annotation",
        "helm",
        "templates/_pod.tpl",
        "      annotations:\n",
        "      annotations:\n        example.com/more: here\n",
        f"+ {BACKEND}.metadata.annotations.example.com/more: here",
    ),
    Fault(
        "new annotation",
        "kubernetes",
        "base/config.yaml",
        "  labels:\n",
        "  annotations:\n    example.com/more: here\n  labels:\n",
        f"+ {SETTINGS}.annotations.example.com/more: here",
    ),
    Fault(
        "new annotation",
        "terraform",
        "modules/app/config.tf",
        "  metadata {\n",
        '  metadata {\n    annotations = { "example.com/more" = "here" }\n',
        f"+ {SETTINGS}.annotations.example.com/more: here",
    ),
    Fault(
        "new annotation",
        "pulumi",
        "app/config.py",
        'app.metadata(name(app), "config")',
        'app.metadata(name(app), "config", annotations={"example.com/more": "here"})',
        f"+ {SETTINGS}.annotations.example.com/more: here",
    ),
]

every_fault = pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=marked(fault.way), id=f"{fault.way}-{fault.name}") for fault in FAULTS]
)


@pytest.fixture(scope="module")
def chart(everything: Path, canonical: Callable[[list[Values]], Objects]) -> Objects:
    """What the chart makes when nothing is said."""
    return canonical(batch_helm.render_batch(everything, {"default": {}}, NAMESPACE)["default"])


@every_fault
def test_a_fault_is_named(
    everything: Path,
    workplace: Callable[[Path], Workplace],
    canonical: Callable[[list[Values]], Objects],
    chart: Objects,
    fault: Fault,
) -> None:
    work = workplace(everything)
    work.change(f"deploy/{fault.way}/{fault.file}", fault.before, fault.after)
    render_batch = import_module(f"tests.kubernetes.batch_{fault.way}").render_batch
    broken = canonical(render_batch(work.folder, {"default": {}}, NAMESPACE)["default"])
    assert fault.line in part(tasks_of(everything), "differences").compare(chart, broken)
