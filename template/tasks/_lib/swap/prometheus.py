"""Prometheus, where it is deployed: what it has read of some containers."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..containers import Container
from ..run import ask

SERVICE = "prometheus"


@dataclass(frozen=True)
class Part:
    """Some containers of a service, on any of whose addresses they are read."""

    service: str
    addresses: tuple[str, ...]
    count: int

    @property
    def selector(self) -> str:
        """The labels of what they say of themselves."""
        instances = "|".join(f"{address.replace('.', '[.]')}:.*" for address in self.addresses)
        return f'job="{self.service}",instance=~"{instances}"'


class Prometheus:
    """The one that runs. It is asked by the program in its own image, so that its port need not be reached."""

    def __init__(self, docker: list[str], container: Container) -> None:
        """Take the start of every command for its engine, and its container."""
        self._docker, self._id = docker, container["Id"]
        self.said = ""

    def reads(self, service: str) -> bool:
        """Return whether a service is among its targets, or that cannot be told."""
        return self.value(f'count(up{{job="{service}"}}) or vector(0)') != 0

    def lacks(self, parts: Sequence[Part], patience: float) -> list[Part]:
        """Wait until all that happened until now was read; return the parts of which it was not."""
        begun = time.monotonic()
        while True:
            passed = time.monotonic() - begun
            late = [part for part in parts if not self._has_read(part, passed)]
            if not late or passed > patience:
                return late
            time.sleep(1)

    def _has_read(self, part: Part, passed: float) -> bool:
        """Return whether each container was read within the last seconds."""
        up = f"up{{{part.selector}}}"
        # One that is on two networks may be read twice.
        return self.value(f"count(time() - timestamp({up}) < {passed:.3f} and {up} == 1)") >= part.count

    def value(self, query: str) -> float:
        """Return a query's answer, which is one number; not a number where there is none."""
        command = ["promtool", "query", "instant", "--format", "json", "http://127.0.0.1:9090", query]
        done = ask([*self._docker, "exec", self._id, *command])
        self.said = done.stderr.strip()
        samples = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []
        return float(samples[0]["value"][1]) if samples else math.nan
