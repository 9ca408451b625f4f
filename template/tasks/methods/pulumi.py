"""Deploys the Pulumi program; its state is fetched from a Secret beside the app before, and put back after."""

import base64
import gzip
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .._lib import values
from .._lib.cluster.commits import CommitMethod
from .._lib.console import stop
from .._lib.images import FOLDER
from .._lib.programs import Program
from .._lib.releases import Failure, Release
from .._lib.renderers import pulumi as renderer
from .._lib.run import ROOT, read, try_again

_LABEL = "slipway.state"
# How often the cluster is asked to take the state.
_TRIES = 3


class Method(CommitMethod):
    """One environment, as a stack of its name."""

    NAME = "pulumi"
    RENDERER = renderer
    # The first with the option `toolchain` of Pulumi.yaml.
    PROGRAM = Program("pulumi", ("version",), (3, 120), "https://www.pulumi.com/docs/install/")
    OWN_MEMORY = _LABEL + "={name}"
    # Its state is applied.
    RIGHTS = (("", "secrets", "patch"),)

    def check_program(self) -> None:
        """Check also that the program's packages are installed."""
        super().check_program()
        renderer.check_packages()

    def _bring_from(self, root: Path, release: Release) -> list[Failure]:
        with self._stack(root, release.images) as (pulumi, environment):
            return self._run([*pulumi, "up", "--yes", "--skip-preview"], **environment)

    def _remove(self, current: Release | None) -> None:
        with self._stack(ROOT, current.images if current else {}) as (pulumi, environment):
            read([*pulumi, "destroy", "--yes", "--skip-preview"], env=self._shell(environment))

    @contextmanager
    def _stack(self, root: Path, images: Mapping[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Give the start of each command and the variables it needs, for a stack that is here only meanwhile."""
        stack = self._environment.name
        documents = values.documents(stack, images, root)
        with tempfile.TemporaryDirectory() as folder, documents as (own, second):
            config = {
                "name": self._name,
                "values": str(own),
                "release": str(second),
                # The deploy itself waits for the pods, and tells more about those that fail.
                "wait": "false",
                "kubernetes:context": self._cluster.context,
                "kubernetes:namespace": self._cluster.namespace,
            }
            pulumi, environment = renderer.stack(Path(folder), stack, config, root)
            shell = self._shell(environment)
            self._fetch_state(Path(folder) / "export.json", [*pulumi, "stack", "import", "--stack", stack], shell)
            try:
                yield [*pulumi, "--stack", stack], environment
            finally:
                # Also after a failure: what was made is there, and the next deploy must know it.
                self._keep_state(read([*pulumi, "stack", "export", "--stack", stack], env=shell))

    def _fetch_state(self, file: Path, command: list[str], shell: dict[str, str] | None) -> None:
        for found in self._cluster.objects("get", "secret", self._secret, "--ignore-not-found"):
            file.write_bytes(gzip.decompress(base64.b64decode(found["data"]["stack"])))
            read([*command, "--file", str(file)], env=shell)

    def _keep_state(self, text: str) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._secret, "labels": {_LABEL: self._name}},
            "data": {"stack": base64.b64encode(gzip.compress(text.encode())).decode()},
        }
        command = ("apply", "--server-side", "--force-conflicts", "--filename")
        for attempt in range(1, _TRIES + 1):
            done = self._cluster.ask(*command, "-", stdin=json.dumps(secret))
            if done.returncode == 0:
                return
            if attempt < _TRIES:
                try_again("the cluster does not take Pulumi's state", attempt)
        # Nobody else has it: what was made would be made a second time.
        FOLDER.mkdir(exist_ok=True)
        kept = FOLDER / f"{self._secret}.json"
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(secret), encoding="utf-8")
        stop(
            f"the cluster did not take Pulumi's state, which is now in {kept.relative_to(ROOT)}: {done.stderr.strip()}",
            f"before the next deploy: {' '.join(self._cluster.command(*command, str(kept.relative_to(ROOT))))}",
        )

    @property
    def _secret(self) -> str:
        return f"{self._name}-pulumi-state"
