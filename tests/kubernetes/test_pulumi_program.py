"""Promise: what the Pulumi program makes under the SDK's mocks, which test it, is what Pulumi itself would make."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.batch_pulumi import python, render_batch
from tests.kubernetes.conftest import NAMESPACE, Objects, Values, part, scenarios, tasks_of


@pytest.fixture
def renderer(everything: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the project's renderer, with the packages of the interpreter that runs the mocks."""
    module = part(tasks_of(everything), "renderers.pulumi")
    interpreter = Path(shutil.which(python()) or "")
    monkeypatch.setattr(module, "VENV", interpreter.parent.parent)
    return module


@pytest.mark.pulumi
def test_mocks_and_engine_agree(
    renderer: Any, everything: Path, tmp_path: Path, canonical: Callable[[list[Values]], Objects]
) -> None:
    values = scenarios()["everything-on"]
    first, release = tmp_path / "values.yaml", tmp_path / "release.yaml"
    # What the second document says wins; the rest of the same map stays.
    first.write_text(json.dumps(values | {"backend": values["backend"] | {"image": {"tag": "old"}}}), encoding="utf-8")
    release.write_text(json.dumps({"backend": {"image": values["backend"]["image"]}}), encoding="utf-8")
    mocked = render_batch(everything, {"": values}, NAMESPACE)[""]
    assert canonical(renderer.render("acme-notes", NAMESPACE, [first, release])) == canonical(mocked)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"backend": {"replica": 2}}, "backend: Additional properties are not allowed ('replica' was unexpected)"),
        ({"config": {"logLevel": "loud"}}, "config.logLevel: 'loud' is not one of"),
        ({"redis": {"mode": "external"}}, "an external Redis needs redis.url"),
        ({"secrets": {"values": {"redis_password": 12345}}}, "secrets.values.redis_password: its value is not of type"),
    ],
)
def test_wrong_values_are_refused_by_name(everything: Path, values: Values, told: str) -> None:
    with pytest.raises(RuntimeError) as refused:
        render_batch(everything, {"wrong": values}, NAMESPACE)
    assert told in str(refused.value)
    assert "12345" not in str(refused.value)
