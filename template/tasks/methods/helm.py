"""Deploys with the Helm chart, whose own releases Helm keeps; each of ours knows which one is its."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from invoke.exceptions import Exit

from .._lib import values
from .._lib.cluster.method import ClusterMethod
from .._lib.console import stop
from .._lib.images import Image
from .._lib.objects import parse
from .._lib.programs import Program, version
from .._lib.releases import Failure, Permitted, Release
from .._lib.renderers import helm as renderer
from .._lib.run import ask, read

# Helm counts failed deploys and returns from them too, so more than the ten releases that can be gone back to.
_HISTORY = "40"


_PROGRAM = Program("helm", ("version", "--short"), (3, 8), "https://helm.sh/docs/intro/install/")
# `--take-ownership` is as old as that.
_ADOPTING = replace(_PROGRAM, least=(3, 17))


class Method(ClusterMethod):
    """One environment, as a release of Helm."""

    NAME = "helm"
    RENDERER = renderer
    PROGRAM = _PROGRAM
    OWN_MEMORY = "owner=helm,name={name}"
    # It marks its former release as superseded.
    RIGHTS = (("", "secrets", "update"),)
    ADOPTS = True

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check also that this Helm can take objects over, where it is to."""
        if permitted.adopt:
            _ADOPTING.check()
        return super().prepare(built, permitted)

    def prepare_again(self, release: Release) -> None:
        """Check also that Helm still has the release: it counts anew after another way deployed meanwhile."""
        super().prepare_again(release)
        said = ask(self._helm("get", "manifest", self._name, "--revision", str(release.revision)))
        kept = parse(said.stdout) if said.returncode == 0 else []
        if self._canonical(kept) != release.objects:
            stop(
                f"Helm no longer has release {release.number} (its own revision {release.revision})",
                "name a later one with --release",
            )

    def record(self, release: Release) -> None:
        """Remember a release, and which revision it is to Helm."""
        super().record(replace(release, revision=self._revision()))

    def apply_again(self, release: Release, before: Release | None) -> list[Failure]:
        """Remember also which revision a recorded release is to Helm now: it keeps only so many of the last ones."""
        failures = super().apply_again(release, before)
        # It serves again, whether that can be noted or not.
        with suppress(Exit):
            if not failures and release.number in {one.number for one in self.releases()}:
                self._memory.amend(replace(release, revision=self._revision()))
        return failures

    def _revision(self) -> int:
        return int(json.loads(read([*self._helm("status", self._name), "--output", "json"]))["version"])

    def _bring(self, release: Release) -> list[Failure]:
        with values.documents(self._environment.name, release.images) as files:
            named = [argument for file in files for argument in ("--values", str(file))]
            take = ["--take-ownership", *_forcing()] if self._adopt else []
            command = self._helm("upgrade", "--install", self._name, str(renderer.CHART))
            return self._run([*command, *named, "--history-max", _HISTORY, *take])

    def _bring_back(self, release: Release) -> list[Failure]:
        # What somebody else changed meanwhile must not keep a release from coming back.
        back = [*self._helm("rollback", self._name, str(release.revision)), "--history-max", _HISTORY]
        return self._run([*back, *_forcing()])

    def _remove(self, current: Release | None) -> None:
        del current
        if ask(self._helm("status", self._name)).returncode == 0:
            read([*self._helm("uninstall", self._name), "--wait"])

    def _helm(self, *arguments: str) -> list[str]:
        where = ["--kube-context", self._cluster.context, "--namespace", self._cluster.namespace]
        return ["helm", *arguments, *where]


def _forcing() -> list[str]:
    """Return the flags that overwrite fields which others set; Helm 3 does it without."""
    # Helm 4 applies on the server, unless a release was last changed by Helm 3; then it would refuse to force.
    return ["--server-side=true", "--force-conflicts"] if version(_PROGRAM.says()) >= (4, 0) else []
