"""A project to work in: its files can be changed, and its tasks and tools run as a user would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import Result
from tests.kubernetes.batch_pulumi import python


@dataclass(frozen=True)
class Workplace:
    """A project's folder, and the variables that programs get there besides this process's."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str) -> Result:
        """Run a program, and return how it ended."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout)

    def inv(self, *arguments: str) -> Result:
        """Run `inv`."""
        result = self.run(sys.executable, "-m", "invoke", *arguments)
        assert "Traceback" not in result.output, result.output
        return result

    def change(self, file: str, before: str, after: str) -> None:
        """Change a text that a file has, wherever it stands."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text, file
        path.write_text(text.replace(before, after), encoding="utf-8")


def copied(project: Path, folder: Path, providers: Path) -> Workplace:
    """Copy a project into a folder, with what its tools would fetch: `providers` keeps Terraform's for all copies."""
    copy = folder / project.name
    shutil.copytree(project, copy)
    providers.mkdir(exist_ok=True)
    if (copy / "deploy/pulumi").exists() and shutil.which("pulumi"):
        interpreter = Path(shutil.which(python()) or "")
        (copy / "deploy/pulumi/venv").symlink_to(interpreter.parent.parent)
    return Workplace(
        copy, {"TF_PLUGIN_CACHE_DIR": str(providers), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true"}
    )
