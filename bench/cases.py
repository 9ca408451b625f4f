"""The cases of the benchmark: which Dockerfile, how many platforms, and what happened since the last build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RIVALS = Path(__file__).parent / "rivals"
ALL = "linux/amd64,linux/arm64,linux/arm/v7"
ONE = "linux/amd64"

# What a column of the table is, in the order in which a case is measured.
SCENARIOS = ("cold", "unchanged", "edit", "dependency")


@dataclass(frozen=True)
class Case:
    """One Dockerfile for some platforms."""

    name: str
    dockerfile: Path | None
    platforms: str

    def command(self, tag: str) -> list[str]:
        """The build's command. Rivals get no base system: that of other platforms may not be there to pull."""
        command = [
            "docker",
            "buildx",
            "build",
            "--progress",
            "plain",
            "--provenance=false",
            "--platform",
            self.platforms,
        ]
        command += ["--output", "type=image", "--tag", tag, "--target", "backend"]
        if self.dockerfile is None:
            return [*command, "--build-arg", f"PLATFORMS={self.platforms}", "."]
        return [*command, "--build-arg", "RUNTIME_IMAGE=scratch", "--file", str(self.dockerfile), "."]


def cases() -> Iterator[Case]:
    """Yield each Dockerfile for one platform and for three."""
    for platforms in (ONE, ALL):
        yield Case("slipway", None, platforms)
        yield Case("cargo-chef", RIVALS / "chef.Dockerfile", platforms)
        yield Case("plain", RIVALS / "plain.Dockerfile", platforms)
