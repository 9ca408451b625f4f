"""Which stack is meant: the development stack, or that of an environment that Compose deployed; and what runs of it."""

import json
from dataclasses import dataclass
from typing import Any

from . import compose
from .console import stop
from .failures import stop_because
from .project import load
from .run import ask, read


@dataclass(frozen=True)
class Stack:
    """A compose project on one engine. `hint` is the command that starts it, `flags` what names it to a task."""

    project: str
    context: str
    hint: str
    flags: str = ""

    @property
    def docker(self) -> list[str]:
        """The start of every command for its engine."""
        return ["docker", "--context", self.context] if self.context else ["docker"]

    def all(self) -> list[dict[str, Any]]:
        """Return its containers, as the engine describes them; those of `docker compose run` are left out."""
        return containers(self.docker, self.project)

    def running(self, service: str) -> str:
        """Return the id of a service's container; stop when none runs."""
        for container in self.all():
            if service_of(container) == service and container["State"]["Running"]:
                return str(container["Id"])
        stop(f"{service} of {self.project} does not run", f"start it first: `{self.hint}`")

    def command(self, container: str, *command: str) -> list[str]:
        """Return the command that runs another one, with standard input, in a container."""
        return [*self.docker, "exec", "--interactive", container, *command]

    def inside(self, container: str, script: str, *arguments: str) -> list[str]:
        """Return the command that runs a POSIX shell script, with arguments and standard input, in a container."""
        return self.command(container, "sh", "-c", script, "sh", *arguments)


def containers(docker: list[str], project: str) -> list[dict[str, Any]]:
    """Return what an engine knows of each container of a compose project, those that ended too.

    `docker` is the start of every command for the engine. Those of `docker compose run` are left out.
    """
    labels = (f"com.docker.compose.project={project}", "com.docker.compose.oneoff=False")
    filters = [argument for label in labels for argument in ("--filter", f"label={label}")]
    names = read([*docker, "ps", "--all", "--quiet", *filters]).split()
    done = ask([*docker, "inspect", *names]) if names else None
    if done is None:
        return []
    # One that was replaced since it was listed is left out, and makes no failure. What else is said does.
    said = [line for line in done.stderr.splitlines() if line.strip() and "no such" not in line.lower()]
    if done.returncode != 0 and said:
        stop_because(done.stderr, f"docker inspect: {said[0].strip()}", "run the same command again")
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def volumes(docker: list[str], project: str) -> list[str]:
    """Return the names of the volumes with a compose project's data."""
    label = f"label=com.docker.compose.project={project}"
    return read([*docker, "volume", "ls", "--quiet", "--filter", label]).split()


def service_of(container: dict[str, Any]) -> str:
    """Return the service that a container is one of."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def stack(env: str) -> Stack:
    """Return the stack of an environment that Compose deployed; without a name, the development stack."""
    project = load()
    if not env:
        return Stack(compose.development_name(project), "", "inv up")
    environment = project.environment(env)
    if environment.method != "compose":
        stop(
            f"{env} is deployed by {environment.method}, and its database is in no container that can be reached here",
            "use what the place offers where that database runs",
        )
    return Stack(f"{project.name}-{env}", environment.context, f"inv deploy --env {env}", f" --env {env}")
