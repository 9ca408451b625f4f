"""Promise: copying and updating run no code of the template, so nobody needs --trust."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tools.answers import CHECKOUT

RUNS_CODE = {"_tasks", "_migrations", "_jinja_extensions", "_external_data"}


def needs_trust(document: dict[str, Any]) -> set[str]:
    """Name the settings for which Copier asks for trust."""
    return RUNS_CODE & document.keys()


def test_no_trust_needed() -> None:
    assert needs_trust(yaml.safe_load((CHECKOUT / "copier.yml").read_text(encoding="utf-8"))) == set()


@pytest.mark.parametrize("setting", sorted(RUNS_CODE))
def test_a_setting_that_runs_code_is_found(setting: str) -> None:
    assert needs_trust({setting: []}) == {setting}
