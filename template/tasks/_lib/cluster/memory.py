"""What a namespace remembers: a Secret for each release, and a Lease for as long as somebody deploys."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from ..console import stop
from ..failures import stop_because
from ..releases import Release, who
from .kubectl import Cluster

_KEPT = 10
LABEL = "slipway.release"


@dataclass(frozen=True)
class Memory:
    """The releases of the instance `name`."""

    cluster: Cluster
    name: str

    def releases(self) -> list[Release]:
        """Return the releases, oldest first."""
        found = self.cluster.objects("get", "secrets", "--selector", f"{LABEL}={self.name}")
        records = [json.loads(base64.b64decode(one["data"]["release"])) for one in found]
        return sorted((Release.recorded(record) for record in records), key=lambda release: release.number)

    def record(self, release: Release) -> None:
        """Keep a release, and of the older ones the newest."""
        self.cluster.read("create", "--filename", "-", stdin=self._kept(release))
        old = [self.secret(one) for one in self.releases()[:-_KEPT]]
        if old:
            self.cluster.read("delete", "secrets", *old, "--ignore-not-found")

    def amend(self, release: Release) -> None:
        """Keep something else of a release that is kept already."""
        self.cluster.read("replace", "--filename", "-", stdin=self._kept(release))

    def _kept(self, release: Release) -> str:
        """Return the object that keeps a release."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.secret(release), "labels": {LABEL: self.name}},
            "stringData": {"release": json.dumps(release.record(), separators=(",", ":"))},
        }
        return json.dumps(secret)

    def forget(self) -> None:
        """Remove all releases, and the lock."""
        self.cluster.read("delete", "secrets", "--selector", f"{LABEL}={self.name}")
        self.cluster.read("delete", "leases", self._lease, "--ignore-not-found")

    def secret(self, release: Release) -> str:
        """Return the name of a release's Secret."""
        return f"{self.name}-release-{release.number}"

    @property
    def _lease(self) -> str:
        return f"{self.name}-deploy"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the namespace by a Lease, which can be created only once; stop with the holder when it is held."""
        since = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._lease},
            "spec": {"holderIdentity": who(), "acquireTime": since},
        }
        made = self.cluster.ask("create", "--filename", "-", stdin=json.dumps(lease))
        if made.returncode != 0:
            self._refuse(made.stderr.strip())
        try:
            yield
        finally:
            # Somebody may have taken this one for dead, and hold another by now.
            held = self.cluster.ask("get", "leases", self._lease, "--output", "jsonpath={.spec.acquireTime}")
            if held.stdout.strip() in (since, ""):
                self.cluster.ask("delete", "leases", self._lease)

    def _refuse(self, said: str) -> None:
        held = self.cluster.ask(
            "get", "leases", self._lease, "--output", "jsonpath={.spec.holderIdentity}, since {.spec.acquireTime}"
        )
        if held.returncode != 0:
            stop_because(said, f"cannot take the lock: {said}", "run the same command again")
        stop(
            f"another deploy to {self.cluster.namespace} is under way: {held.stdout.strip()}",
            "wait for it; if it is certain that it has died: "
            + " ".join(self.cluster.command("delete", "leases", self._lease)),
        )
