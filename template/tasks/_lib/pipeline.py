"""What a machine of the pipeline is given in its variables: which run it is of, and secrets, kept where tools look."""

import os
from collections.abc import Mapping
from pathlib import Path

from .console import stop


def run() -> str:
    """Return the address of the workflow's run; empty where none runs."""
    address = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
    return address.format_map(os.environ) if "GITHUB_RUN_ID" in os.environ else ""


def given(secrets: Mapping[str, str], what: str) -> dict[str, str]:
    """Return the values of secrets; stop when one is not set, with what each must be."""
    lacking = [name for name in secrets if not os.environ.get(name)]
    if lacking:
        needs = "; ".join(f"{name}: {secrets[name]}" for name in lacking)
        stop(f"{' and '.join(lacking)} not set, which {what} needs", f"set, as secrets of that environment: {needs}")
    return {name: os.environ[name] for name in secrets}


def keep(path: Path, text: str) -> None:
    """Write a file that only its owner may read; stop when there is one: that is somebody's own."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        stop(f"{path} is there already, and stays as it is", "this is for machines of a pipeline, which are new")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text.rstrip("\n") + "\n")
