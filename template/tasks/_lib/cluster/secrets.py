"""Makes the Secret that an environment's values name: what can be random is, what only its owner knows is asked for."""

import base64
import getpass
import json
import os
import secrets
import sys
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

import yaml

from ..console import say, stop
from ..forms import fill
from .kubectl import Cluster

_FILE = Path(__file__).with_suffix(".yaml")
_RANDOM = "random"
# Where this machine's own servers are: to a pod, these names are the pod itself.
_HERE = ("localhost", "127.0.0.1", "::1")


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
    if value:
        # Many shells have one, of the database for development.
        host = _host(value)
        if host in _HERE:
            stop(
                f"{variable} in this shell leads to {host}, which to a pod is the pod itself",
                f"set {variable} to the address that the environment's pods reach",
            )
        say(f"{key} is what {variable} says in this shell, and leads to {host or 'a host that cannot be told'}.")
    elif sys.stdin.isatty():
        value = getpass.getpass(f"{key} (it is not shown): ").strip()
    if not value:
        stop(
            f"the secret {key} is one that you have to give",
            f"set the variable {variable}, or run this where it can ask",
        )
    return value


def _host(url: str) -> str:
    """Return the host of a URL; empty where that may be the rest of a password which is not written as a URL needs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return "" if "@" in parts.path + parts.query + parts.fragment else parts.hostname or ""


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
