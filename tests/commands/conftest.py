"""What the task tests share: a project at a desk whose programs are recorders that answer as they are told."""

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
from tools.answers import preset

# Stands in for a program: writes down each call with its standard input, and gives the answer of the last rule that
# fits. Rules are about docker's arguments; those of other programs begin with the program's name. Where a fake of the
# program stands beside it, that answers what no rule does.
RECORDER = """#!{python} -IS
import json, os, re, sys
here = os.path.dirname(os.path.abspath(__file__))
program = os.path.basename(__file__)
call = " ".join(([] if program == "docker" else [program]) + sys.argv[1:])
feeds = "-" in sys.argv or "-f" in sys.argv or "--file" in sys.argv or "--password-stdin" in sys.argv
feeds = feeds or "/dev/stdin" in sys.argv or "exec" in sys.argv
stdin = sys.stdin.read() if feeds and not sys.stdin.isatty() else ""
with open(os.path.join(here, "calls" if program == "docker" else "cluster-calls"), "a") as calls:
    calls.write(json.dumps([call.split(" ") if program != "docker" else sys.argv[1:], stdin]) + "\\n")
with open(os.path.join(here, "environments"), "a") as environments:
    environments.write(json.dumps([program, dict(os.environ)]) + "\\n")
rules = [json.loads(line) for line in open(os.path.join(here, "rules"))]
asked = [" ".join(json.loads(line)[0]) for line in open(calls.name)]
for rule in reversed(rules):
    spent = rule["times"] and sum(bool(re.search(rule["call"], one)) for one in asked) > rule["times"]
    if re.search(rule["call"], call) and not spent:
        for name, text in rule["files"].items():
            target = re.search(name, call)
            open(target[1], "w").write(text)
        sys.stdout.write(rule["stdout"])
        sys.stderr.write(rule["stderr"])
        sys.exit(rule["code"])
fake = os.path.join(here, "fakes", program)
if os.path.exists(fake):
    sys.argv[0], os.environ["FAKE_STDIN"] = fake, stdin
    exec(compile(open(fake).read(), fake, "exec"), {{"__name__": "__main__"}})
    sys.exit()
sys.exit("the recorder has no answer to: " + program + " " + call)
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

    def says(self, call: str, stdout: str = "", stderr: str = "", code: int = 0, times: int = 0, **files: str) -> None:
        """Answer docker calls that match a pattern, the first `times` of them (default: all).

        `metadata` is written where the call's --metadata-file says.
        """
        written = {r"--metadata-file (\S+)": files["metadata"]} if "metadata" in files else {}
        rule = {"call": call, "stdout": stdout, "stderr": stderr, "code": code, "times": times, "files": written}
        with (self.bin / "rules").open("a") as rules:
            rules.write(json.dumps(rule) + "\n")

    def inv(self, *arguments: str, folder: str = ".", stdin: str = "") -> Result:
        """Run `inv` as a user would, `stdin` on its standard input, and return how it ended."""
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=self.project / folder,
            env={"PATH": str(self.bin), "HOME": str(self.bin.parent), "PYTHONDONTWRITEBYTECODE": "1"}
            | self.environment,
            input=stdin,
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

    def environments(self, program: str) -> list[dict[str, str]]:
        """Return the variables that each call of a program had."""
        lines = map(json.loads, (self.bin / "environments").read_text().splitlines())
        return [variables for name, variables in lines if name == program]

    @property
    def changes(self) -> list[str]:
        """Those calls that change something."""
        return [" ".join(arguments) for arguments, _ in self.calls if set(arguments[:8]) & set(CHANGING)]

    def records(self, program: str) -> None:
        """Put a recorder in a program's place."""
        (self.bin / program).write_text(RECORDER.format(python=sys.executable))
        (self.bin / program).chmod(0o755)

    @property
    def cluster_calls(self) -> list[tuple[list[str], str]]:
        """The calls of programs that speak to a cluster, each with the program's name, and standard input."""
        path = self.bin / "cluster-calls"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def cluster_changes(self) -> list[str]:
        """Those calls that change something in a cluster."""
        changing = {"create", "apply", "replace", "delete", "patch", "label", "annotate", "upgrade", "rollback"}
        return [
            " ".join(words)
            for words, stdin in self.cluster_calls
            if changing & set(words[:6]) and "--dry-run=server" not in words and "SelfSubjectAccessReview" not in stdin
        ]

    @property
    def cluster(self) -> dict[str, Any]:
        """What the cluster holds: objects by kind and name."""
        path = self.bin / "fakes" / "cluster.json"
        held: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return held

    def keep_in_cluster(self, *objects: dict[str, Any], **named: Any) -> None:
        """Put objects into the cluster, or what its fake is to do."""
        held = self.cluster | {f"{one['kind']}/{one['metadata']['name']}": one for one in objects} | named
        (self.bin / "fakes" / "cluster.json").write_text(json.dumps(held))

    def breaks(self, deployment: str, reason: str, **lasting: int) -> None:
        """Let the pods of a Deployment fail; with `for`, until they were asked for so often."""
        waiting = {"reason": reason, "message": "it does not start"}
        last = {"terminated": {"exitCode": 3, "reason": "Error"}}
        status = {
            "name": "backend",
            "ready": False,
            "restartCount": 2,
            "state": {"waiting": waiting},
            "lastState": last,
            **lasting,
        }
        self.keep_in_cluster(**{f"broken/{deployment}": status})

    def renders(self, objects: list[dict[str, Any]]) -> None:
        """Let every way make these objects from now on."""
        (self.bin / "fakes" / "rendered.json").write_text(json.dumps(objects))

    def values(self, text: str, environment: str = "staging") -> None:
        """Write an environment's values."""
        (self.project / f"deploy/environments/{environment}.yaml").write_text(text)

    def without(self, program: str) -> None:
        """Take a program off this machine."""
        (self.bin / program).unlink()

    def record_images(self, *names: str, digest: str = DIGEST, commit: str = "") -> None:
        """Write a record of images that were built for amd64."""
        image = {"tag": "1", "digest": digest, "seconds": 1.0, "platforms": {"linux/amd64": {}}, "commit": commit}
        images = {name: {"repository": f"ghcr.io/acme/acme-notes-{name}", **image} for name in names}
        (self.project / ".slipway").mkdir(exist_ok=True)
        (self.project / ".slipway" / "images.json").write_text(json.dumps({"version": 1, "images": images}))


@pytest.fixture
def desk(tmp_path: Path, project: Callable[..., Path]) -> Desk:
    """A project that is deployed with Compose."""
    return at_a_desk(tmp_path, project(registry="ghcr.io/acme", services=["postgres", "redis"], deploy=["compose"]))


def at_a_desk(tmp_path: Path, project: Path) -> Desk:
    """Copy a project to a desk with git and a few shell tools, and a Docker that is well."""
    copy = tmp_path / "acme-notes"
    shutil.copytree(project, copy)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "sh", "cat", "mkdir", "chmod", "ln", "ls", "rm", "truncate", "wc"):
        (tools / name).symlink_to(str(shutil.which(name)))
    made = Desk(copy, tools)
    made.records("docker")
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


@pytest.fixture
def clustered(tmp_path: Path, project: Callable[..., Path]) -> Desk:
    """A project with all ways to a cluster, whose environment `staging` is ready for a first deploy by the chart."""
    made = at_a_desk(tmp_path, project(**preset("full")))
    (made.bin / "fakes").mkdir()
    for program in ("kubectl", "helm"):
        made.records(program)
        shutil.copy(Path(__file__).with_name("fake_cluster.py"), made.bin / "fakes" / program)
    made.keep_in_cluster({"kind": "Namespace", "metadata": {"name": "acme-notes-staging"}})
    made.renders(workload("info"))
    made.values("postgres: {mode: none}\n")
    path = made.project / "invoke.yaml"
    path.write_text(path.read_text().replace("docker-desktop", "lab").replace("timeout: 300", "timeout: 1"))
    made.record_images("backend", "frontend", "worker", "cli", "nginx")
    platforms = [{"digest": DIGEST, "platform": {"os": "linux", "architecture": "amd64"}}]
    made.says("imagetools inspect", json.dumps({"digest": DIGEST, "manifests": platforms}))
    made.says("imagetools inspect .*json .Image", json.dumps({"config": {}}))
    return made


def running(service: str) -> str:
    """What the engine says of the one container of a service, in the development stack."""
    labels = {"com.docker.compose.service": service}
    container = {
        "Id": "c0ffee",
        "Name": f"/acme-notes-dev-{service}-1",
        "State": {"Running": True},
        "Config": {"Labels": labels},
    }
    return json.dumps([container])


def workload(level: str, **more: Any) -> list[dict[str, Any]]:
    """Objects as a way renders them: settings, and pods that read them."""
    labels = {"app.kubernetes.io/instance": "acme-notes", "app.kubernetes.io/component": "backend"}
    container = {"name": "backend", "image": f"ghcr.io/acme/acme-notes-backend@{DIGEST}"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "acme-notes-config", "labels": labels},
            "data": {"LOG_LEVEL": level, **more},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "acme-notes-backend", "labels": labels},
            "spec": {"replicas": 2, "template": template},
        },
    ]
