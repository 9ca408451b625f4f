"""Promise: README's two commands work where there is only Rust, Python with venv, and git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tools.answers import CHECKOUT

pytestmark = [pytest.mark.docker, pytest.mark.proof]

SCRIPT = """
set -eu
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3-venv git >/dev/null
git config --global --add safe.directory '*'
git clone --quiet /checkout /slipway
cd /slipway
$COMMAND
"""
# What this machine needs to trust a registry, if anything, the container needs too.
TRUST = ("PIP_CERT", "REQUESTS_CA_BUNDLE")


@pytest.mark.parametrize("command", ["./nox -s demo", "./nox -s tests"])
def test_in_a_bare_container(command: str, tmp_path: Path) -> None:
    # What is committed, as a newcomer has it.
    clone = tmp_path / "slipway"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(CHECKOUT), str(clone)], check=True)
    trust = [f"--env={name}={os.environ[name]}" for name in TRUST if name in os.environ]
    run = ["docker", "run", "--rm", *trust, "--env", f"COMMAND={command}", "--volume", f"{clone}:/checkout:ro"]
    done = subprocess.run(
        [*run, "rust:1.96-slim-trixie", "sh", "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout[-8000:])
    assert done.returncode == 0
