"""Programs that tasks call: whether one is here, and new enough."""

import re
import shutil
from dataclasses import dataclass

from .console import stop
from .run import ask


@dataclass(frozen=True)
class Program:
    """A program by its name on PATH: what makes it say its version, the smallest one that will do, where to get it."""

    name: str
    version: tuple[str, ...]
    least: tuple[int, int]
    where: str

    def problem(self) -> str:
        """Say what is wrong with the program on this machine, in a few words; nothing when all is well."""
        if shutil.which(self.name) is None:
            return f"{self.name} is not installed"
        said = self.says()
        return f"{self.name} is too old: {said}" if version(said) < self.least else ""

    def says(self) -> str:
        """Return what the program says of its version."""
        return ask([self.name, *self.version]).stdout.strip()

    @property
    def fix(self) -> str:
        """How to get one that will do."""
        return f"install {self.name} {self.least[0]}.{self.least[1]} or later: {self.where}"

    def check(self) -> None:
        """Stop unless the program is here and new enough."""
        problem = self.problem()
        if problem:
            stop(problem, self.fix)


def version(said: str) -> tuple[int, ...]:
    """Return the first version number in a text, or (0,)."""
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0,)
