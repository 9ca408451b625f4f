"""The containers of one compose project: bringing services up, waiting for their health, telling why one failed."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from invoke.exceptions import Exit

from . import compose, stacks
from .console import say
from .failures import find
from .releases import Failure
from .run import ask, bare_environment, read, run
from .stacks import service_of

Container = dict[str, Any]
DEFINITION = "slipway.definition"


class Containers:
    """A compose project's containers on one engine."""

    def __init__(self, context: str, name: str) -> None:
        """Take the engine's context and the project's name."""
        self.docker = ["docker", "--context", context]
        self.compose = [*self.docker, "compose", "--project-name", name]
        self._name = name

    def all(self) -> list[Container]:
        """Return what the engine knows of each container, those that ended too."""
        return stacks.containers(self.docker, self._name)

    def of(self, service: str) -> list[Container]:
        """Return a service's containers."""
        return [container for container in self.all() if service_of(container) == service]

    def up(self, objects: dict[str, Any], services: Sequence[str], until: float) -> list[Failure]:
        """Start some services, or replace what changed of them, and wait until each is healthy or has failed."""
        return self._up(objects, services, until, (), lambda container: service_of(container) in services)

    def beside(
        self, objects: dict[str, Any], more: dict[str, int], until: float
    ) -> tuple[list[Container], list[Failure]]:
        """Start further containers of some services, whatever runs of them, and wait; return them, and what failed."""
        before = {container["Id"]: service_of(container) for container in self.all()}
        scale = []
        for service, count in more.items():
            scale += ["--scale", f"{service}={list(before.values()).count(service) + count}"]

        def is_new(container: Container) -> bool:
            return service_of(container) in more and container["Id"] not in before

        failures = self._up(objects, list(more), until, ["--no-recreate", *scale], is_new)
        return [container for container in self.all() if is_new(container)], failures

    def _up(
        self,
        objects: dict[str, Any],
        services: Sequence[str],
        until: float,
        options: Sequence[str],
        chosen: Callable[[Container], bool],
    ) -> list[Failure]:
        # One service after the other: compose by itself also replaces whatever depends on a replaced one.
        command = [*self.compose, "--file", "-", "up", "--detach", "--no-deps", "--no-build", *options, *services]
        say(f"$ {' '.join(command)}")
        done = ask(command, stdin=json.dumps(objects), env=bare_environment({}))
        if done.returncode != 0:
            # What was created and did not start would be waited for in vain.
            known = find(done.stderr)
            cause = known.cause if known else "cannot be started"
            return [Failure(", ".join(services), cause, "", done.stderr.strip())]
        return self.wait(chosen, compose.one_shot(objects), until)

    def wait(self, chosen: Callable[[Container], bool], one_shot: set[str], until: float) -> list[Failure]:
        """Wait until each of some containers serves or has ended; return those that failed or are late."""
        shown: dict[str, str] = {}
        while True:
            waiting, failed = [], []
            try:
                there = self.all()
            except Exit:
                # An engine that does not answer once, such as one elsewhere, says nothing about the containers.
                if time.monotonic() > until:
                    raise
                time.sleep(1)
                continue
            for container in filter(chosen, there):
                service, state = service_of(container), state_of(container)
                if shown.get(service) != state:
                    say(f"  {service}: {state}")
                    shown[service] = state
                if state in ("created", "starting") or (state == "running" and service in one_shot):
                    waiting.append(container)
                elif state not in ("healthy", "running", "done"):
                    failed.append(container)
            if failed or not waiting or time.monotonic() > until:
                return [self._failure(container) for container in failed or waiting]
            time.sleep(0.2)

    def stop(self, containers: Iterable[Container]) -> None:
        """Let containers end what they are doing, all at once, and remove them."""
        ids = [container["Id"] for container in containers]
        if ids:
            read([*self.docker, "stop", *ids])
            self.remove(ids)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove containers, whatever they are doing."""
        if ids:
            read([*self.docker, "rm", "--force", *ids])

    def remove_strays(self, objects: dict[str, Any]) -> None:
        """Remove the containers of services that the stack does not have."""
        for container in self.all():
            if service_of(container) not in objects["services"]:
                run([*self.docker, "rm", "--force", name_of(container)])

    def _failure(self, container: Container) -> Failure:
        probes = (container["State"].get("Health") or {}).get("Log") or []
        logs = ask([*self.docker, "logs", "--tail", "20", container["Id"]])
        return Failure(
            service_of(container),
            state_of(container),
            probes[-1]["Output"].strip() if probes else "",
            (logs.stdout + logs.stderr).strip(),
        )


def name_of(container: Container) -> str:
    """Return a container's name, by which others of its network reach it too."""
    return str(container["Name"]).lstrip("/")


def definition_of(container: Container) -> str:
    """Return which definition a container was made by, where that was written down."""
    return str(container["Config"]["Labels"].get(DEFINITION))


def state_of(container: Container) -> str:
    """Return one word for a container: healthy, running, starting, done, or what is wrong."""
    state = container["State"]
    if state["Status"] == "exited":
        # What is started again by itself has not ended, but was stopped.
        kept = container.get("HostConfig", {}).get("RestartPolicy", {}).get("Name") in ("always", "unless-stopped")
        return (
            ("stopped" if kept else "done") if state["ExitCode"] == 0 else f"ended with exit code {state['ExitCode']}"
        )
    if state["Status"] == "restarting":
        return f"restarting, last exit code {state['ExitCode']}"
    health = (state.get("Health") or {}).get("Status")
    return str(health if state["Status"] == "running" and health and health != "none" else state["Status"])
