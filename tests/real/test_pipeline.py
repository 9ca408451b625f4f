"""Promise: a push becomes a healthy release on staging and then production, and what is not good gets no further."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from demo.native import free_port
from tests import scanning
from tests.pipeline.runner import CARGO, Runner
from tools.projects import FOR_CARGO

from .cluster import kubectl
from .conftest import Site, compile_nothing, docker, empty_production, publish_here, serving

MARKS = ("docker", "cluster", "helm", "rust", "cosign", "syft")
# With what else is deployed to this engine as production.
pytestmark = [*(getattr(pytest.mark, part) for part in MARKS), pytest.mark.xdist_group("docker")]

NAMESPACE = "road-pipeline"
ENGINE = "pipeline"
PASSWORD = "of a key that is gone after the test"  # noqa: S105

# Says what it was asked to publish, and that it is there.
GH = 'echo "gh $*"; shift 3; for file; do case $file in .slipway/*) head -c 300 "$file";; esac; done'

Run = Callable[..., tuple[Runner, dict[str, str]]]


@pytest.fixture(scope="module")
def site(built: Site, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A team's repository: staging is a namespace, production is this engine. What it compiles is built already."""
    home = tmp_path_factory.mktemp("pipeline")
    site = Site(home / "road", free_port(), {"DOCKER_CONFIG": str(home / "docker")})
    shutil.copytree(built.folder, site.folder)
    compile_nothing(site, built)
    # Others' images may be there for this machine's platform only.
    (site.folder / "deploy/compose/nginx/Dockerfile").write_text(f"FROM {built.reference('nginx')}\n")
    facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
    context = kubectl("config", "current-context").strip()
    # A place of its own: what others push to theirs meanwhile would be taken for this pipeline's.
    facts["project"]["registry"] = f"{registry}/pipeline"
    facts["environments"] = {
        "staging": {"method": "helm", "context": context, "namespace": NAMESPACE, "timeout": 600, "verify": True},
        "production": {"method": "compose", "context": ENGINE, "secrets": str(home / "secrets"), "timeout": 300},
    }
    facts["signing"] = {"key": "deploy/cosign.pub"}
    make_key(site.folder / "deploy", home)
    facts["pipeline"] = ["staging", "production"]
    (site.folder / "invoke.yaml").write_text(yaml.safe_dump(facts))
    alone: dict[str, Any] = {"postgres": {"mode": "none"}, "redis": {"mode": "none"}}
    (site.folder / "deploy/environments/staging.yaml").write_text(yaml.safe_dump(alone))
    publish_here(site)
    docker("--config", site.environment["DOCKER_CONFIG"], "context", "create", ENGINE, "--docker", f"host={engine()}")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    kubectl("create", "namespace", NAMESPACE)
    try:
        with empty_production(site):
            site.succeed("deploy.overlay", "--env", "staging")
            (site.folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0\n\n- What is new.\n")
            site.commit("Deploy by the pipeline")
            yield site
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


def make_key(public: Path, private: Path) -> None:
    """Make the key that signs images: its public half belongs to the project."""
    command = ["cosign", "generate-key-pair", "--output-key-prefix", str(private / "cosign")]
    subprocess.run(command, env=os.environ | {"COSIGN_PASSWORD": PASSWORD}, check=True, capture_output=True)
    shutil.move(private / "cosign.pub", public)


def engine() -> str:
    """Return where this machine's engine is."""
    return docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Take notices, as a chat's webhook would; its address, and what came."""
    notices: list[dict[str, str]] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with serving(Chat) as address:
        yield f"http://{address}/a-secret-path", notices


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Iterator[Run]:
    """Run the workflows for the newest commit; the notices that came are the runner's."""
    with receiver() as (address, notices):

        def start(
            event: str = "push",
            workflow: str = "ci",
            ref: str = "refs/heads/main",
            real: bool = False,
            failing: str = "no",
            finds: str = "",
        ) -> tuple[Runner, dict[str, str]]:
            kubeconfig = kubectl("config", "view", "--raw", "--minify", "--flatten")
            reach = {
                "staging": {"KUBECONFIG_CONTENT": kubeconfig},
                "production": {"DEPLOY_HOST": engine(), "DEPLOY_SSH_KEY": "none", "DEPLOY_SSH_KNOWN_HOSTS": "none"},
            }
            everywhere = {"REGISTRY_USERNAME": "ann", "REGISTRY_TOKEN": "a token", "NOTIFY_WEBHOOK_URL": address}
            everywhere["COSIGN_PRIVATE_KEY"] = (site.folder.parent / "cosign.key").read_text()
            everywhere["COSIGN_PASSWORD"] = PASSWORD
            home = tmp_path / workflow
            (home / "machines").mkdir(parents=True)
            (home / "artifacts").mkdir()
            github = {"event_name": event, "ref": ref, "sha": site.head()}
            runner = Runner(site.folder, home / "machines", github, everywhere, reach, notices=notices)
            runner.variables = FOR_CARGO | {"FAILING": failing, "FINDS": finds, "GITHUB_REF_NAME": ref.split("/")[-1]}
            runner.stand_ins = {"gh": GH} if real else {"gh": GH, "cargo": CARGO}
            runner.stand_ins["trivy"] = scanning.script(tmp_path / "databases", "glibc")
            return runner, runner.run(f".github/workflows/{workflow}.yml")

        yield start


def tags(site: Site) -> list[str]:
    """Return the tags of the backend in the registry."""
    facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
    host, _, path = facts["project"]["registry"].partition("/")
    listed = requests.get(f"http://{host}/v2/{path}/road-backend/tags/list", timeout=5).json()
    # Nothing was pushed yet where the registry knows no such name.
    found: list[str] = listed.get("tags", [])
    return found


def released(site: Site) -> dict[str, str]:
    """Return the digest of the backend that runs in each environment, as people are told it."""
    shown = {name: site.inv("status", "--env", name).output for name in ("staging", "production")}
    return {name: next((line for line in text.splitlines() if "backend" in line), "") for name, text in shown.items()}


def test_a_push_reaches_staging_and_then_production(site: Site, run: Run) -> None:
    reaches_production(site, run)


@pytest.mark.proof
def test_a_push_that_is_compiled_reaches_production(site: Site, run: Run) -> None:
    reaches_production(site, run, real=True)


def reaches_production(site: Site, run: Run, real: bool = False) -> None:
    """Push, and see the commit in both environments, one after the other."""
    runner, ended = run(real=real)
    assert set(ended.values()) == {"success"}, (ended, runner.printed("deploy"))
    sha = site.head()[:12]
    assert {sha, "latest"} <= set(tags(site))
    deployed = [step.output for step in runner.steps if step.name == "Deploy"]
    assert all(f"--env {name}" in text for name, text in zip(("staging", "production"), deployed, strict=True))
    assert all("is healthy" in text for text in deployed)
    assert requests.get(site.url("/api/notes"), timeout=5).status_code == 200
    assert [(one["environment"], one["result"]) for one in runner.notices] == [
        ("staging", "success"),
        ("production", "success"),
    ]
    assert "signed by deploy/cosign.pub" in deployed[0]
    everything = "".join(step.output for step in runner.steps)
    assert PASSWORD not in everything
    assert "PRIVATE KEY" not in everything
    assert "a token" not in everything
    assert "a-secret-path" not in everything


def test_a_version_becomes_a_release(site: Site, run: Run) -> None:
    if site.head()[:12] not in tags(site):
        reaches_production(site, run)
    runner, ended = run(workflow="release", ref="refs/tags/v0.1.0")
    assert ended == {"release": "success"}, runner.printed("release")
    assert "v0.1.0" in tags(site)
    printed = runner.printed("release")
    assert "gh release create v0.1.0 --verify-tag --notes-file .slipway/notes.md" in printed
    assert "- What is new." in printed
    assert all(f".slipway/sbom/{name}" in printed for name in site.images())


def test_a_failing_test_stops_everything(site: Site, run: Run) -> None:
    stops(site, run)


@pytest.mark.proof
def test_a_test_that_fails_when_it_is_compiled_stops_everything(site: Site, run: Run) -> None:
    path = site.folder / "crates/cli/src/main.rs"
    path.write_text(path.read_text() + '\n#[test]\nfn fails() {\n    panic!("on purpose");\n}\n')
    stops(site, run, real=True)


def stops(site: Site, run: Run, real: bool = False) -> None:
    """Push something whose tests fail, and see that nobody gets it."""
    site.edit("README.md", "# ", "#  ")
    site.commit("Break a test")
    # Where production has no release yet, there is none after it either.
    before = released(site)
    runner, ended = run(real=real, failing="yes")
    assert ended["test"] == "failure", runner.printed("test")
    assert (ended["images"], ended["deploy"], ended["required"]) == ("skipped", "skipped", "failure")
    assert "fails ... FAILED" in runner.printed("test")
    assert not [tag for tag in tags(site) if tag.startswith(site.head()[:12])]
    assert released(site) == before
    undo(site)


def test_what_runs_is_scanned_again(run: Run) -> None:
    runner, ended = run("schedule", "security")
    assert set(ended.values()) == {"success"}, (ended, runner.printed("deployed"))
    assert "Nothing was found in staging." in runner.printed("deployed")
    assert "Nothing was found in production." in runner.printed("deployed")


def test_what_became_vulnerable_where_it_runs_is_found(run: Run) -> None:
    runner, ended = run("schedule", "security", finds="road-nginx=vulnerable")
    assert ended["sources"] == "success"
    assert ended["deployed"] == "failure"
    assert "HIGH      CVE-2030-0001  libc" in runner.printed("deployed")


def test_a_vulnerable_image_gets_no_tag(site: Site, run: Run) -> None:
    site.edit("README.md", "# ", "#  ")
    site.commit("Bring in a vulnerable package")
    before = tags(site), released(site)
    runner, ended = run(finds="road-nginx=vulnerable")
    assert (ended["images"], ended["deploy"], ended["required"]) == ("failure", "skipped", "failure"), ended
    assert "HIGH      CVE-2030-0001  libc" in runner.printed("leg")
    assert (tags(site), released(site)) == before
    assert runner.notices == []
    undo(site)


def test_a_pull_request_pushes_nothing(site: Site, run: Run) -> None:
    site.edit("README.md", "# ", "#  ")
    site.commit("Change something")
    before = tags(site)
    runner, ended = run("pull_request")
    assert (ended["images"], ended["deploy"], ended["required"]) == ("success", "skipped", "success"), ended
    assert "backend linux/arm/v7: static" in runner.printed("leg")
    assert tags(site) == before
    assert runner.notices == []


def test_a_release_that_does_not_become_healthy_is_taken_back(site: Site, run: Run) -> None:
    before = released(site)
    site.edit("docker-compose.production.yml", "  backend:\n", "  backend:\n    command: [serve, --nonsense]\n")
    # Signing takes as long as all the rest, and is another test's.
    facts = yaml.safe_load((site.folder / "invoke.yaml").read_text())
    del facts["signing"], facts["environments"]["staging"]["verify"]
    (site.folder / "invoke.yaml").write_text(yaml.safe_dump(facts))
    site.commit("Break production")
    runner, ended = run()
    assert (ended["images"], ended["deploy"]) == ("success", "failure"), (ended, runner.printed("deploy"))
    assert "serves again" in runner.printed("deploy")
    assert released(site)["production"] == before["production"]
    assert requests.get(site.url("/api/notes"), timeout=5).status_code == 200
    assert [(one["environment"], one["result"]) for one in runner.notices] == [
        ("staging", "success"),
        ("production", "failure"),
    ]
    undo(site)


def undo(site: Site) -> None:
    """Take the newest commit back, for the next test."""
    subprocess.run(["git", "reset", "--quiet", "--hard", "HEAD~1"], cwd=site.folder, check=True)
