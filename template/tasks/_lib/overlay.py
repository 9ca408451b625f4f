"""Writes an environment's overlay: what its values make different from the manifests in deploy/kubernetes/."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .overlay_facts import Facts, secret_name
from .values import Values, filled

# Where an overlay keeps a Secret's values, a file for each. Git ignores it.
_SECRETS = "secrets"
_PROJECT = "app.kubernetes.io/name"
# What begins with the project's name whatever the instance is called, or follows from the values.
_KEPT = ("/app.kubernetes.io~1name", "/secretName")
_POD = "/spec/template/spec"

# A patch of one object, or of all of a kind: `Kind/name` or `Kind`, and an operation of RFC 6902.
Patch = tuple[str, dict[str, Any]]


def write(folder: Path, name: str, namespace: str, values: Values) -> list[Path]:
    """Write the overlay deploy/kubernetes/overlays/<environment> and return its files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / "kustomization.yaml": _text(folder, name, namespace, values)}
    secrets = values.get("secrets", {})
    if secrets.get("values") and not secrets.get("existing"):
        (folder / _SECRETS).mkdir(mode=0o700, exist_ok=True)
        files |= {folder / _SECRETS / key: value for key, value in secrets["values"].items()}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


def current(folder: Path, name: str, namespace: str, values: Values) -> bool:
    """Return whether an overlay is what `write` would make it."""
    path = folder / "kustomization.yaml"
    return path.is_file() and path.read_text(encoding="utf-8") == _text(folder, name, namespace, values)


def _text(folder: Path, name: str, namespace: str, values: Values) -> str:
    document = _kustomization(folder.parent.parent, name, namespace, values)
    source = f"deploy/environments/{folder.name}.yaml"
    return f"# Made by `inv deploy.overlay` from {source}: change that file, not this one.\n{_yaml(document)}"


def _kustomization(home: Path, name: str, namespace: str, values: Values) -> Values:
    """Return what differs from the manifests in `home`, which is deploy/kubernetes."""
    table = _table(home / "parameters.yaml")
    schema = json.loads((home.parent / "values.schema.json").read_text(encoding="utf-8"))
    project = _objects(home / "base")[0]["metadata"]["labels"][_PROJECT]
    base = _facts(table, Facts(project, project, table["entry"], filled(schema, table.get("assumed"))))
    # What options/ holds has the defaults too.
    base.values["options"] = dict.fromkeys(table["options"], True)
    facts = _facts(table, Facts(project, name, table["entry"], filled(schema, values)))
    used = [option for option, is_used in facts.values["options"].items() if is_used]
    folders = [home / "base", *(home / "options" / option for option in used)]
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": ["../../base"],
        "components": [f"../../options/{option}" for option in used],
        "images": list(_images(table, base, facts)),
        "secretGenerator": list(_secrets(facts)),
        # An object is found by its first name, also after it got another.
        "patches": [
            *_grouped([*_names(folders, facts), *_changes(table, base, facts)]),
            *(_deletion(target, project) for target in _deleted(table, facts)),
        ],
    }
    return {key: part for key, part in document.items() if part}


# --- The table --------------------------------------------------------------------------------------------------------


@cache
def _table(path: Path) -> Values:
    """Return parameters.yaml, with a line for each component of a set wherever it says `$component`, `$called`, …"""
    text = path.read_text(encoding="utf-8")
    entry: str = yaml.safe_load(text)["entry"]
    table: Values = yaml.safe_load(text.replace("$entry", entry).replace("$pod", _POD))
    for section in ("options", "deleted", "alike"):
        lines = [line for one in table.get(section, {}).items() for line in _each(one, table["sets"])]
        table[section] = dict(lines)
    for section in ("images", "patches"):
        table[section] = [line for one in table[section] for line in _each(one, table["sets"])]
    return table


def _each(line: Any, sets: dict[str, list[str]]) -> list[Any]:
    text = json.dumps(line)
    for name, components in sets.items():
        if f"${name}" in text:
            return [json.loads(text.replace(f"${name}", component)) for component in components]
    return [line]


def _is_off(facts: Facts, part: str) -> bool:
    """Return whether a part that need not be there is not: then there is nothing of it to change."""
    return facts.get(f"{part}.enabled") is False


def _facts(table: Values, facts: Facts) -> Facts:
    """Add what follows from the values: the settings, and which options are used."""
    facts.values["settings"] = {key: facts.resolve(source) for key, source in table["settings"].items()}
    facts.values["options"] = {}
    for option, cases in table["options"].items():
        off = _is_off(facts, option.partition("-")[0])
        facts.values["options"][option] = not off and any(facts.holds(case) for case in cases)
    return facts


# --- What differs -----------------------------------------------------------------------------------------------------


def _changes(table: Values, base: Facts, facts: Facts) -> Iterator[Patch]:
    """Yield what must be patched for the values."""
    for group in table["patches"]:
        component = group["to"].rpartition("-")[2]
        before, after = replace(base, component=component), replace(facts, component=component)
        case = group.get("when", {})
        if _is_off(facts, component) or not after.holds(case):
            continue
        for path, source in group["set"].items():
            old = before.resolve(source) if before.holds(case) else None
            for place in _places(path, group["to"], table, facts):
                for operation in _operations(place, old, after.resolve(source)):
                    yield group["to"].replace("$name", facts.project), operation


def _places(path: str, target: str, table: Values, facts: Facts) -> Iterator[str]:
    """Yield a path for each container that is meant."""
    yield path.replace("$container", f"{_POD}/containers/0")
    if "$container" in path:
        for option, container in table["alike"].get(target, {}).items():
            if facts.get(f"options.{option}"):
                yield path.replace("$container", container)


def _operations(path: str, old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """Yield what makes an old value a new one; None is no value."""
    if path.endswith("/-"):
        yield from ({"op": "add", "path": path, "value": item} for item in new or ())
    elif path.endswith("/*"):
        old, new = old or {}, new or {}
        for key in sorted({*old, *new}):
            yield from _operations(path[:-1] + _step(key), old.get(key), new.get(key))
    elif new is None and old is not None:
        yield {"op": "remove", "path": path}
    elif new != old:
        yield {"op": "add" if old is None else "replace", "path": path, "value": new}


def _deleted(table: Values, facts: Facts) -> Iterator[str]:
    """Yield what the environment leaves out."""
    for target, case in table["deleted"].items():
        if facts.holds(case) and not _is_off(facts, target.rpartition("-")[2]):
            yield target


def _names(folders: list[Path], facts: Facts) -> Iterator[Patch]:
    """Yield what gives the instance a name of its own, where that is not the project's."""
    if facts.name == facts.project:
        return
    for found in (one for folder in folders for one in _objects(folder)):
        for path, text in _texts(found, ""):
            renamed = re.sub(rf"(^|//){re.escape(facts.project)}(?=-|$)", rf"\g<1>{facts.name}", text)
            if renamed != text and not path.endswith(_KEPT):
                operation = {"op": "replace", "path": path, "value": renamed}
                yield f"{found['kind']}/{found['metadata']['name']}", operation


def _texts(part: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield each text in an object, with the path to it."""
    if isinstance(part, str):
        yield path, part
    elif isinstance(part, dict | list):
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _texts(inner, f"{path}/{_step(str(key))}")


def _step(key: str) -> str:
    """Write a key as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


@cache
def _objects(folder: Path) -> list[Values]:
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [one for path in files for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def _images(table: Values, base: Facts, facts: Facts) -> Iterator[Values]:
    for parameter in table["images"]:
        old, new = base.get(parameter) or {}, facts.get(parameter) or {}
        changed = {key: value for key, value in new.items() if value != old[key]}
        if "digest" in changed:
            changed.pop("tag", None)
        names = {"repository": "newName", "tag": "newTag", "digest": "digest"}
        if changed:
            yield {"name": old["repository"], **{names[key]: value for key, value in changed.items()}}


def _secrets(facts: Facts) -> Iterator[Values]:
    """Yield the Secret, unless there is one already, or nothing to put into it."""
    secrets = facts.get("secrets") or {}
    if secrets.get("values") and not secrets["existing"]:
        yield {
            "name": secret_name(secrets, facts),
            "files": [f"{_SECRETS}/{key}" for key in sorted(secrets["values"])],
            "options": {"disableNameSuffixHash": True, "labels": facts.labels("secrets")},
        }


# --- How it is written ------------------------------------------------------------------------------------------------


def _grouped(patches: list[Patch]) -> Iterator[Values]:
    """Yield the patches of an overlay: one for each target, in the order of the first."""
    for target in dict.fromkeys(target for target, _operation in patches):
        operations = [operation for of, operation in patches if of == target]
        yield {"target": _target(target), "patch": _yaml(operations)}


def _deletion(target: str, project: str) -> Values:
    named = _target(target.replace("$name", project))
    # A patch must look like an object; which ones it is for, the target says.
    patch = {"$patch": "delete", "apiVersion": "v1", "kind": named["kind"], "metadata": {"name": "any"}}
    return {"target": named, "patch": _yaml(patch)}


def _target(target: str) -> dict[str, str]:
    kind, _, name = target.partition("/")
    return {"kind": kind, "name": name} if name else {"kind": kind}


class _Dumper(yaml.SafeDumper):
    """Writes YAML as people do: lists indented, texts of several lines as blocks, nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # What only some readers of YAML take for a number or a truth value is quoted.
    style = "|" if "\n" in text else '"' if re.match(r"[-+0-9]|\.[0-9a-zA-Z]|.$", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def _yaml(document: Any) -> str:
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**16)
    return text
