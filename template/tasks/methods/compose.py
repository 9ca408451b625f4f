"""Deploys with Docker Compose to one engine, which itself remembers the releases and holds the lock."""

import json
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from invoke.exceptions import Exit

from .._lib import (
    compose,
    configured,
    differences,
    engine,
    env_files,
    images,
    pipeline,
    releases,
    secret_files,
    stacks,
    target,
)
from .._lib.console import reason, say, stop
from .._lib.containers import Containers, state_of
from .._lib.failures import stop_because
from .._lib.findings import Finding
from .._lib.images import Image
from .._lib.project import Environment, Project
from .._lib.releases import Failure, Permitted, Release, Strategy
from .._lib.run import ask, read, run
from .._lib.swap import roads
from .._lib.swap.proxy import Proxy, entrance, ports
from .._lib.swap.roads import STRATEGIES, Swap

_FILES = [compose.BASE, "docker-compose.production.yml"]
_KEPT = 10
_LABEL = "slipway.release"


class Method:
    """One environment on one engine, as the compose project `<name>-<environment>`."""

    # The pipeline's secrets by which its machines reach the engine, and what each is.
    SECRETS: Mapping[str, str] = {
        "DEPLOY_HOST": "where the engine is, such as ssh://deploy@app.example",
        "DEPLOY_SSH_KEY": "the private key of a user there who may use Docker",
        "DEPLOY_SSH_KNOWN_HOSTS": "what `ssh-keyscan HOST` prints, compared with the host's own keys",
    }

    def __init__(self, project: Project, environment: Environment) -> None:
        """Take the environment; stop when it would be the development stack."""
        self._project = project
        self._environment = environment
        self._name = f"{project.name}-{environment.name}"
        if self._name == compose.development_name(project):
            stop(
                "an environment cannot be called `dev` here: that is the development stack's name",
                "rename it in invoke.yaml",
            )
        self._containers = Containers(environment.context, self._name)
        self._docker, self._compose = self._containers.docker, self._containers.compose
        self._strategy, self._asked = Strategy("rolling"), False
        self._overlays: list[str] = environment.settings.get("overlays", [])
        self._env_file = env_files.name(environment.name)

    # --- Checking ---

    def check(self) -> None:
        """Stop unless the engine answers."""
        engine.check()

    def connect(self) -> None:
        """Let a machine of the pipeline reach the engine, as the environment's Docker context."""
        name = self._environment.name
        context = self._environment.context
        if context == "default":
            stop(
                f"environment {name} is on this machine's own engine, and this machine is the pipeline's",
                f"give environments.{name} in invoke.yaml a `context:` of its own name",
            )
        secrets = pipeline.given(self.SECRETS, f"environment {name}")
        folder = Path.home() / ".ssh"
        pipeline.keep(folder / "id_ed25519", secrets["DEPLOY_SSH_KEY"])
        pipeline.keep(folder / "known_hosts", secrets["DEPLOY_SSH_KNOWN_HOSTS"])
        run(["docker", "context", "create", context, "--docker", f"host={secrets['DEPLOY_HOST']}"])

    def findings(self) -> Iterator[Finding]:
        """Yield whether Docker has the context."""
        name = f"environment {self._environment.name}"
        context = self._environment.context
        if shutil.which("docker") and ask(["docker", "context", "inspect", context]).returncode != 0:
            yield Finding(name, f"no Docker context {context!r}", "create it, or correct `context:` in invoke.yaml")
        else:
            yield Finding(name, f"{self._environment.method} on context {context}")

    def make_secrets(self, permitted: Permitted) -> None:
        """Make the missing secrets on the engine's machine, never a second set beside data."""
        _refuse(permitted)
        machine = target.of_context(self._environment.context)
        folder = machine.expand(str(self._environment.settings["secrets"]))
        lacking = secret_files.missing(machine, folder, self._overlays)
        if not lacking:
            say(f"All secrets are in {folder}. Next: `inv deploy --env {self._environment.name} --plan`")
            return
        # What is made out of others, or belongs to no data yet, is made at any time.
        lost, volumes = secret_files.lost(lacking, self._docker, self._name, self._overlays)
        if lost:
            stop(
                f"{', '.join(lost)} are missing, but new ones would not open the data in {', '.join(volumes)}",
                f"put the old files back into {folder}, or give up the data: "
                f"`inv destroy --env {self._environment.name} --data`",
            )
        say(f"Making secrets on {machine.ssh[-1] if machine.ssh else 'this machine'}:")
        secret_files.make(machine, folder, self._overlays)
        say("\nKeep a copy in a safe place: without them, the data cannot be opened.")
        say(f"Next: `inv deploy --env {self._environment.name} --plan`")

    def use(self, strategy: Strategy) -> None:
        """Replace the old by the new as a strategy says."""
        if strategy.name not in STRATEGIES:
            stop(f"there is no strategy {strategy.name!r}", f"choose from: {', '.join(STRATEGIES)}")
        self._strategy, self._asked = strategy, True

    def images(self) -> tuple[str, ...]:
        """Return the names of the images that a deploy needs."""
        return self._project.images

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check engine, values, secrets, ports and images; return references, values and the resolved stack."""
        _refuse(permitted)
        machine = self._check_engine()
        own = env_files.values(self._environment.name)
        folder = machine.expand(str(self._environment.settings["secrets"]))
        self._check_secrets(machine, folder)
        current = self.releases()[-1:]
        references = self._keep_equal({name: self._fetch_built(image) for name, image in built.items()}, current)
        values = {images.variable(name, "IMAGE"): reference for name, reference in references.items()}
        files = [*_FILES, *compose.overlays(self._overlays)]
        objects = compose.render(
            self._environment.context, self._name, files, self._env_file, values | {"SECRETS_DIR": folder}
        )
        compose.choose_optional(objects, built)
        roads.check(objects, self._strategy, self._asked)
        for service in objects["services"].values():
            service.pop("build", None)
            service["image"] = self._fetch(service["image"])
        self._keep_marks(objects, current)
        self._check_ports(objects, machine)
        return references, own, objects

    def prepare_again(self, release: Release) -> None:
        """Check that the engine answers and that every image of a former release can be had."""
        self._check_engine()
        roads.check(release.objects, self._strategy, self._asked)
        for service in release.objects["services"].values():
            self._fetch(service["image"])

    def compare(self, current: Release | None, objects: dict[str, Any]) -> list[str]:
        """Compare with the stack of the current release."""
        lines = differences.compare(current.objects if current else {}, objects)
        return lines + roads.interruptions(current.objects, objects) if current else lines

    def _check_engine(self) -> target.Target:
        """Return the machine of the environment's context, whose engine answers."""
        engine.check_plugin("compose")
        machine = target.of_context(self._environment.context)
        read([*self._docker, "version", "--format", "{{.Server.Version}}"])
        return machine

    def _check_secrets(self, machine: target.Target, folder: str) -> None:
        lacking = secret_files.missing(machine, folder, self._overlays)
        if lacking:
            stop(
                f"{folder} lacks the secrets {', '.join(lacking)}",
                f"make them: inv secrets.init --env {self._environment.name}",
            )

    def _keep_marks(self, objects: dict[str, Any], current: list[Release]) -> None:
        """Keep what a rotation of secrets left on services, which would otherwise start anew for nothing."""
        for release in current:
            for name, service in release.objects["services"].items():
                mark = (service.get("labels") or {}).get(compose.ROTATED)
                if mark and name in objects["services"]:
                    objects["services"][name].setdefault("labels", {})[compose.ROTATED] = mark

    def _begin_secrets_anew(self) -> None:
        """Give secrets the form that new data expects: a rotation gave them another."""
        machine = target.of_context(self._environment.context)
        folder = machine.expand(str(self._environment.settings["secrets"]))
        forms = [name for name, form in secret_files.wanted().items() if form]
        if not forms or secret_files.missing(machine, folder):
            return
        held = secret_files.read(machine, folder, forms)
        for name, value in secret_files.derived(machine, folder, forms, {}).items():
            # What leads elsewhere is the team's own.
            if held[name] != value and urlsplit(held[name]).hostname == urlsplit(value).hostname:
                secret_files.rewrite(machine, folder, {name: value})

    def _check_ports(self, objects: dict[str, Any], machine: target.Target) -> None:
        """Stop when something else already has a port that the stack publishes."""
        users = compose.publishing(objects)
        wanted = set(users)
        for line in read([*self._docker, "ps", "--format", "{{json .}}"]).splitlines():
            container = json.loads(line)
            taken = {int(port) for port in re.findall(r":(\d+)->", container["Ports"])} & wanted
            if f"com.docker.compose.project={self._name}," in container["Labels"] + ",":
                wanted -= taken
            elif taken:
                name = container["Names"]
                port = taken.pop()
                self._refuse_port(port, users[port], f"the container {name}", f"docker stop {name}")
        if not machine.ssh:
            for port in wanted:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        find = f"find it with ss -ltnp 'sport = :{port}'"
                        self._refuse_port(port, users[port], "another program here", find)

    def _refuse_port(self, port: int, service: str, holder: str, remedy: str) -> NoReturn:
        other = f"set another port for {service} in {self._env_file} (.env.example names its variable)"
        stop(f"port {port} is in use by {holder}", f"{remedy}; or {other}")

    def _fetch_built(self, image: Image) -> str:
        """Return the reference by which this engine has exactly the image that was built or pushed."""
        # Without a registry, the engine's own image does, by its id.
        local = images.in_engine(image.digest, self._environment.context)
        if local and not images.is_in_registry(image.reference):
            return image.digest
        if local or images.in_registry(image.reference):
            return self._fetch(image.reference)
        stop(
            f"{image.reference} is neither in the registry nor in this engine",
            "push it: `inv push`, or build it again: `inv build`",
        )

    def _keep_equal(self, references: dict[str, str], current: list[Release]) -> dict[str, str]:
        """Keep the current release's image where a new one was made of the same, so that the proxy does not restart."""
        kept = dict(references)
        for release in current:
            for name in set(self._project.configured) & references.keys() & release.images.keys():
                if configured.same(self._docker, references[name], release.images[name]):
                    kept[name] = release.images[name]
        return kept

    def _fetch(self, reference: str) -> str:
        """Return a reference with a digest to an image that this engine has, after pulling it if need be."""
        if not images.in_engine(reference, self._environment.context):
            run([*self._docker, "pull", "--quiet", reference])
        if reference.startswith("sha256:") or "@" in reference:
            return reference
        digests: list[str] = json.loads(
            read([*self._docker, "image", "inspect", reference, "--format", "{{json .RepoDigests}}"])
        )
        return digests[0] if digests else str(images.in_engine(reference, self._environment.context))

    # --- Remembering ---

    def releases(self) -> list[Release]:
        """Return the releases: each is in the labels of a named, empty volume."""
        names = read([*self._docker, "volume", "ls", "--quiet", "--filter", f"label={_LABEL}={self._name}"]).split()
        if not names:
            return []
        volumes = json.loads(read([*self._docker, "volume", "inspect", *names]))
        found = [Release.recorded(json.loads(volume["Labels"][f"{_LABEL}.record"])) for volume in volumes]
        return sorted(found, key=lambda release: release.number)

    def record(self, release: Release) -> None:
        """Keep a release, and of the older ones the newest."""
        text = json.dumps(release.record(), separators=(",", ":"))
        labels = ["--label", f"{_LABEL}={self._name}", "--label", f"{_LABEL}.record={text}"]
        read([*self._docker, "volume", "create", *labels, self._volume(release)])
        for old in self.releases()[:-_KEPT]:
            ask([*self._docker, "volume", "rm", self._volume(old)])

    def _volume(self, release: Release) -> str:
        return f"{self._name}-release-{release.number}"

    @contextmanager
    def lock(self, release: Release) -> Iterator[None]:
        """Hold the environment by a container that is never started: its name can be taken only once."""
        image = next(iter(release.images.values()))
        name = f"{self._name}-deploy-lock"
        labels = ["--label", f"slipway.holder={releases.who()}", "--label", f"slipway.since={releases.now()}"]
        made = ask([*self._docker, "create", "--name", name, "--network", "none", *labels, image, "lock"])
        if made.returncode != 0:
            form = '{{index .Config.Labels "slipway.holder"}}, since {{index .Config.Labels "slipway.since"}}'
            held = ask([*self._docker, "inspect", "--format", form, name])
            if held.returncode != 0:
                said = made.stderr.strip()
                stop_because(said, f"cannot take the lock: {said}", "run the same command again")
            stop(
                f"another deploy to {self._environment.name} is under way: {held.stdout.strip()}",
                f"wait for it; if it is certain that it has died: {' '.join(self._docker)} rm {name}",
            )
        try:
            yield
        finally:
            # By its id: of this name there may be somebody else's by now, who took this one for dead.
            ask([*self._docker, "rm", made.stdout.strip() or name])

    # --- Changing ---

    def apply(self, release: Release, before: Release | None) -> list[Failure]:
        """Bring up what changed, dependencies first, each healthy before the next; stop at the first that fails.

        What is behind the proxy is replaced while it serves; what depends on it, such as a worker, comes after that.
        An engine that refuses a command meanwhile is a failure as well: what has changed by then must be taken back.
        What is there and no longer wanted is found by its labels.
        """
        try:
            if before is None and not stacks.volumes(self._docker, self._name):
                # Saved secrets may be those of data that is lost: new data knows no role of a rotation.
                self._begin_secrets_anew()
            return self._bring(release.objects)
        except Exit as stopped:
            return [Failure(self._name, reason(stopped), "", "")]

    # The stack is recorded as it was brought up.
    apply_again = apply

    def _bring(self, objects: dict[str, Any]) -> list[Failure]:
        behind = set(ports(objects))
        failures = self._swap(objects, behind) if behind and Proxy(self._containers).runs() else None
        if failures is None:
            # Nothing serves yet, or nothing leads to it: then there is nobody to keep waiting.
            until = self._until()
            failures = self._up(roads.marked(objects), set(objects["services"]), until)
            if behind and not failures:
                Swap(self._containers, objects, self._until).settle()
        if not failures:
            self._containers.remove_strays(objects)
        return failures

    def _swap(self, objects: dict[str, Any], behind: set[str]) -> list[Failure]:
        first = compose.needed_by(objects, behind)
        return (
            self._up(objects, first, self._until())
            or Swap(self._containers, objects, self._until).apply(self._strategy)
            # Judging a canary, and letting the old end what they do, may have taken minutes.
            or self._up(objects, objects["services"].keys() - first - behind, self._until())
        )

    def _until(self) -> float:
        """Return until when what is started now must be healthy."""
        return time.monotonic() + float(self._environment.settings.get("timeout", 120))

    def _up(self, objects: dict[str, Any], wanted: AbstractSet[str], until: float) -> list[Failure]:
        """Bring up some of the services in their order."""
        for services in compose.in_order(objects):
            chosen = [name for name in services if name in wanted]
            failures = self._containers.up(objects, chosen, until) if chosen else []
            if failures:
                return failures
        return []

    # --- Showing and removing ---

    def address(self) -> str:
        """Return the address that clients come in by, or that no port is published."""
        port = entrance(
            (stacks.service_of(container), int(inner.partition("/")[0]), int(binding["HostPort"]))
            for container in self._containers.all()
            for inner, bindings in (container["NetworkSettings"]["Ports"] or {}).items()
            for binding in bindings or ()
        )
        machine = target.of_context(self._environment.context)
        host = machine.ssh[-1].rpartition("@")[2] if machine.ssh else "localhost"
        return f"http://{host}:{port}" if port else "(no port is published)"

    def status(self) -> list[tuple[str, str, str]]:
        """Return service, state and image of each container."""
        found = self._containers.all()
        return sorted((stacks.service_of(one), state_of(one), str(one["Config"]["Image"])) for one in found)

    def logs(self, service: str, follow: bool) -> None:
        """Show the last lines of every service's log, or of one's."""
        options = ["--tail", "100", *(["--follow"] if follow else [])]
        run([*self._compose, "logs", *options, *([service] if service else [])])

    def inside(self, service: str, program: str) -> list[str]:
        """Return the start of a command that runs a program in a container of a service."""
        stack = stacks.stack(self._environment.name)
        return stack.command(stack.running(service), program)

    def destroy(self, data: bool) -> None:
        """Remove containers, networks and releases; volumes only with `data`. Secrets stay: backups need them."""
        found = self.releases()
        run([*self._compose, "down", "--remove-orphans", *(["--volumes"] if data else [])])
        if data:
            self._begin_secrets_anew()
        for release in found:
            ask([*self._docker, "volume", "rm", self._volume(release)])


def _refuse(permitted: Permitted) -> None:
    """Stop when something is permitted that only a cluster has."""
    if permitted != Permitted():
        stop("an engine has no namespaces, and nothing to take over", "leave --create-namespace and --adopt out")
