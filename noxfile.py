"""Sessions for maintainers and CI: `./nox --list` names them, `./nox -s tests` runs one."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests"]

# `template/tasks` is a package called tasks, like the maintainers' tasks.py: mypy sees them one after the other.
PYTHON = ["noxfile.py", "tools", "demo", "bench", "tests", "template/tasks"]


def install(session: nox.Session, group: str) -> None:
    """Install one dependency group of pyproject.toml."""
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), group))


def there(*paths: str) -> list[str]:
    """Keep the paths that exist."""
    return [path for path in paths if Path(path).exists()]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types of every Python file, the shell scripts, and the workflow's security."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", *there(*PYTHON))
    session.run("mypy", *there("tasks.py"))
    session.run("mypy", *there("template/deploy/pulumi"))
    session.run("shellcheck", *there("nox", ".ci/run"))
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test the machine has the parts for; arguments go to pytest."""
    install(session, "test")
    install(session, "pulumi")
    session.run("pytest", "-n", "2", "--dist", "loadgroup", *session.posargs)


@nox.session(venv_backend="none")
def rust(session: nox.Session) -> None:
    """Check the workspace where it stands, in template/: format, clippy, tests."""
    session.chdir("template")
    session.run("cargo", "fmt", "--check", external=True)
    session.run("cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings", external=True)
    session.run("cargo", "test", "--locked", external=True)


@nox.session
def projects(session: nox.Session) -> None:
    """Render presets (all, or those named) and run each project's own checks: format, clippy, tests."""
    install(session, "run")
    session.run("python", "-m", "tools.projects", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Show the main job: render a project, test it, start it, stop it; with Docker, deploy it too."""
    install(session, "run")
    session.run("python", "-m", "demo", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Make what comes from code: the pages of tasks and questions, the chart's values, the parameters' reference."""
    install(session, "run")
    session.run("python", "-m", "tools.docs")
    session.run("python", "-m", "tools.questions")
    session.run("python", "-m", "tools.values")
    session.run("python", "-m", "tools.reference")


@nox.session
def proof(session: nox.Session) -> None:
    """Run what takes too long for every commit: all combinations of answers, a bare container, hot reload."""
    install(session, "test")
    install(session, "pulumi")
    session.run("python", "-m", "tools.projects", "--all")
    session.run("pytest", "-m", "proof", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure builds side by side with other Dockerfiles, and more; makes docs/benchmarks.md. Takes hours."""
    install(session, "run")
    session.run("python", "-m", "bench", *session.posargs)
