"""Deploys to TrueNAS as a custom app, through its API; the app's stored YAML itself remembers the releases."""

import atexit
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NoReturn

from .._lib import compose, differences, engine, env_files, images, pipeline, secret_files
from .._lib.console import say, stop
from .._lib.findings import Finding
from .._lib.images import Image
from .._lib.project import Environment, Project
from .._lib.releases import Failure, Permitted, Release, Strategy
from .._lib.swap.proxy import entrance
from .._lib.truenas import checks, memory, scripts, stack
from .._lib.truenas.api import Api
from .._lib.truenas.problems import LateError, ProblemError, RefusedError

_FILES = [compose.BASE, "docker-compose.production.yml", "docker-compose.truenas.yml"]


class Method:
    """One environment, as a custom app of one NAS."""

    # The pipeline's secret by which its machines reach the NAS, and what it is.
    SECRETS: Mapping[str, str] = {"TRUENAS_API_KEY": "the API key of a user with the role APPS_WRITE"}

    def __init__(self, project: Project, environment: Environment) -> None:
        """Take the environment."""
        self._project = project
        self._environment = environment
        self._settings = environment.settings
        self._app = str(self._settings.get("app", f"{project.name}-{environment.name}"))

    # --- Checking ---

    def check(self) -> None:
        """Stop unless compose is here, to resolve the stack, and the environment in invoke.yaml is complete."""
        engine.check_plugin("compose")
        with _stopping():
            self._check_settings()

    def connect(self) -> None:
        """Let a machine of the pipeline reach the NAS: the key's variable is what a deploy asks for, too."""
        pipeline.given(self.SECRETS, f"environment {self._environment.name}")

    def findings(self) -> Iterator[Finding]:
        """Yield whether the NAS lets us in, and what it lacks."""
        name = f"environment {self._environment.name}"
        try:
            self._check_settings()
            api = self._connect()
        except ProblemError as problem:
            # As with a cluster: who is not let in there may do everything else.
            yield Finding(name, problem.cause, problem.fix, needed=False)
            return
        yield Finding(name, f"the app {self._app} on {api.host}")
        yield from checks.findings(api, self._environment.name)
        yield checks.registry(api, self._environment.name, self._project.registry.partition("/")[0])
        yield from self._secret_findings(api)

    def make_secrets(self, permitted: Permitted) -> None:
        """Say how the missing secrets are made on the NAS, whose API takes no files; never a second set beside data."""
        _refuse(permitted)
        with _stopping():
            forms = self._wanted()
            lacking = checks.missing_secrets(self._api, self._secrets, list(forms))
            next_command = f"`inv deploy --env {self._environment.name} --plan`"
            if not lacking:
                say(f"All secrets are in {self._secrets} on {self._api.host}. Next: {next_command}")
                return
            # What is made out of others, or belongs to no data yet, is made at any time.
            random = [name for name in lacking if forms[name] is None]
            objects = self._resolve({})
            held = checks.holds_data(self._api, stack.folders(objects))
            lost, folders = secret_files.made_with(random, objects["services"], held)
            if lost:
                stop(
                    f"{', '.join(lost)} are missing, but new ones would not open the data in {', '.join(folders)}",
                    f"put the old files back into {self._secrets}, or empty those folders to give up the data",
                )
        say(f"Run this on {self._api.host}, as root (System → Shell). What is there already is kept.\n")
        say(scripts.place(self._secrets, forms, stack.folders(objects)))
        say("\nKeep a copy of the folder in a safe place: without it, the data cannot be opened.")
        say(f"Next: {next_command}")

    def use(self, strategy: Strategy) -> None:
        """Stop: the NAS has no way to run two releases of an app side by side."""
        stop(
            f"TrueNAS stops all of an app and starts it again, so there is no strategy {strategy.name!r}",
            "leave --strategy out",
        )

    def images(self) -> tuple[str, ...]:
        """Return the names of the images that a deploy needs."""
        return self._project.images

    def prepare(
        self, built: dict[str, Image], permitted: Permitted
    ) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Check values, images, the NAS, its folders, secrets and ports; return references, values and the stack."""
        _refuse(permitted)
        own = env_files.values(self._environment.name)
        references = {name: self._of_registry(image) for name, image in built.items()}
        objects = self._resolve({images.variable(name, "IMAGE"): one for name, one in references.items()})
        for service in objects["services"].values():
            service["image"] = _pinned(service["image"])
        with _stopping():
            checks.release(self._api)
            checks.role(self._api)
            checks.pool(self._api)
            self._check_own()
            self._check_places(objects)
            checks.ports(self._api, self._app, objects)
        self._check_size(objects)
        return references, own, objects

    def prepare_again(self, release: Release) -> None:
        """Check that the NAS can take a former release, and has what it needs."""
        with _stopping():
            checks.role(self._api)
            checks.pool(self._api)
            self._check_places(release.objects)

    def compare(self, current: Release | None, objects: dict[str, Any]) -> list[str]:
        """Compare with what the NAS has stored, also where somebody changed it by hand."""
        return differences.compare(current.objects if current else {}, objects)

    def _check_settings(self) -> None:
        checks.settings(self._environment)
        checks.name(self._app, self._environment.name)

    def _check_own(self) -> None:
        """Raise a ProblemError when there is an app of this name that was made otherwise."""
        if self._found() and memory.KEY not in self._config():
            raise ProblemError(
                f"{self._api.host} already has an app {self._app}, which these tasks did not make",
                f"set another `app:` for {self._environment.name} in invoke.yaml, or delete that app on the NAS",
            )

    def _check_places(self, objects: dict[str, Any]) -> None:
        names = list(objects.get("secrets") or {})
        lacking = checks.missing_secrets(self._api, self._secrets, names)
        if lacking:
            raise ProblemError(
                f"{self._secrets} on {self._api.host} lacks the secrets {', '.join(lacking)}",
                f"see how they are made: inv secrets.init --env {self._environment.name}",
            )
        checks.folders(self._api, stack.folders(objects))

    def _check_size(self, objects: dict[str, Any]) -> None:
        """Stop when the stack alone is too long for a message; former releases are left out before it is."""
        alone = Release(1, 1, "", "", "", {}, {}, objects)
        if not self._fits(memory.write([alone])):
            stop(
                "the stack is longer than the 64 KiB that TrueNAS takes in one message",
                f"leave out some of `overlays:` of {self._environment.name} in invoke.yaml",
            )

    def _secret_findings(self, api: Api) -> Iterator[Finding]:
        subject = f"{self._environment.name}: secrets"
        try:
            lacking = checks.missing_secrets(api, self._secrets, list(self._wanted()))
        except ProblemError as problem:
            yield Finding(subject, problem.cause, problem.fix)
            return
        fix = f"inv secrets.init --env {self._environment.name}" if lacking else ""
        yield Finding(subject, f"missing: {', '.join(lacking)}" if lacking else f"in {self._secrets}", fix)

    def _wanted(self) -> dict[str, str | None]:
        return secret_files.wanted(self._settings.get("overlays", []))

    def _of_registry(self, image: Image) -> str:
        """Return the reference of an image that the NAS can pull."""
        if _is_here(image.repository.partition("/")[0]) and not _is_here(str(self._settings["host"])):
            stop(
                f"{image.repository} is a registry on this machine, which the NAS does not reach",
                "set project.registry in invoke.yaml to one that both reach, and push there: `inv push`",
            )
        if images.in_registry(image.reference) is None:
            stop(f"{image.reference} is not in the registry", "push it: `inv push`")
        if "linux/amd64" not in images.platforms(image.reference):
            stop(
                f"{image.reference} is not for linux/amd64, which TrueNAS runs on", "`inv build --platforms all --push`"
            )
        return image.reference

    def _resolve(self, values: dict[str, str]) -> dict[str, Any]:
        overlays = [f"docker-compose.{name}.yml" for name in self._settings.get("overlays", [])]
        folders = {"SECRETS_DIR": self._secrets, "DATA_DIR": str(self._settings["data"]).rstrip("/")}
        files = [*_FILES[:2], *overlays, _FILES[2]]
        # The name that TrueNAS itself gives to the app's compose project.
        return stack.alone(compose.render("default", f"ix-{self._app}", files, self._env_file, values | folders))

    @property
    def _env_file(self) -> str:
        return env_files.name(self._environment.name)

    @property
    def _secrets(self) -> str:
        return str(self._settings["secrets"]).rstrip("/")

    # --- The NAS ---

    @cached_property
    def _api(self) -> Api:
        with _stopping():
            return self._connect()

    def _connect(self) -> Api:
        api = Api(self._environment)
        atexit.register(api.close)
        return api

    def _found(self) -> dict[str, Any] | None:
        """Return the app as TrueNAS shows it, or None when there is none."""
        found: list[dict[str, Any]] = self._api.call("app.query", [["name", "=", self._app]])
        return found[0] if found else None

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = self._api.call("app.config", self._app)
        return config

    def _containers(self) -> list[dict[str, Any]]:
        found = self._found()
        return found["active_workloads"]["container_details"] if found else []

    # --- Remembering ---

    def releases(self) -> list[Release]:
        """Return the releases that the app's stored YAML remembers."""
        with _stopping():
            return memory.read(self._config()) if self._found() else []

    def record(self, release: Release) -> None:
        """See that the release, which went along with its stack, is still what is stored."""
        stored = self.releases()
        if not stored or (stored[-1].number, stored[-1].time) != (release.number, release.time):
            stop(
                f"somebody else changed the app {self._app} while this release was brought about",
                f"see what is there: `inv status --env {self._environment.name}`",
            )

    @contextmanager
    def lock(self, release: Release) -> Iterator[None]:
        """See that nobody changes the app right now: TrueNAS has no lock that one could hold."""
        del release
        with _stopping():
            for job in self._api.call("core.get_jobs", [["state", "in", ["WAITING", "RUNNING"]]]):
                if str(job["method"]).startswith("app.") and _names(job["arguments"], self._app):
                    stop(
                        f"another change of the app {self._app} is under way: {job['method']}, job {job['id']}",
                        "wait for it (Jobs, at the top of the NAS's page), then run the same command again",
                    )
        yield

    # --- Changing ---

    def apply(self, release: Release, before: Release | None) -> list[Failure]:
        """Send a release with all former ones, and wait until it is healthy: TrueNAS stops all and starts all."""
        with _stopping():
            self._pull(release.objects)
            former = [one for one in self.releases() if one.number < release.number]
            document = self._document([*former, release])
            try:
                return self._bring(document, release.objects)
            except ProblemError as problem:
                env = self._environment.name
                # Nobody wants the release back that this one is to take away again.
                back = ""
                if before and before.number < release.number:
                    back = f", and go back if need be: `inv rollback --env {env} --release {before.number}`"
                raise ProblemError(
                    f"nobody saw release {release.number} become healthy: {problem.cause}",
                    f"once it answers, see what runs: `inv status --env {env}`{back}",
                ) from None

    # The stack is recorded as it was sent.
    apply_again = apply

    def _bring(self, document: str, objects: dict[str, Any]) -> list[Failure]:
        """Send a document and wait until what it says is healthy; return what is not."""
        limit = float(self._settings.get("timeout", 300))
        until = time.monotonic() + limit
        try:
            self._send(document, until)
        except LateError:
            state = f"still being changed by the NAS after {limit:.0f} s"
            return self._failures(objects) or [Failure(self._app, state, "", "")]
        except RefusedError as refusal:
            said = Failure(self._app, f"could not be started: {refusal.reason}", "", refusal.log)
            return [said, *self._failures(objects)]
        return self._wait(objects, until)

    def _pull(self, objects: dict[str, Any]) -> None:
        """Let the NAS pull what it lacks while the former release still serves."""
        there = {one for image in self._api.call("app.image.query") for one in image["repo_digests"] or ()}
        for image in sorted({service["image"] for service in objects["services"].values()} - there):
            say(f"  pulling {image}")
            try:
                self._api.job("app.image.pull", {"image": image}, until=time.monotonic() + 1800)
            except (RefusedError, LateError) as error:
                stop(
                    f"the NAS cannot pull {image}: {error}",
                    "see that it reaches that registry; a private one needs an account there (Apps → Configuration → "
                    "Sign-in to a Docker registry). Nothing was changed",
                )

    def _document(self, found: list[Release]) -> str:
        """Return the YAML of the newest of some releases, with as many former ones as a message holds."""
        forgotten = []
        document = memory.write(found)
        while not self._fits(document) and len(found) > 1:
            forgotten.append(str(found[0].number))
            found = found[1:]
            document = memory.write(found)
        if forgotten:
            say(f"  64 KiB do not hold every release: {', '.join(forgotten)} can no longer be gone back to")
        return document

    def _fits(self, document: str) -> bool:
        return self._api.fits("app.create", self._creation(document))

    def _creation(self, document: str) -> dict[str, Any]:
        return {"app_name": self._app, "custom_app": True, "custom_compose_config_string": document}

    def _send(self, document: str, until: float) -> None:
        """Create or update the app; stop when the NAS refuses the YAML before it changes anything."""
        found = self._found()
        if found is None:
            self._api.job("app.create", self._creation(document), until=until)
            return
        before = self._config()
        try:
            self._api.job("app.update", self._app, {"custom_compose_config_string": document}, until=until)
        except RefusedError as refusal:
            if self._config() == before:
                stop(f"the NAS refuses the stack, so nothing was changed: {refusal.reason}", "correct what it names")
            raise
        if found["state"] == "STOPPED":
            # An update of a stopped app only stores.
            self._api.job("app.start", self._app, until=until)

    def _wait(self, objects: dict[str, Any], until: float) -> list[Failure]:
        """Wait until the app is healthy; return what is not, at once when it crashed, or else when time is up.

        An app whose health check fails stays DEPLOYING for ever, and one that restarts over and over may be called
        RUNNING meanwhile, so each service is looked at too.
        """
        shown = ""
        while True:
            found = self._found() or {"state": "STOPPED"}
            if found["state"] != shown:
                shown = str(found["state"])
                say(f"  {self._app}: {shown}")
            ill = self._ill(objects)
            if shown == "RUNNING" and not ill:
                return []
            if shown in ("CRASHED", "ERROR") or time.monotonic() > until:
                return self._failures(objects) or [Failure(self._app, shown, "", "")]
            time.sleep(0.5)

    def _ill(self, objects: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the containers that are not as they should be; a service without one is told as missing."""
        containers = self._containers()
        lasting = stack.lasting(objects)
        there = {one["service_name"] for one in containers}
        missing = [{"service_name": name, "state": "missing"} for name in sorted(set(objects["services"]) - there)]
        wrong = [
            one for one in containers if one["state"] != ("running" if one["service_name"] in lasting else "exited")
        ]
        return [*wrong, *missing]

    def _failures(self, objects: dict[str, Any]) -> list[Failure]:
        """Return what is not well; what only waits for others to come up explains nothing."""
        ill = self._ill(objects) if self._containers() else []
        telling = [one for one in ill if one["state"] not in ("created", "missing")] or ill
        return [checks.failure(self._api, self._app, one) for one in telling]

    # --- Showing and removing ---

    def address(self) -> str:
        """Return the address that clients come in by, or that no port is published."""
        with _stopping():
            containers = self._containers()
        port = entrance(
            (container["service_name"], int(port["container_port"]), int(published["host_port"]))
            for container in containers
            for port in container["port_config"]
            for published in port["host_ports"]
        )
        return f"http://{self._api.host.partition(':')[0]}:{port}" if port else "(no port is published)"

    def status(self) -> list[tuple[str, str, str]]:
        """Return service, state and image of each container, after the app's own."""
        with _stopping():
            found = self._found()
            parts = [(one["service_name"], one["state"], one["image"]) for one in self._containers()]
        return [(self._app, str(found["state"]) if found else "missing", "(the app)"), *sorted(parts)]

    def logs(self, service: str, follow: bool) -> None:
        """Show the last lines of every service's log, or of one's."""
        with _stopping():
            containers = [one for one in self._containers() if service in ("", one["service_name"])]
            if not containers:
                known = ", ".join(sorted(one["service_name"] for one in self._containers())) or "none"
                stop(f"nothing runs as {service or self._app}; there are: {known}", "name one of these with --service")
            for name, line in checks.logs(self._api, self._app, containers, 100, None if follow else 1.0):
                say(f"{name} | {line}")

    def inside(self, service: str, program: str) -> NoReturn:
        """Say how it is done there: the API runs nothing in a container."""
        stop(
            f"TrueNAS's API runs no command in a container of {self._app}",
            f"on the NAS (System > Shell): sudo docker exec -i ix-{self._app}-{service}-1 {program} --help",
        )

    def destroy(self, data: bool) -> None:
        """Remove the app with its releases. What lies on pools stays: the API deletes no files."""
        if data:
            stop(
                f"TrueNAS's API deletes no files: the data lies in {self._settings['data']}",
                "run the same command without --data, then delete that dataset on the NAS (Datasets)",
            )
        with _stopping():
            if self._found() is None:
                return
            options = {"remove_images": False, "remove_ix_volumes": False, "force_remove_custom_app": True}
            try:
                self._api.job("app.delete", self._app, options, until=time.monotonic() + 300)
            except LateError:
                stop(f"the NAS still removes {self._app} after 300 s", "see Jobs, at the top of its page")


@contextmanager
def _stopping() -> Iterator[None]:
    """Stop with the cause and the fix of what goes wrong with the NAS."""
    try:
        yield
    except ProblemError as problem:
        stop(problem.cause, problem.fix)
    except RefusedError as refusal:
        fix = "give the user's group the roles that docs/deployment/truenas-guide.md names"
        stop(f"the NAS refuses: {refusal.reason}", fix if refusal.kind == "EACCES" else "see Jobs on the NAS's page")


def _pinned(reference: str) -> str:
    """Return a reference with the digest that its registry has now."""
    if "@" in reference:
        return reference
    digest = images.in_registry(reference)
    if digest is None:
        stop(
            f"no registry has {reference}",
            "correct it: project.base_images in invoke.yaml, or the environment's values",
        )
    name, _, tag = reference.rpartition(":")
    return f"{name if name and '/' not in tag else reference}@{digest}"


def _is_here(host: str) -> bool:
    """Return whether a host, with or without a port, is whatever machine one is on."""
    return host.partition(":")[0] in ("localhost", "127.0.0.1")


def _names(arguments: list[Any], app: str) -> bool:
    """Return whether a job's arguments name an app."""
    return any(app in (one, one.get("app_name") if isinstance(one, dict) else None) for one in arguments[:1])


def _refuse(permitted: Permitted) -> None:
    """Stop when something is permitted that only a cluster has."""
    if permitted != Permitted():
        stop("a NAS has no namespaces, and nothing to take over", "leave --create-namespace and --adopt out")
