"""Says what this machine has, what it lacks, and how to get it."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict

from invoke import Context, task
from invoke.exceptions import Exit

from ._lib import engine, ways
from ._lib.console import say, tell
from ._lib.failures import find
from ._lib.findings import Finding
from ._lib.programs import Program, version
from ._lib.project import Environment, Project, load
from ._lib.run import ask, hint
from .registry import kind_of

_PROGRAMS = (
    Program("git", ("--version",), (2, 20), "https://git-scm.com/downloads"),
    Program("cargo", ("--version",), (1, 94), "https://rustup.rs, then `rustup update stable`"),
)


@task(auto_shortflags=False, help={"json": "as JSON, for programs"})
def doctor(_context: Context, json: bool = False) -> None:
    """Check what is installed, reachable and configured; each miss comes with its fix."""
    project = load()
    findings = [*_programs(), *_docker(), *_registry(project.registry), *_signing(project)]
    for environment in project.environments.values():
        findings += _environment(environment)
    # Environments share tools, which need be named once.
    findings = list(dict.fromkeys(findings))
    missing = any(finding.fix and finding.needed for finding in findings)
    if json:
        tell([asdict(finding) for finding in findings])
        if missing:
            raise Exit(code=1)
        return
    for finding in findings:
        mark = "ok  " if not finding.fix else "MISS" if finding.needed else "note"
        say(f"{mark}  {finding.subject:24} {finding.found}")
        if finding.fix:
            say(f"      fix: {finding.fix}")
    if missing:
        raise Exit("\nSomething is missing; the fixes are above.", 1)
    say("\nAll is well. Next: `inv dev`, `inv build`")


def _programs() -> Iterator[Finding]:
    for program in _PROGRAMS:
        problem = program.problem()
        # Without Rust, images are still built: in containers.
        needed = program.name != "cargo"
        yield Finding(program.name, problem or program.says(), program.fix if problem else "", needed)


def _docker() -> Iterator[Finding]:
    if shutil.which("docker") is None:
        yield Finding("docker", "not installed", "https://docs.docker.com/engine/install/")
        return
    server = ask(["docker", "version", "--format", "{{.Server.Version}}"])
    if server.returncode != 0:
        known = find(server.stderr)
        said, fix = (known.cause, known.fix) if known else (server.stderr.strip(), "run `docker version`")
        yield Finding("docker engine", said, fix)
        return
    yield _at_least("docker engine", server.stdout.strip(), (25, 0))
    for plugin, least in (("buildx", (0, 12)), ("compose", (2, 24))):
        found = ask(["docker", plugin, "version"])
        if found.returncode != 0:
            yield Finding(plugin, "not installed", f"install the docker-{plugin}-plugin package")
        else:
            yield _at_least(plugin, found.stdout.strip(), least)
    several = engine.keeps_several_platforms()
    yield Finding("several platforms", "kept by the engine" if several else "kept as archives until they are pushed")


def _registry(registry: str) -> Iterator[Finding]:
    import requests

    host = registry.partition("/")[0]
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    try:
        requests.head(f"{scheme}://{host}/v2/", timeout=5)
        yield Finding("registry", f"{host} answers; pushing needs {kind_of(host)['needs']}: `inv login`")
    except requests.RequestException as error:
        yield Finding(
            "registry",
            f"{host} does not answer ({type(error).__name__})",
            "correct project.registry, or look at the network",
            False,
        )


def _signing(project: Project) -> Iterator[Finding]:
    """Yield whether images can be signed and verified here, where that is asked for."""
    asked = any(environment.settings.get("verify") for environment in project.environments.values())
    if project.signer or asked:
        there = shutil.which("cosign") is not None
        # Without it, deploys to those environments end at once.
        yield Finding("cosign", "installed" if there else "not installed", "" if there else hint("cosign"), asked)
    if asked and not project.signer:
        yield Finding("signing", "invoke.yaml does not say who may sign", "name a key or a workflow under `signing:`")


def _environment(environment: Environment) -> Iterator[Finding]:
    if environment.method not in ways.names():
        name = f"environment {environment.name}"
        yield Finding(name, f"no way to deploy called {environment.method!r}", "correct `method:` in invoke.yaml")
        return
    yield from ways.named(environment.method)(load(), environment).findings()


def _at_least(subject: str, said: str, least: tuple[int, int]) -> Finding:
    low = version(said) < least
    return Finding(subject, said, f"update to {least[0]}.{least[1]} or later" if low else "")
