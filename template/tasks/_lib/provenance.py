"""Provenance: what an image was made from, by whom and when, as SLSA has it (https://slsa.dev/spec/v1.0/provenance)."""

import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from . import pipeline
from .images import Image
from .run import ask

KIND = "slsaprovenance1"
_BUILD_TYPE = "urn:slipway:inv-build:1"


def state(image: Image) -> dict[str, Any]:
    """Return the statement about an image, to be signed."""
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": {
                "repository": image.repository,
                "version": image.version,
                "platforms": list(image.platforms),
            },
            "resolvedDependencies": [{"uri": f"git+{source() or 'unknown'}", "digest": {"gitCommit": image.commit}}],
        },
        "runDetails": {"builder": {"id": _builder()}, "metadata": _metadata()},
    }


def source() -> str:
    """Return where the sources are, for whoever may read them; empty when that is not known, or holds a password."""
    origin = ask(["git", "remote", "get-url", "origin"]).stdout.strip()
    return origin.removesuffix(".git") if origin.startswith("https://") and "@" not in origin else ""


def _builder() -> str:
    """Return who builds: a workflow by its name, or a person's machine."""
    if "GITHUB_WORKFLOW_REF" in os.environ:
        return "{GITHUB_SERVER_URL}/{GITHUB_WORKFLOW_REF}".format_map(os.environ)
    return "urn:slipway:builder:by-hand"


def _metadata() -> dict[str, str]:
    finished = {"finishedOn": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
    run = pipeline.run()
    return {"invocationId": run, **finished} if run else finished


@dataclass(frozen=True)
class Stated:
    """What a statement says of an image: where it was pushed to, its sources' version and commit, and who built it."""

    repository: str
    version: str
    commit: str
    builder: str

    @classmethod
    def of(cls, statement: dict[str, Any]) -> "Stated":
        """Read a statement."""
        definition = statement["buildDefinition"]
        asked = definition["externalParameters"]
        commit = definition["resolvedDependencies"][0]["digest"]["gitCommit"]
        return cls(asked["repository"], asked["version"], commit, statement["runDetails"]["builder"]["id"])

    def fits(self, tag: str) -> bool:
        """Return whether images of this statement may have a tag: any that names no other commit or version."""
        if re.fullmatch(r"[0-9a-f]{12}(-dirty)?", tag):
            return self.commit.startswith(tag[:12])
        if re.fullmatch(r"v?\d+\.\d+\.\d+.*", tag):
            return tag.removeprefix("v") == self.version
        return True
