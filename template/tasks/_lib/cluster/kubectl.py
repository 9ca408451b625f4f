"""One namespace of one cluster: asking it and telling it things, always by the environment's own context."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

from ..console import stop
from ..failures import stop_because
from ..programs import Program, version
from ..run import ask

Object = dict[str, Any]

# It has all APIs that are used here; nobody looks whether an older one has.
_LEAST_SERVER = (1, 24)
KUBECTL = Program("kubectl", ("version", "--client"), (1, 24), "https://kubernetes.io/docs/tasks/tools/")


@dataclass(frozen=True)
class Cluster:
    """A namespace of the cluster that a kubeconfig context names. The current context is never used."""

    context: str
    namespace: str

    def command(self, *arguments: str) -> list[str]:
        """Return a kubectl command for this namespace."""
        return ["kubectl", "--context", self.context, "--namespace", self.namespace, *arguments]

    def ask(self, *arguments: str, stdin: str | None = None) -> CompletedProcess[str]:
        """Run kubectl and return what it said, whether it failed or not."""
        return ask(self.command(*arguments), stdin=stdin)

    def read(self, *arguments: str, stdin: str | None = None, fix: str = "see the message above") -> str:
        """Return what kubectl said; stop when it failed."""
        done = self.ask(*arguments, stdin=stdin)
        if done.returncode != 0:
            said = done.stderr.strip()
            stop_because(said, f"kubectl {arguments[0]}: {said}", fix)
        return done.stdout

    def objects(self, *arguments: str, stdin: str | None = None) -> list[Object]:
        """Return the objects that kubectl printed; stop when it failed."""
        return list(parse(self.read(*arguments, "--output", "json", stdin=stdin)))

    def get(self, wanted: Iterable[Object]) -> list[Object]:
        """Return those of some objects that are there."""
        listed = bundle(wanted)
        return self.objects("get", "--filename", "-", "--ignore-not-found", stdin=listed) if listed else []

    def delete(self, gone: Iterable[Object], wait: bool = True) -> None:
        """Delete objects, and wait, five minutes at most, until they are gone; or let them go by themselves."""
        listed = bundle(gone)
        # By itself kubectl waits for a week.
        patience = ("--wait", "--timeout", "300s") if wait else ("--wait=false",)
        if listed:
            self.read("delete", "--filename", "-", "--ignore-not-found", *patience, stdin=listed)

    def check_context(self, where: str) -> None:
        """Stop unless the kubeconfig has the context; `where` says what named it."""
        done = ask(["kubectl", "config", "get-contexts", "--output", "name"])
        if self.context not in done.stdout.split():
            stop(
                f"{where} names the context {self.context!r}, which this kubeconfig does not have; "
                f"it has: {', '.join(done.stdout.split()) or 'none'}",
                f"correct `context:` of {where}, or get the cluster's kubeconfig and name it in KUBECONFIG",
            )

    def check_answer(self) -> None:
        """Stop unless the cluster answers, knows who asks, and is new enough."""
        said = json.loads(self.read("get", "--raw", "/version", "--request-timeout", "10s")).get("gitVersion", "")
        if said and version(said) < _LEAST_SERVER:
            least = ".".join(map(str, _LEAST_SERVER))
            stop(f"the cluster of {self.context} is too old: Kubernetes {said}", f"update it to {least} or later")

    def has_namespace(self) -> bool:
        """Return whether the namespace is there; somebody who may not look is believed."""
        done = self.ask("get", "namespace", self.namespace, "--ignore-not-found", "--output", "name")
        if done.returncode != 0 and "cannot get resource" not in done.stderr:
            stop_because(done.stderr, f"kubectl get namespace: {done.stderr.strip()}", "see the message above")
        return bool(done.stdout.strip()) or done.returncode != 0

    def get_through(self, pod: str, path: str) -> str:
        """Return status and body of what `pod:port` answers under a path, or why it does not."""
        import requests

        # `kubectl get --raw` would keep the body of an error to itself.
        command = self.command("proxy", "--port", "0")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy, requests.Session() as session:
            # A proxy that the shell names would look for the address on its own machine.
            session.trust_env = False
            try:
                said = proxy.stdout.readline() if proxy.stdout else ""
                local = f"http://{said.rpartition(' ')[2].strip()}"
                answer = session.get(f"{local}/api/v1/namespaces/{self.namespace}/pods/{pod}/proxy{path}", timeout=5)
                return f"{answer.status_code} {answer.text.strip()}"
            except requests.RequestException as error:
                return f"nothing ({type(error).__name__})"
            finally:
                proxy.terminate()

    def kinds(self) -> dict[tuple[str, str], str]:
        """Return what the cluster calls each kind in an address: (apiVersion, kind) → resource."""
        rows = [line.split() for line in self.read("api-resources", "--no-headers").splitlines()]
        return {(row[-3], row[-1]): row[0] for row in rows}


def parse(text: str) -> Iterator[Object]:
    """Yield the objects in kubectl's output: one, a list of them, or one after the other."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        found, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()
        if found.get("kind", "").endswith("List") and "items" in found:
            yield from found["items"]
        else:
            yield found


def bundle(objects: Iterable[Object]) -> str:
    """Return objects as one document for kubectl's standard input; empty when there are none."""
    items = list(objects)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}) if items else ""


def pods_of(objects: Iterable[Object]) -> list[Object]:
    """Return the pod specifications in some objects."""
    return [one["spec"]["template"]["spec"] for one in objects if "template" in (one.get("spec") or {})]


def containers_of(pods: Sequence[Object]) -> list[Object]:
    """Return the containers of pod specifications, those that run first included."""
    return [one for pod in pods for one in [*(pod.get("initContainers") or []), *pod["containers"]]]
