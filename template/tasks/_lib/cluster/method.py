"""What the ways to a cluster have in common; each adds how its tool changes things, and goes back."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from invoke.exceptions import Exit

from .. import engine, images, pipeline, values
from ..console import reason, say, stop
from ..failures import find
from ..findings import Finding
from ..images import Image
from ..objects import canonical, key
from ..programs import Program
from ..project import Environment, Project
from ..releases import Failure, Permitted, Release, Strategy
from ..run import ROOT, ask, run
from . import checks, difference, ownership, rollout, secrets
from .kubectl import KUBECTL, Cluster, Object
from .memory import LABEL, Memory


class Renderer(Protocol):
    """A module that says what a way would create."""

    @property
    def OWNERSHIP(self) -> tuple[str, ...]:  # noqa: N802  # In a module it is a constant.
        """Labels and annotations by which the tool knows its own objects."""
        ...

    def render(
        self, name: str, namespace: str, documents: Sequence[Path], context: str = ""
    ) -> list[dict[str, Any]]: ...


class ClusterMethod:
    """One environment: a namespace of a cluster, in which everything is called as the project is."""

    # The name in invoke.yaml, what says the objects, and the tool.
    NAME: str
    RENDERER: Renderer
    PROGRAM: Program
    # By which labels the Secrets are found in which the tool remembers its own objects; empty when it does not.
    OWN_MEMORY = ""
    # What the tool does in the cluster besides changing the app's objects.
    RIGHTS: tuple[checks.Right, ...] = ()
    # Whether it can take over objects that another way made.
    ADOPTS = False
    # The pipeline's secrets by which its machines reach the cluster, and what each is.
    SECRETS: Mapping[str, str] = {
        "KUBECONFIG_CONTENT": "a kubeconfig with the environment's context, of an account that may deploy there"
    }

    def __init__(self, project: Project, environment: Environment) -> None:
        """Take the environment; stop when it does not say where in the cluster it is."""
        self._project = project
        self._environment = environment
        self._where = f"environments.{environment.name} in invoke.yaml"
        namespace = str(environment.settings.get("namespace") or "")
        if not namespace:
            stop(f"{self._where} has no namespace", f"add one, such as `namespace: {project.name}-{environment.name}`")
        self._name = project.name
        self._cluster = Cluster(environment.context, namespace)
        self._memory = Memory(self._cluster, self._name)
        # Rendered Secrets, with what they hold: a release does not keep that.
        self._secrets: dict[str, Object] = {}
        # Whether it may take over what another way made.
        self._adopt = False

    # --- Checking ---

    def check(self) -> None:
        """Stop unless the tools are here."""
        self.check_program()
        KUBECTL.check()

    def connect(self) -> None:
        """Let a machine of the pipeline reach the cluster."""
        secrets = pipeline.given(self.SECRETS, f"environment {self._environment.name}")
        pipeline.keep(Path.home() / ".kube" / "config", secrets["KUBECONFIG_CONTENT"])
        self._cluster.check_context(self._where)

    def check_program(self) -> None:
        """Stop unless the way's own tool is here, which alone renders."""
        self.PROGRAM.check()

    def findings(self) -> Iterator[Finding]:
        """Yield what there is of tools, context, cluster and namespace."""
        subject = f"environment {self._environment.name}"
        problems = [(program, program.problem()) for program in dict.fromkeys((self.PROGRAM, KUBECTL))]
        for program, problem in problems:
            yield Finding(program.name, problem or program.says().splitlines()[0], program.fix if problem else "")
        if problems[-1][1]:
            return
        here = ask(["kubectl", "config", "get-contexts", "--output", "name"]).stdout.split()
        if self._cluster.context not in here:
            found = f"no kubeconfig context {self._cluster.context!r} (there are: {', '.join(here) or 'none'})"
            yield Finding(
                subject, found, f"correct `context:` of {self._where}, or get the cluster's kubeconfig", False
            )
            return
        answer = self._cluster.ask("get", "namespace", self._cluster.namespace, "--request-timeout", "10s")
        if answer.returncode == 0:
            yield Finding(subject, f"{self.NAME}, namespace {self._cluster.namespace} on {self._cluster.context}")
            return
        known = find(answer.stderr)
        missing = f"make it: inv deploy --env {self._environment.name} --create-namespace"
        yield Finding(
            subject,
            known.cause if known else answer.stderr.strip(),
            known.fix if known else missing,
            False,
        )

    def use(self, strategy: Strategy) -> None:
        """Stop: how pods are replaced stands in their Deployments."""
        stop(
            f"a cluster replaces pods by itself, one after the other, and knows no strategy {strategy.name!r}",
            "leave --strategy out",
        )

    def images(self) -> tuple[str, ...]:
        """Return the names of the images that a deploy needs."""
        return self._project.binaries

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check values, cluster, namespace, images, rights and Secret; return references, values and objects."""
        self._check_alone()
        own = values.load(self._environment.name)
        there = self._check_place(permitted)
        self._check_owner(permitted)
        self._adopt = permitted.adopt
        references = self._references(built, own)
        both = values.merge(own, values.release(references))
        values.check(both, f"the values of {self._environment.name} with the images' digests")
        rendered = self.render(references)
        checks.platforms(self._cluster, rendered)
        self._check_objects(rendered, there)
        self._check_secret(both)
        self._secrets = {f"Secret/{one['metadata']['name']}": one for one in rendered if one["kind"] == "Secret"}
        return references, values.without_secrets(both), self._canonical(rendered)

    def prepare_again(self, release: Release) -> None:
        """Check the cluster, and that the way back to a former release is open."""
        if release.method != self.NAME:
            stop(
                f"release {release.number} was deployed by {release.method}, and {self.NAME} is what deploys here now",
                "name a later one with --release, or deploy by that way again: "
                f"inv deploy --env {self._environment.name} --to {release.method}",
            )
        self._check_place(Permitted())
        checks.platforms(self._cluster, release.objects.values())
        self._check_secret(release.values)

    def _check_alone(self) -> None:
        """Stop when another environment is in the same namespace: the objects of both have the same names."""
        here = (self._cluster.context, self._cluster.namespace)
        for other in self._project.environments.values():
            there = (other.context, other.settings.get("namespace"))
            if other.name != self._environment.name and there == here:
                stop(
                    f"{self._where} has the namespace of {other.name}, and each deploy would overwrite the other's",
                    f"give each its own, such as `namespace: {self._project.name}-{self._environment.name}`",
                )

    def _check_place(self, permitted: Permitted) -> bool:
        """Stop unless the cluster answers; return whether the namespace is there, or else may be made."""
        self._cluster.check_context(self._where)
        self._cluster.check_answer()
        if self._cluster.has_namespace():
            return True
        if not permitted.create_namespace:
            stop(
                f"the cluster of {self._cluster.context} has no namespace {self._cluster.namespace}",
                f"add --create-namespace, or correct `namespace:` of {self._where}",
            )
        return False

    def _check_owner(self, permitted: Permitted) -> None:
        """Stop when another way deployed what is there, unless this one may and can take it over."""
        owner = self._owner()
        if owner == self.NAME:
            return
        if owner not in ownership.ways() or not self.ADOPTS:
            by = f" --to {owner}" if owner in ownership.ways() else ""
            stop(
                f"{owner} deployed what is there, and {self.NAME} cannot take it over here: there would be two owners",
                "remove it first, which ends the service until the deploy: "
                f"inv destroy --env {self._environment.name}{by}",
            )
        if not permitted.adopt:
            stop(
                f"{owner} deployed what is there; {self.NAME} would take its objects over, and {owner} forget them",
                "add --adopt to move over; the pods go on serving",
            )

    def _owner(self) -> str:
        """Return which way deployed what is there: by the last release, or by what a tool remembers."""
        former = self.releases()
        return former[-1].method if former else ownership.by_memory(self._cluster, self._name) or self.NAME

    def _references(self, built: Mapping[str, Image], own: values.Values) -> dict[str, str]:
        """Return each component's image by its digest: the project's own, and those of others that it runs."""
        engine.check_plugin("buildx")
        parts = values.schema()["properties"]
        references = {name: image.reference for name, image in built.items() if name in parts}
        for name, reference in references.items():
            if images.in_registry(reference) is None:
                stop(f"the registry has no {reference}", f"push it: `inv push` (it is the image of {name})")
        for name, component in values.filled(values.schema(), own).items():
            image = component.get("image") if isinstance(component, dict) else None
            # A part that has a mode has pods of its own only when it is internal.
            if image and name not in references and not image["digest"] and component.get("mode") == "internal":
                reference = checks.resolve(f"{image['repository']}:{image['tag']}")
                references |= {name: reference} if "@" in reference else {}
        return references

    def render(self, references: Mapping[str, str]) -> list[Object]:
        """Return the objects that the environment's values and some images make."""
        with values.documents(self._environment.name, references) as files:
            return self.RENDERER.render(self._name, self._cluster.namespace, files, self._cluster.context)

    def _canonical(self, rendered: Iterable[Object]) -> dict[str, Object]:
        return canonical(rendered, self.RENDERER.OWNERSHIP)

    def _check_objects(self, rendered: list[Object], there: bool) -> None:
        """Stop unless the cluster knows the kinds, allows the deploy, and would take the objects."""
        checks.permissions(self._cluster, checks.resources(self._cluster, rendered), self.RIGHTS)
        if there:
            wanted = {key(one): one for one in rendered}
            difference.check(self._cluster, self._cluster.get(rendered), wanted)

    def _check_secret(self, both: values.Values) -> None:
        existing = both.get("secrets", {}).get("existing")
        if existing:
            checks.secret(self._cluster, existing, values.secret_keys(both), self._environment.name)

    def compare(self, current: Release | None, objects: dict[str, Any]) -> list[str]:
        """Compare with what the cluster has, not with what was recorded: somebody may have changed it since."""
        # A former release does not know what its Secret held; the one that is there stays.
        wanted = {key: one for key, one in (objects | self._secrets).items() if one["kind"] != "Secret" or _holds(one)}
        live = self._cluster.get(wanted.values())
        gone = self._cluster.get(_lacking(current, objects))
        return difference.compare(self._cluster, live, wanted, gone)

    def make_secrets(self, permitted: Permitted) -> None:
        """Make the Secret that the values name, or what it lacks."""
        own = values.load(self._environment.name)
        keys, existing = values.secret_keys(own), own.get("secrets", {}).get("existing")
        after = f"Next: `inv deploy --plan --env {self._environment.name}`"
        if not keys:
            say(f"The values of {self._environment.name} call for no secrets. {after}")
            return
        if not existing:
            stop(
                f"the values of {self._environment.name} name no Secret",
                f"set secrets.existing in {values.file_of(self._environment.name).relative_to(ROOT)}, "
                f"such as {self._name}-secrets",
            )
        self._check_place(permitted)
        made = secrets.missing(keys, secrets.read(self._cluster, existing), self._name)
        if made:
            self._make_namespace()
            secrets.write(self._cluster, existing, made, self._name)
        there = f"the Secret {existing} in the namespace {self._cluster.namespace}"
        say(f"Made {', '.join(made)} in {there}. {after}" if made else f"All secrets are in {there}. {after}")

    # --- Remembering ---

    def releases(self) -> list[Release]:
        """Return the releases that the namespace remembers."""
        return self._memory.releases()

    def record(self, release: Release) -> None:
        """Remember a release in the namespace."""
        self._memory.record(release)

    @contextmanager
    def lock(self, release: Release) -> Iterator[None]:
        """Hold the namespace, which is made when it is missing: that is permitted, or `prepare` had stopped."""
        del release
        self._make_namespace()
        with self._memory.lock():
            yield

    def _make_namespace(self) -> None:
        """Make the namespace if it is missing, with a label by which `destroy` knows that it was not there before."""
        if not self._cluster.has_namespace():
            say(f"Making the namespace {self._cluster.namespace}")
            self._cluster.read("create", "namespace", self._cluster.namespace)
            self._cluster.read("label", "namespace", self._cluster.namespace, f"{LABEL}={self._name}")

    # --- Changing ---

    def apply(self, release: Release, before: Release | None) -> list[Failure]:
        """Bring a release about, and wait; the former owner of the objects, if there was another, forgets them."""
        owner = self._owner()
        failures = self._bring(release) or self._wait(release)
        return failures or self._settle(release, before, owner)

    def apply_again(self, release: Release, before: Release | None) -> list[Failure]:
        """Bring a former release back, and wait."""
        failures = self._bring_back(release) or self._wait(release)
        return failures or self._settle(release, before, before.method if before else self.NAME)

    def _bring(self, release: Release) -> list[Failure]:
        """Make the tool bring a new release about, and return what it says when it fails."""
        raise NotImplementedError

    def _bring_back(self, release: Release) -> list[Failure]:
        """Make the tool bring a recorded release about, and return what it says when it fails."""
        raise NotImplementedError

    def _run(self, command: Sequence[str], stdin: str | None = None, **environment: str) -> list[Failure]:
        """Run the tool out of sight; return why it failed, if it did."""
        say(f"$ {' '.join(command)}")
        done = ask(command, stdin=stdin, env=self._shell(environment))
        if done.returncode == 0:
            return []
        said = done.stderr.strip() or done.stdout.strip()
        known = find(said)
        state = f"{known.cause}; {known.fix}" if known else f"ended with exit code {done.returncode}"
        return [Failure(command[0], state, "", "\n".join(said.splitlines()[-20:]))]

    def _shell(self, more: Mapping[str, str]) -> dict[str, str] | None:
        """Return the whole environment of the tool; None is this process's."""
        return {**os.environ, **more} if more else None

    def _wait(self, release: Release) -> list[Failure]:
        names = {one["metadata"]["name"] for one in release.objects.values() if one["kind"] == "Deployment"}
        return rollout.wait(self._cluster, self._name, names, float(self._environment.settings.get("timeout", 300)))

    def _settle(self, release: Release, before: Release | None, owner: str) -> list[Failure]:
        """Delete what the release no longer has, and end what another way remembers of the objects."""
        # The release serves: neither what a finalizer keeps nor a cluster that is away for a moment may keep it from
        # being recorded.
        lacking = _lacking(before, release.objects)
        try:
            self._cluster.delete(lacking, wait=False)
        except Exit as failed:
            by_hand = " ".join(self._cluster.command("delete", "--ignore-not-found", *map(key, lacking)))
            say(f"\nWhat the release no longer has may be there still: {reason(failed)}\n  or: {by_hand}")
        if owner != self.NAME:
            ownership.end(self._cluster, self._name, owner, release)
        return []

    # --- Showing and removing ---

    def address(self) -> str:
        """Return the first name that leads in, or the command that makes a way in from here."""
        found = self._live("ingresses.networking.k8s.io", "services")
        for one in found:
            for rule in one["spec"].get("rules", ()):
                if rule.get("host"):
                    return f"{'https' if one['spec'].get('tls') else 'http'}://{rule['host']}"
        services = [one["metadata"]["name"] for one in found if one["kind"] == "Service"]
        # Of several servers, the last leads to the others.
        named = [name for server in reversed(self._project.servers) for name in services if name.endswith(f"-{server}")]
        entry = named[0] if named else f"{self._name}-{self._project.servers[-1]}"
        command = self._cluster.command("port-forward", f"service/{entry}", "8000:http")
        return f"http://localhost:8000 after: {' '.join(command)}"

    def _live(self, *kinds: str) -> list[Object]:
        selector = f"app.kubernetes.io/instance={self._name}"
        return self._cluster.objects("get", ",".join(kinds), "--selector", selector)

    def status(self) -> list[tuple[str, str, str]]:
        """Return name, state and image of each pod."""
        return sorted(rollout.describe(pod) for pod in self._live("pods"))

    def logs(self, service: str, follow: bool) -> None:
        """Show the last lines of every pod's log, or of one part's."""
        selector = f"app.kubernetes.io/instance={self._name}"
        selector += f",app.kubernetes.io/component={service}" if service else ""
        options = ["--tail", "100", "--prefix", "--all-containers", "--max-log-requests", "50"]
        run(self._cluster.command("logs", "--selector", selector, *options, *(["--follow"] if follow else [])))

    def inside(self, service: str, program: str) -> list[str]:
        """Return the start of a command that runs a program in a pod of a part; stop when there is no such part."""
        deployment = f"deployment/{self._name}-{service}"
        values_file = values.file_of(self._environment.name).relative_to(ROOT)
        there = f"see whether {values_file} has a {service} that is on, then: inv deploy --env {self._environment.name}"
        self._cluster.read("get", deployment, "--output", "name", fix=there)
        # By its name: beside the part there is a container that migrates.
        return self._cluster.command("exec", "--stdin", "--container", service, deployment, "--", program)

    def destroy(self, data: bool) -> None:
        """Remove the objects, what the tool remembers, and the releases; with `data` also the Secret and namespace."""
        self._cluster.check_context(self._where)
        self._cluster.check_answer()
        former = self.releases()
        own, kinds = values.load(self._environment.name), self._cluster.kinds()
        left = [one for one in self.render({}) if (one["apiVersion"], one["kind"]) in kinds]
        self._remove(former[-1] if former else None)
        # Also what a first release left that failed, and so was never recorded.
        self._cluster.delete(left)
        selector = f"app.kubernetes.io/instance={self._name}"
        # An older kubectl fails where there is nothing to wait for.
        self._cluster.ask("wait", "--for=delete", "pods", "--selector", selector, "--timeout", "120s")
        if self.OWN_MEMORY:
            self._cluster.read("delete", "secrets", "--selector", self.OWN_MEMORY.format(name=self._name))
        self._memory.forget()
        existing = own.get("secrets", {}).get("existing")
        if data and existing:
            self._cluster.read("delete", "secrets", existing, "--ignore-not-found")
        if data:
            # Only one that a deploy made: another may hold what is not this project's.
            made = ("--field-selector", f"metadata.name={self._cluster.namespace}")
            self._cluster.read("delete", "namespace", "--selector", f"{LABEL}={self._name}", *made)

    def _remove(self, current: Release | None) -> None:
        """Make the tool remove the objects."""
        raise NotImplementedError


def _holds(secret: Object) -> bool:
    return bool(secret.get("data") or secret.get("stringData"))


def _lacking(before: Release | None, objects: Mapping[str, Any]) -> list[Object]:
    """Return the objects of a release that are not among others."""
    return [one for key, one in before.objects.items() if key not in objects] if before else []
