"""Runs workflows on this machine: jobs by their needs, steps in their order, each job in a fresh clone and home."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from tests.pipeline.expressions import evaluate, fill, text

Context = dict[str, Any]

# What a machine of the pipeline installs is on this one already: each stands in for a program, and says so.
STAND_INS = {
    "pip": 'echo "installed before: $*"',
    "pipx": 'shift 3; exec "$@"',
    "cargo": '[ "$1" = install ] && { echo "installed before: $*"; exit; }; exec {itself} "$@"',
    "pulumi": '[ "$1" = install ] && { echo "installed before: $*"; exit; }; exec {itself} "$@"',
}
# The compiler's own work is the proof's: here it is said to be done, and tests pass or fail as the variable says.
CARGO = """case "$1 $FAILING" in
  install*) echo "installed before: $*";;
  "test yes") echo "test fails ... FAILED"; exit 101;;
  *) echo "not run: cargo $*";;
esac"""
# Actions that prepare a machine, which this one is.
PREPARING = (
    "actions/setup-python",
    "anchore/sbom-action/download-syft",
    "aquasecurity/setup-trivy",
    "docker/setup-qemu-action",
    "hashicorp/setup-terraform",
    "sigstore/cosign-installer",
    "Swatinem/rust-cache",
)


@dataclass
class Step:
    """A step that ran: where, what, how it ended, and what it printed."""

    job: str
    name: str
    code: int
    output: str


@dataclass
class Runner:
    """One run: the repository at its commit, the event, and what the repository's settings hold."""

    repository: Path
    folder: Path
    github: Context
    secrets: dict[str, str]
    # By environment.
    environment_secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    # Those of STAND_INS that are others in this run.
    stand_ins: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    # What those got who are told how a deploy ended.
    notices: list[dict[str, str]] = field(default_factory=list)

    def run(self, workflow: str = ".github/workflows/ci.yml", inputs: Context | None = None) -> dict[str, str]:
        """Run a workflow and return how each of its jobs ended: success, failure or skipped."""
        document = yaml.safe_load((self.repository / workflow).read_text(encoding="utf-8"))
        needs: dict[str, Context] = {}
        for name in _in_order(document["jobs"]):
            job = document["jobs"][name]
            context = {
                "github": self.github,
                "inputs": inputs or {},
                "secrets": self.secrets,
                "needs": {one: needs[one] for one in _listed(job.get("needs", []))},
            }
            well = all(one["result"] == "success" for one in context["needs"].values())
            ran = _wanted(job, context, well)
            needs[name] = self._job(name, job, context) if ran else {"result": "skipped", "outputs": {}}
        return {name: job["result"] for name, job in needs.items()}

    def printed(self, job: str) -> str:
        """Return what a job's steps printed."""
        return "".join(step.output for step in self.steps if step.job == job)

    def _job(self, name: str, job: Context, context: Context) -> Context:
        if "uses" in job:
            inputs = {key: fill(str(value), context) for key, value in job.get("with", {}).items()}
            results = self.run(job["uses"].removeprefix("./"), inputs).values()
            return {"result": "failure" if "failure" in results else "success", "outputs": {}}
        result = "success"
        outputs: Context = {}
        for matrix in _matrices(job, context):
            # Those after one that failed are not begun; here they run one by one anyway.
            if result == "failure" and job["strategy"].get("fail-fast", True):
                break
            well, outputs = self._machine(name, job, {**context, "matrix": matrix})
            result = result if well else "failure"
        return {"result": result, "outputs": outputs}

    def _machine(self, name: str, job: Context, context: Context) -> tuple[bool, Context]:
        """Run a job's steps as one machine does, and return whether all went well, and the job's outputs."""
        place = self.folder / f"{len(list(self.folder.iterdir())):02}-{name}"
        for own in ("home", "workspace"):
            (place / own).mkdir(parents=True)
        machine = Machine(place, self._shell(place))
        environment = fill(str(job.get("environment", "")), context)
        context = {**context, "secrets": self.secrets | self.environment_secrets.get(environment, {}), "steps": {}}
        well = True
        for number, step in enumerate(job["steps"]):
            context["job"] = {"status": "success" if well else "failure"}
            if not _wanted(step, context, well):
                continue
            code, output, outputs = self._step(machine, step, context)
            title = step.get("name") or step.get("run") or step["uses"]
            print(f"--- {name}, step {number}: {title}\n{output}", flush=True)
            self.steps.append(Step(name, title, code, output))
            context["steps"][step.get("id", str(number))] = {"outputs": outputs}
            well = well and code == 0
        return well, {key: fill(value, context) for key, value in job.get("outputs", {}).items()}

    def _step(self, machine: Machine, step: Context, context: Context) -> tuple[int, str, dict[str, str]]:
        if "uses" in step:
            settings = {key: fill(str(value), context) for key, value in step.get("with", {}).items()}
            return 0, self._action(machine, step["uses"].partition("@")[0], settings), {}
        variables = {key: text(fill(str(value), context)) for key, value in step.get("env", {}).items()}
        return machine.run(step["run"], variables)

    def _action(self, machine: Machine, action: str, settings: Context) -> str:
        """Do what an action does, as far as the workflows need it."""
        artifacts = self.folder.parent / "artifacts"
        if action == "actions/checkout":
            subprocess.run(["git", "clone", "--quiet", self.repository, machine.workspace], check=True)
        elif action == "actions/upload-artifact":
            source, kept = machine.workspace / settings["path"], artifacts / settings["name"]
            kept.mkdir(parents=True)
            for path in source.iterdir() if source.is_dir() else [source]:
                shutil.copy(path, kept)
        elif action == "actions/download-artifact":
            for found in sorted(artifacts.iterdir()):
                into = machine.workspace / settings["path"]
                if "name" in settings and found.name == settings["name"]:
                    shutil.copytree(found, into, dirs_exist_ok=True)
                elif "pattern" in settings and fnmatchcase(found.name, settings["pattern"]):
                    shutil.copytree(found, into / found.name)
        else:
            assert action in PREPARING, f"no stand-in for {action}"
        return ""

    def _shell(self, place: Path) -> dict[str, str]:
        """Return what a machine's shell has: nothing of this one's home."""
        programs = place / "bin"
        programs.mkdir()
        for name, script in (STAND_INS | self.stand_ins).items():
            (programs / name).write_text(f"#!/bin/sh\n{script.replace('{itself}', str(shutil.which(name)))}\n")
            (programs / name).chmod(0o755)
        # The compiler is installed as well, where its homes are.
        homes = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}
        kept = {name: os.environ.get(name, str(Path.home() / folder)) for name, folder in homes.items()}
        home = {"HOME": str(place / "home"), "PATH": f"{programs}:{os.environ['PATH']}", "CI": "true"}
        return {**kept, **home, "GITHUB_SHA": self.github["sha"], **self.variables}


@dataclass
class Machine:
    """A folder with a workspace and a home of its own."""

    folder: Path
    shell: dict[str, str]

    @property
    def workspace(self) -> Path:
        """Where the repository is checked out."""
        return self.folder / "workspace"

    def run(self, script: str, variables: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        """Run a script as GitHub's shell does; return its exit code, what it printed, and its outputs."""
        outputs = self.folder / "outputs"
        outputs.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.workspace,
            env={**self.shell, **variables, "GITHUB_OUTPUT": str(outputs)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = outputs.read_text().splitlines()
        return done.returncode, done.stdout, {key: value for key, _, value in (line.partition("=") for line in lines)}


def _in_order(jobs: Context) -> Iterator[str]:
    """Yield jobs such that each comes after those it needs."""
    left = dict(jobs)
    while left:
        free = [name for name, job in left.items() if not set(_listed(job.get("needs", []))) & set(left)]
        assert free, f"these need each other: {', '.join(left)}"
        for name in free:
            del left[name]
            yield name


def _wanted(part: Context, context: Context, well: bool) -> bool:
    """Return whether a job or step runs: after a failure only one that says `always()`."""
    condition = str(part.get("if", "true"))
    return bool(evaluate(condition, context)) and (well or "always()" in condition)


def _listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _matrices(job: Context, context: Context) -> list[Context]:
    """Return the combinations of a job's matrix; one, of nothing, where it has none."""
    axes = job.get("strategy", {}).get("matrix", {})
    values = [value if isinstance(value, list) else fill(value, context) for value in axes.values()]
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*values)]
