"""Promise: a workflow gets the project's facts from the project."""

from __future__ import annotations

import json

from .conftest import Desk


def outputs(desk: Desk) -> dict[str, object]:
    """Return what `inv ci.matrix` gives to a workflow's step."""
    result = desk.inv("ci.matrix")
    assert result.code == 0, result.output
    return {name: json.loads(value) for name, _, value in (line.partition("=") for line in result.output.splitlines())}


def test_platforms_and_environments(desk: Desk) -> None:
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("[linux/amd64, linux/arm64, linux/arm/v7]", "[linux/arm/v7]"))
    cache = "ghcr.io/acme/acme-notes-cache:linux-arm-v7"
    platforms = [{"platform": "linux/arm/v7", "name": "linux-arm-v7", "cache": cache}]
    tests = ["unit", "functional", "integration"]
    environments = ["production"]
    assert outputs(desk) == {"platforms": platforms, "tests": tests, "signed": False, "environments": environments}


def test_whether_images_are_signed(desk: Desk) -> None:
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text() + "signing:\n  key: deploy/cosign.pub\n")
    assert outputs(desk)["signed"] is True


def test_an_environment_that_is_not_there(desk: Desk) -> None:
    facts = desk.project / "invoke.yaml"
    facts.write_text(facts.read_text().replace("pipeline: [production]", "pipeline: [productoin]"))
    result = desk.inv("ci.matrix")
    assert result.code == 1
    assert "there is no environment 'productoin'; invoke.yaml has: production" in result.output


def test_no_record_of_any_leg(desk: Desk) -> None:
    desk.says("^buildx version", "0.13")
    result = desk.inv("ci.index", "legs")
    assert result.code == 1
    assert "no leg built backend for linux/amd64, linux/arm64, linux/arm/v7" in result.output
    assert not desk.changes
