"""What the task tests share: a project at a desk whose `docker` is a recorder that answers as it is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Result

# Stands in for docker: writes down each call with its standard input, and gives the answer of the last rule that fits.
RECORDER = """#!{python}
import json, os, re, sys
here = os.path.dirname(os.path.abspath(__file__))
call = " ".join(sys.argv[1:])
feeds = sys.argv[-1] == "-" or "-f" in sys.argv or "--file" in sys.argv or "--password-stdin" in sys.argv
stdin = sys.stdin.read() if feeds and not sys.stdin.isatty() else ""
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps([sys.argv[1:], stdin]) + "\\n")
rules = [json.loads(line) for line in open(os.path.join(here, "rules"))]
for rule in reversed(rules):
    if re.search(rule["call"], call):
        for name, text in rule["files"].items():
            target = re.search(name, call)
            open(target[1], "w").write(text)
        sys.stdout.write(rule["stdout"])
        sys.stderr.write(rule["stderr"])
        sys.exit(rule["code"])
sys.exit("the recorder has no answer to: docker " + call)
"""

# Calls that change something on an engine or in a registry.
CHANGING = ("up", "down", "push", "pull", "tag", "rm", "create", "bake", "run", "login")

DIGEST = "sha256:" + "a" * 64


@dataclass
class Desk:
    """A project, and the machine that its tasks believe to be on."""

    project: Path
    bin: Path
    environment: dict[str, str] = field(default_factory=dict)

    def says(self, call: str, stdout: str = "", stderr: str = "", code: int = 0, **files: str) -> None:
        """Answer docker calls that match a pattern; `metadata` is written where the call's --metadata-file says."""
        written = {r"--metadata-file (\S+)": files["metadata"]} if "metadata" in files else {}
        rule = {"call": call, "stdout": stdout, "stderr": stderr, "code": code, "files": written}
        with (self.bin / "rules").open("a") as rules:
            rules.write(json.dumps(rule) + "\n")

    def inv(self, *arguments: str, folder: str = ".") -> Result:
        """Run `inv` as a user would, and return how it ended."""
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=self.project / folder,
            env={"PATH": str(self.bin), "HOME": str(self.bin.parent), "PYTHONDONTWRITEBYTECODE": "1"}
            | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Result(done.returncode, done.stdout)

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        """The docker calls so far: arguments and standard input."""
        path = self.bin / "calls"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def changes(self) -> list[str]:
        """Those calls that change something."""
        return [" ".join(arguments) for arguments, _ in self.calls if set(arguments[:8]) & set(CHANGING)]

    def without(self, program: str) -> None:
        """Take a program off this machine."""
        (self.bin / program).unlink()

    def record_images(self, *names: str, digest: str = DIGEST) -> None:
        """Write a record of images that were built for amd64."""
        image = {"tag": "1", "digest": digest, "seconds": 1.0, "platforms": {"linux/amd64": {}}}
        images = {name: {"repository": f"ghcr.io/acme/acme-notes-{name}", **image} for name in names}
        (self.project / ".slipway").mkdir(exist_ok=True)
        (self.project / ".slipway" / "images.json").write_text(json.dumps({"version": 1, "images": images}))


@pytest.fixture
def desk(tmp_path: Path, project: Callable[..., Path]) -> Desk:
    """A project with everything chosen, git and a few shell tools, and a Docker that is well."""
    copy = tmp_path / "acme-notes"
    shutil.copytree(project(registry="ghcr.io/acme", services=["postgres", "redis"]), copy)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "sh", "cat", "mkdir", "chmod"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "docker").write_text(RECORDER.format(python=sys.executable))
    (tools / "docker").chmod(0o755)
    made = Desk(copy, tools)
    made.says("^version --format|context default version", "29.0.0\n")
    made.says("^buildx version", "github.com/docker/buildx v0.30.0\n")
    made.says("^compose version", "Docker Compose version v5.0.0\n")
    made.says("^info --format", '[["driver-type","io.containerd.snapshotter.v1"]]\n')
    made.says("^buildx inspect", "Name: default\nDriver: docker\n")
    made.says("^context inspect default", "unix:///var/run/docker.sock\n")
    made.says("image inspect", code=1, stderr="Error: No such image")
    return made


@pytest.fixture
def stack() -> dict[str, Any]:
    """A resolved stack, as compose prints it."""
    return {
        "name": "acme-notes-production",
        "services": {
            "backend": {"image": f"ghcr.io/acme/acme-notes-backend@{DIGEST}", "environment": {"LOG_LEVEL": "info"}},
            "frontend": {"image": f"ghcr.io/acme/acme-notes-frontend@{DIGEST}", "ports": [{"published": "58123"}]},
        },
    }
