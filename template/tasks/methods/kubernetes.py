"""Deploys the plain manifests: server-side apply, and what the next release lacks is deleted."""

from typing import Any

from .._lib import overlay, values
from .._lib.cluster.kubectl import KUBECTL, Object, bundle
from .._lib.cluster.method import ClusterMethod
from .._lib.console import stop
from .._lib.images import Image
from .._lib.releases import Failure, Permitted, Release
from .._lib.renderers import kubernetes as renderer
from .._lib.run import ROOT


class Method(ClusterMethod):
    """One environment, as objects that nobody but the releases keeps a list of."""

    NAME = "kubernetes"
    RENDERER = renderer
    PROGRAM = KUBECTL
    ADOPTS = True

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check also that the committed overlay is what its values say: `kubectl apply -k` must do the same."""
        name = self._environment.name
        folder = ROOT / "deploy" / "kubernetes" / "overlays" / name
        if not overlay.current(folder, self._name, self._cluster.namespace, values.load(name)):
            stop(
                f"{folder.relative_to(ROOT)} is not made from the values of {name}", f"inv deploy.overlay --env {name}"
            )
        return super().prepare(built, permitted)

    def _bring(self, release: Release) -> list[Failure]:
        return self._apply([one for key, one in release.objects.items() if key not in self._secrets])

    def _bring_back(self, release: Release) -> list[Failure]:
        return self._apply([one for one in release.objects.values() if one["kind"] != "Secret"])

    def _apply(self, objects: list[Object]) -> list[Failure]:
        wanted = bundle([*self._secrets.values(), *objects])
        return self._run(
            self._cluster.command("apply", "--server-side", "--force-conflicts", "--filename", "-"), wanted
        )

    def _remove(self, current: Release | None) -> None:
        if current:
            self._cluster.delete(current.objects.values())
