"""Makes the Secret that an environment's values name: what can be random is, what only its owner knows is asked for."""

import base64
import getpass
import json
import os
import secrets
import sys
from pathlib import Path
from string import Formatter

import yaml

from ..console import stop
from ..forms import fill
from .kubectl import Cluster

_FILE = Path(__file__).with_suffix(".yaml")
_RANDOM = "random"


def read(cluster: Cluster, name: str) -> dict[str, str]:
    """Return what a Secret holds; nothing when there is none."""
    found = cluster.objects("get", "secret", name, "--ignore-not-found")
    data = (found[0].get("data") or {}) if found else {}
    return {key: base64.b64decode(value).decode() for key, value in data.items() if value}


def missing(keys: list[str], there: dict[str, str], instance: str) -> dict[str, str]:
    """Return values for those keys that are not there; stop when one is neither made nor given."""
    forms: dict[str, str] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    lacking = [key for key in keys if key not in there]
    values = {key: secrets.token_urlsafe(32) for key in lacking if forms[key] == _RANDOM}
    known = {**there, **values, "name": instance}
    for key in lacking:
        if key not in values:
            parts = {part for _, part, _, _ in Formatter().parse(forms[key]) if part}
            # The form is of the server that is deployed with the app; another one's address only its owner knows.
            made = bool(parts) and parts <= {"name", *keys}
            values[key] = fill(forms[key], known) if made else _given(key)
    return values


def _given(key: str) -> str:
    """Return a value from the shell's variable, or from whoever sits here."""
    variable = key.upper()
    value = os.environ.get(variable, "")
    if not value and sys.stdin.isatty():
        value = getpass.getpass(f"{key} (it is not shown): ").strip()
    if not value:
        stop(
            f"the secret {key} is one that you have to give",
            f"set the variable {variable}, or run this where it can ask",
        )
    return value


def write(cluster: Cluster, name: str, values: dict[str, str], instance: str) -> None:
    """Make a Secret, or add to it. By standard input: an argument would show in `ps`."""
    if cluster.objects("get", "secret", name, "--ignore-not-found"):
        # A merge by hand, because a patch on the command line would show its values.
        cluster.read("patch", "secret", name, "--patch-file", "/dev/stdin", stdin=json.dumps({"stringData": values}))
        return
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": instance}},
        "stringData": values,
    }
    cluster.read("create", "--filename", "-", stdin=json.dumps(secret))
