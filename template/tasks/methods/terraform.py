"""Deploys the Terraform root, whose state lies beside the app, in a Secret of the backend's own form."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._lib import values
from .._lib.cluster.commits import CommitMethod
from .._lib.programs import Program
from .._lib.releases import Failure, Release
from .._lib.renderers import terraform as renderer
from .._lib.run import ROOT, read

_PLAIN = ("-input=false", "-no-color")


class Method(CommitMethod):
    """One environment, as a state of Terraform."""

    NAME = "terraform"
    RENDERER = renderer
    PROGRAM = Program("terraform", ("version",), (1, 11), "https://developer.hashicorp.com/terraform/install")
    OWN_MEMORY = "tfstate=true,tfstateSecretSuffix={name}"
    # It writes its state, and holds and releases a lock of its own.
    RIGHTS = (("", "secrets", "update"), ("coordination.k8s.io", "leases", "update"))

    def _bring_from(self, root: Path, release: Release) -> list[Failure]:
        documents = values.documents(self._environment.name, release.images, root)
        with self._initialised(root) as (terraform, folder, environment), documents as files:
            plan = [*terraform, "plan", *_PLAIN, f"-out={folder / 'plan'}", *self._variables(files)]
            apply = [*terraform, "apply", *_PLAIN, str(folder / "plan")]
            return self._run(plan, **environment) or self._run(apply, **environment)

    def _remove(self, current: Release | None) -> None:
        documents = values.documents(self._environment.name, current.images if current else {})
        with self._initialised(ROOT) as (terraform, _, environment), documents as files:
            destroy = [*terraform, "destroy", *_PLAIN, "-auto-approve", *self._variables(files)]
            read(destroy, env=self._shell(environment))
        # The backend's own lock, which it leaves behind.
        self._cluster.read("delete", "leases", f"lock-tfstate-default-{self._name}", "--ignore-not-found")

    @contextmanager
    def _initialised(self, root: Path) -> Iterator[tuple[list[str], Path, dict[str, str]]]:
        """Give the start of each command, a folder for the plan, and the variables that the commands need.

        Nothing is left beside the code: it may be initialised there for another environment, by hand.
        """
        with tempfile.TemporaryDirectory() as folder:
            terraform = ["terraform", f"-chdir={root / 'deploy' / 'terraform'}"]
            backend = {
                "secret_suffix": self._name,
                "namespace": self._cluster.namespace,
                "config_context": self._cluster.context,
            }
            environment = {
                "TF_DATA_DIR": str(Path(folder) / "data"),
                "TF_PLUGIN_CACHE_DIR": renderer.cache(),
                # Neither the backend nor the provider reads KUBECONFIG.
                "KUBE_CONFIG_PATHS": os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config"),
            }
            given = [f"-backend-config={key}={value}" for key, value in backend.items()]
            read([*terraform, "init", *_PLAIN, "-reconfigure", *given], env=self._shell(environment))
            yield terraform, Path(folder), environment

    def _variables(self, files: list[Path]) -> list[str]:
        own, second = files
        given = {
            "environment": self._environment.name,
            "context": self._cluster.context,
            "namespace": self._cluster.namespace,
            "name": self._name,
            "values": str(own),
            "release": str(second),
        }
        return [f"-var={key}={value}" for key, value in given.items()]
