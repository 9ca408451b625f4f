"""Promise: whichever way is broken, and however little, the comparison sees it and names the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from tests.kubernetes import batch_helm
from tests.kubernetes.conftest import NAMESPACE, Objects, Values, every_way, part, tasks_of
from tests.kubernetes.workplace import Workplace

pytestmark = [pytest.mark.helm, pytest.mark.xdist_group("four-ways")]


@dataclass(frozen=True)
class Fault:
    """One text of a way's files that is another one, and the line by which the comparison must tell it."""

    file: str
    before: str
    after: str
    line: str


_LABEL = '"app.kubernetes.io/component" = "config" })\n'
_POD = "Deployment/acme-notes-backend.spec.template.spec"
_PORT = f"~ {_POD}.containers[0].ports[0].containerPort: 8080 → 8081"

A_FIELD_IS_DROPPED = {
    "helm": Fault("templates/_pod.tpl", "enableServiceLinks: false\n", "", f"- {_POD}.enableServiceLinks: False"),
    "kubernetes": Fault("base/network.yaml", "  ingress: []\n", "", "- NetworkPolicy/acme-notes.spec.ingress: []"),
    "terraform": Fault(
        "modules/app/deployments.tf",
        "          empty_dir {}\n",
        "",
        f"- {_POD}.volumes[0].emptyDir: {{}}",
    ),
    "pulumi": Fault(
        "app/pod.py",
        '        "read_only_root_filesystem": True,\n',
        "",
        f"- {_POD}.containers[0].securityContext.readOnlyRootFilesystem: True",
    ),
}
A_PORT_IS_CHANGED = {
    "helm": Fault("templates/backend.yaml", '"port" 8080', '"port" 8081', _PORT),
    "kubernetes": Fault("base/backend.yaml", "containerPort: 8080", "containerPort: 8081", _PORT),
    "terraform": Fault("modules/app/components.tf", "= 8080", "= 8081", _PORT),
    "pulumi": Fault("app/backend.py", "port=8080", "port=8081", _PORT),
}
AN_ANNOTATION_IS_ADDED = {
    "helm": Fault(
        "templates/_pod.tpl",
        "      annotations:\n",
        "      annotations:\n        example.com/more: here\n",
        "+ Deployment/acme-notes-backend.spec.template.metadata.annotations.example.com/more: here",
    ),
    "kubernetes": Fault(
        "base/config.yaml",
        "  labels:\n",
        "  annotations:\n    example.com/more: here\n  labels:\n",
        "+ ConfigMap/acme-notes-config.metadata.annotations.example.com/more: here",
    ),
    "terraform": Fault(
        "modules/app/config.tf",
        _LABEL,
        f'{_LABEL}    annotations = {{ "example.com/more" = "here" }}\n',
        "+ ConfigMap/acme-notes-config.metadata.annotations.example.com/more: here",
    ),
    "pulumi": Fault(
        "app/network.py",
        'app.metadata(app.name, "network")',
        'app.metadata(app.name, "network", annotations={"example.com/more": "here"})',
        "+ NetworkPolicy/acme-notes.metadata.annotations.example.com/more: here",
    ),
}


@pytest.fixture(scope="module")
def chart(everything: Path, canonical: Callable[[list[Values]], Objects]) -> Objects:
    """What the chart makes when nothing is said."""
    return canonical(batch_helm.render_batch(everything, {"default": {}}, NAMESPACE)["default"])


@pytest.mark.parametrize("way", every_way)
@pytest.mark.parametrize("faults", [A_FIELD_IS_DROPPED, A_PORT_IS_CHANGED, AN_ANNOTATION_IS_ADDED])
def test_a_fault_is_named(
    everything: Path,
    workplace: Callable[[Path], Workplace],
    canonical: Callable[[list[Values]], Objects],
    chart: Objects,
    way: str,
    faults: dict[str, Fault],
) -> None:
    fault, work = faults[way], workplace(everything)
    work.change(f"deploy/{way}/{fault.file}", fault.before, fault.after)
    render_batch = import_module(f"tests.kubernetes.batch_{way}").render_batch
    broken = canonical(render_batch(work.folder, {"default": {}}, NAMESPACE)["default"])
    assert fault.line in part(tasks_of(everything), "differences").compare(chart, broken)
