"""Reads from a Terraform plan the Kubernetes objects that it would create, by the provider's own schema."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

_PROVIDER = "registry.terraform.io/hashicorp/kubernetes"


def objects(module: Object, schemas: Object) -> list[Object]:
    """Return the objects of a module and of those inside it.

    `module` is a part of the `planned_values` of `terraform show -json`; `schemas` is what
    `terraform providers schema -json` says.
    """
    resources: Object = schemas["provider_schemas"][_PROVIDER]["resource_schemas"]
    return [_object(one, resources) for one in _resources(module)]


def _resources(module: Object) -> Iterator[Object]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _object(resource: Object, schemas: Object) -> Object:
    values: Object = resource["values"]
    if resource["type"] in _rules()["whole"]:
        whole: Object = values[_rules()["whole"][resource["type"]]]
        return whole
    kind: Object = _rules()["kinds"][resource["type"]]
    kept = {name: value for name, value in values.items() if name not in _rules()["instructions"]}
    return {**kind, **_block(kept, schemas[resource["type"]]["block"], kind["kind"], ())}


def _block(values: Object, schema: Object, kind: str, path: tuple[str, ...]) -> Object:
    """Return a block as a map of the API: without what is not set, by the API's names."""
    formed: Object = {}
    for name, value in values.items():
        if _left_out(name, values):
            continue
        nested = schema.get("block_types", {}).get(name)
        if nested:
            key, part = _blocks(name, value, nested, kind, path)
        else:
            key, part = _name(name), _attribute(name, value)
        if part is not None:
            formed[key] = part
    return formed


def _left_out(name: str, values: Object) -> bool:
    others: Object = _rules()["only_with"].get(name, {})
    return any(values.get(other) != wanted for other, wanted in others.items())


def _blocks(name: str, value: list[Object], nested: Object, kind: str, path: tuple[str, ...]) -> tuple[str, Any]:
    """Return the blocks of one name as the map, or the list of maps, that the API has for them."""
    if nested.get("max_items") == 1 or name in _rules()["one"]:
        key = _name(name)
        return key, _block(value[0], nested["block"], kind, (*path, key)) if value else None
    key = _name(_plural(name))
    items = [_block(one, nested["block"], kind, (*path, key)) for one in value]
    says = ".".join((*path, key)) in _rules()["empty_lists"].get(kind, ())
    return key, items if items or says else None


def _plural(name: str) -> str:
    if name in _rules()["same_in_plural"]:
        return name
    plural: str = _rules()["plurals"].get(name, f"{name}s")
    return plural


def _attribute(name: str, value: Any) -> Any:
    if value in (None, [], {}):
        return None
    if name in _rules()["numbers"]:
        return int(value)
    if name in _rules()["octal"]:
        return int(value, 8)
    if name in _rules()["numbers_or_names"] and str(value).isdigit():
        return int(value)
    return value


def _name(name: str) -> str:
    named: str = _rules()["names"].get(name) or re.sub("_(.)", lambda found: found[1].upper(), name)
    return named


@cache
def _rules() -> Object:
    rules: Object = yaml.safe_load(Path(__file__).with_name("plan_objects.yaml").read_text())
    return rules
