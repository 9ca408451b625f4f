"""Promise: `inv deploy.compare` finds no difference between the four ways in any scenario, and one that is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.kubernetes.conftest import METHODS, NAMESPACE, marked, scenarios
from tests.kubernetes.workplace import Workplace

pytestmark = [*marked(*METHODS), pytest.mark.xdist_group("compare")]


@pytest.fixture(scope="module")
def work(everything: Path, workplace: Callable[[Path], Workplace]) -> Workplace:
    """A project that has an environment for each scenario."""
    made = workplace(everything)
    facts = yaml.safe_load((made.folder / "invoke.yaml").read_text(encoding="utf-8"))
    for name, values in scenarios().items():
        facts["environments"][name] = {"method": "helm", "context": "none", "namespace": NAMESPACE}
        (made.folder / f"deploy/environments/{name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    (made.folder / "invoke.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return made


def differing(output: str) -> dict[str, int]:
    """Return how many fields of each way differ from the first one's, by what was printed."""
    found = re.findall(r"^(\w+) +[1-9]\d* objects, (\d+) differing fields$", output, re.MULTILINE)
    return {way: int(number) for way, number in found}


@pytest.mark.parametrize("scenario", scenarios())
def test_no_field_differs(work: Workplace, scenario: str) -> None:
    result = work.inv("deploy.compare", "--env", scenario)
    assert result.code == 0, result.output
    assert differing(result.output) == {"kubernetes": 0, "pulumi": 0, "terraform": 0}


def test_a_difference_is_told(everything: Path, workplace: Callable[[Path], Workplace]) -> None:
    broken = workplace(everything)
    broken.change("deploy/terraform/modules/app/services.tf", "= 8080", "= 8081")
    result = broken.inv("deploy.compare", "--env", "staging")
    assert result.code == 1
    # The container's port, and who may reach it.
    assert differing(result.output) == {"kubernetes": 0, "pulumi": 0, "terraform": 2}
    backend = "Deployment/acme-notes-backend.spec.template.spec.containers[0]"
    assert f"  ~ {backend}.ports[0].containerPort: 8080 → 8081\n" in result.output
