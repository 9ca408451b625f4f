"""A NAS that is none: speaks TrueNAS's API as its sources do, and starts apps by the engine that it is given.

What it takes from them (truenas/middleware, stable/fangtooth to stable/26): the sizes of messages and the codes that
end a connection, the order of login and roles, both ways of jobs, when an app is created, updated, removed and started,
and how its state follows from its containers'. The lock-out of ten minutes is as TrueNAS documents it.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import trustme
import yaml
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

KEY = "1-" + "k" * 64
USER = "deploy"
# Which role allows what; others need no more than a login.
ROLES = {
    "app.create": "APPS_WRITE",
    "app.update": "APPS_WRITE",
    "app.delete": "APPS_WRITE",
    "app.start": "APPS_WRITE",
    "app.image.pull": "APPS_WRITE",
    "app.query": "APPS_READ",
    "app.config": "APPS_READ",
    "app.image.query": "APPS_READ",
    "app.registry.query": "APPS_READ",
    "docker.status": "DOCKER_READ",
    "filesystem.stat": "FILESYSTEM_ATTRS_READ",
    "filesystem.listdir": "FILESYSTEM_ATTRS_READ",
}
JOBS = ("app.create", "app.update", "app.delete", "app.start", "app.image.pull")


class CallError(Exception):
    """What a method raises for its caller."""

    def __init__(self, reason: str, number: int = errno.EFAULT, code: int = -32001) -> None:
        super().__init__(reason)
        self.number, self.code = number, code


class Engine(Protocol):
    """What runs the containers of an app."""

    def up(self, app: str, config: dict[str, Any]) -> str:
        """Start an app; return what compose said when it failed, or nothing."""

    def down(self, app: str, volumes: bool = False) -> None:
        """Stop an app and remove its containers."""

    def containers(self, app: str) -> list[dict[str, Any]]:
        """Return an app's containers as app.query shows them."""

    def log(self, container: str, lines: int) -> list[str]:
        """Return the last lines of a container's log."""

    def images(self) -> list[str]:
        """Return the images by digest."""

    def pull(self, image: str) -> None:
        """Pull an image; raise CallError when it cannot be had."""

    def stat(self, path: str) -> dict[str, Any] | None:
        """Return what lies at a path of the pool: size, mode, uid, gid."""

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder of the pool."""


def detail(service: str, state: str, image: str, port: int = 0) -> dict[str, Any]:
    """Return a container as app.query shows it."""
    published = [{"container_port": 8000, "protocol": "tcp", "host_ports": [{"host_port": port, "host_ip": "0.0.0.0"}]}]  # noqa: S104
    return {
        "id": f"id-{service}",
        "service_name": service,
        "image": image,
        "state": state,
        "port_config": published if port else [],
        "volume_mounts": [],
    }


@dataclass
class Pretended:
    """An engine without containers: each service is at once what `becomes` says of it."""

    becomes: Callable[[str, dict[str, Any]], str] = lambda _name, _service: ""
    fails: str = ""
    running: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    pulled: list[str] = field(default_factory=list)
    lacking: str = "(none)"

    def up(self, app: str, config: dict[str, Any]) -> str:
        """Remember what runs, and fail as told."""
        self.running[app] = config
        return self.fails

    def down(self, app: str, volumes: bool = False) -> None:
        """Forget what runs."""
        del volumes
        self.running.pop(app, None)

    def containers(self, app: str) -> list[dict[str, Any]]:
        """Return a container for each service."""
        made = []
        for name, service in self.running.get(app, {}).get("services", {}).items():
            state = self.becomes(name, service) or ("running" if service.get("healthcheck") else "exited")
            ports = service.get("ports") or [{"published": 0}]
            made.append(detail(name, state, service["image"], int(ports[0]["published"])))
        return made

    def log(self, container: str, lines: int) -> list[str]:
        """Return two lines."""
        return [f"{container} starts", f"the last line of {container}"][-lines:]

    def images(self) -> list[str]:
        """Return what was pulled."""
        return self.pulled

    def pull(self, image: str) -> None:
        """Remember an image."""
        if self.lacking in image:
            raise CallError(f"Failed to pull {image!r} image: manifest unknown")
        self.pulled.append(image)

    def stat(self, path: str) -> dict[str, Any] | None:
        """Return what the test says lies there."""
        return self.files.get(path)

    def listdir(self, path: str) -> list[str]:
        """Return what the test says lies there."""
        return [name for name in self.files if fnmatch.fnmatch(name, f"{path}/*")]


@dataclass
class Session:
    """A connection: whether it is logged in, and how it wants its jobs."""

    connection: ServerConnection
    authenticated: bool = False
    legacy_jobs: bool = True
    subscriptions: dict[str, threading.Event] = field(default_factory=dict)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, unless nobody listens any more."""
        with contextlib.suppress(ConnectionClosed):
            self.connection.send(json.dumps({"jsonrpc": "2.0", **message}))


class Nas:
    """The NAS: its settings are attributes, to be changed by a test."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.version = "TrueNAS-SCALE-25.04.2"
        self.roles = ["APPS_WRITE", "APPS_READ", "DOCKER_READ", "FILESYSTEM_ATTRS_READ"]
        self.login: dict[str, Any] = {}
        self.docker = {"status": "RUNNING", "description": "Application(s) are currently running"}
        self.registries: list[dict[str, Any]] = []
        self.stored: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.calls: list[tuple[str, list[Any]]] = []
        self.heard = ""
        # What compose said when it failed: the file /var/log/app_lifecycle.log of a real one.
        self.log = ""
        self.drops = ""
        self.drops_after, self.stays_away = 1, False
        self.refuses = ""
        self.slow = threading.Event()
        self.slow.set()
        self._logins: list[float] = []
        self._locked = 0.0
        self._one_at_a_time = threading.Lock()
        self._certificates = trustme.CA()

    # --- Being there ---

    def __enter__(self) -> Nas:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own = self._certificates.issue_cert("127.0.0.1")
        own.configure_cert(self._context)
        self.certificate = own.cert_chain_pems[0].bytes().decode()
        # However busy the machine is: whoever waits has a limit of its own.
        self._server: Server = serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=self._context,
            process_request=self._path,
            max_size=2**24,
            open_timeout=60,
        )
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.slow.set()
        self._server.shutdown()

    @property
    def authority(self) -> str:
        """The authority's certificate, as PEM."""
        return self._certificates.cert_pem.bytes().decode()

    @property
    def changes(self) -> list[str]:
        """The calls that change something."""
        return [method for method, _ in self.calls if ROLES.get(method) == "APPS_WRITE" and method != "app.image.pull"]

    def _path(self, connection: ServerConnection, request: Request) -> Response | None:
        return None if request.path == "/api/current" and self.version else connection.respond(404, "Not Found\n")

    # --- Hearing ---

    def _serve(self, connection: ServerConnection) -> None:
        session = Session(connection)
        try:
            for text in connection:
                assert isinstance(text, str)
                self.heard += text
                if not session.authenticated and len(text) > 8192:
                    connection.close(1007, "Anonymous connection max message length is 8 kB")
                elif len(text) > 65536:
                    connection.close(1009, "Max message length is 64 kB")
                else:
                    threading.Thread(target=self._process, args=(session, text), daemon=True).start()
        except ConnectionClosed:
            pass
        for stop in session.subscriptions.values():
            stop.set()

    def _process(self, session: Session, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError as error:
            session.send({"id": None, "error": {"code": -32700, "message": str(error)}})
            return
        number = message.get("id")
        if message.get("jsonrpc") != "2.0" or not isinstance(message.get("params", []), list):
            session.send({"id": number, "error": {"code": -32600, "message": "'params' member must be of type array"}})
            return
        try:
            result = self._call(session, message["method"], message.get("params", []))
        except CallError as error:
            name = errno.errorcode.get(error.number, "EFAULT") if error.number != 207 else "ENOTAUTHENTICATED"
            data = {"error": error.number, "errname": name, "reason": str(error), "trace": None, "extra": None}
            said = "Invalid params" if error.code == -32602 else "Method call error"
            session.send({"id": number, "error": {"code": error.code, "message": said, "data": data}})
        except KeyError:
            session.send({"id": number, "error": {"code": -32601, "message": "Method does not exist"}})
        else:
            session.send({"id": number, "result": result})

    def _call(self, session: Session, method: str, parameters: list[Any]) -> Any:
        if method == "auth.login_ex":
            return self._login(session, *parameters)
        if method == "core.set_options":
            return self._set_options(session, *parameters)
        if not session.authenticated:
            raise CallError("[ENOTAUTHENTICATED] Not authenticated", 207)
        needed = ROLES.get(method)
        if needed and not {needed, "FULL_ADMIN"} & {*self.roles}:
            raise CallError("Not authorized", errno.EACCES)
        self.calls.append((method, parameters))
        if method == "core.subscribe":
            return self._subscribe(session, *parameters)
        if method == "core.unsubscribe":
            session.subscriptions.pop(parameters[0]).set()
            return None
        call = _METHODS[method]
        if method not in JOBS:
            # While what was changed is waited for.
            if len(self.changes) >= self.drops_after and self.drops == method:
                self.drops = method if self.stays_away else ""
                session.connection.close(1001, "Service Restart")
            return call(self, *parameters)
        return self._job(session, method, call, parameters)

    # --- Logging in ---

    def _login(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        now = time.monotonic()
        self._logins = [one for one in self._logins if now - one < 60] + [now]
        if len(self._logins) > 20:
            self._locked = now + 600
        if now < self._locked:
            raise CallError("[EBUSY] Rate Limit Exceeded", errno.EBUSY)
        if self.login:
            return self.login
        if data != {"mechanism": "API_KEY_PLAIN", "username": USER, "api_key": KEY}:
            return {"response_type": "AUTH_ERR"}
        session.authenticated = True
        privilege = {"roles": {"$set": self.roles}, "web_shell": False}
        user = {"pw_name": USER, "account_attributes": ["LOCAL", "API_KEY"], "privilege": privilege}
        return {"response_type": "SUCCESS", "user_info": user, "authenticator": "LEVEL_1"}

    def _set_options(self, session: Session, options: dict[str, Any]) -> dict[str, Any] | None:
        if "25.04" in self.version:
            return None
        session.legacy_jobs = options.get("legacy_jobs", session.legacy_jobs)
        return {"legacy_jobs": session.legacy_jobs, "private_methods": False, "py_exceptions": False}

    # --- Jobs ---

    def _job(self, session: Session, method: str, call: Callable[..., Any], parameters: list[Any]) -> Any:
        # Arguments are shown without what is secret.
        shown = [
            {key: "********" if "compose" in key else value for key, value in one.items()}
            if isinstance(one, dict)
            else one
            for one in parameters
        ]
        job = {
            "id": 100 + len(self.jobs),
            "method": method,
            "arguments": shown,
            "state": "RUNNING",
            "progress": {"percent": 0, "description": ""},
            "result": None,
            "error": None,
            "logs_excerpt": None,
            "time_started": {"$date": int(time.time() * 1000)},
        }
        self.jobs.append(job)
        done = threading.Event()
        failure: list[CallError] = []

        def run() -> None:
            with self._one_at_a_time:
                self.slow.wait()
                try:
                    job["result"] = call(self, *parameters)
                    job["state"] = "SUCCESS"
                except CallError as error:
                    job.update(state="FAILED", error=f"[{errno.errorcode.get(error.number, 'EFAULT')}] {error}")
                    failure.append(error)
            done.set()

        threading.Thread(target=run, daemon=True).start()
        if self.drops == method:
            self.drops = ""
            session.connection.close(1001, "Service Restart")
        if session.legacy_jobs:
            return job["id"]
        done.wait()
        if failure:
            raise failure[0]
        return job["result"]

    def _get_jobs(self, filters: list[Any], options: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        found = [job for job in self.jobs if _fits(job, filters)]
        if (options or {}).get("order_by") == ["-id"]:
            found.reverse()
        return found[: (options or {}).get("limit") or None]

    # --- Apps ---

    def _create(self, data: dict[str, Any]) -> dict[str, Any]:
        name = data["app_name"]
        _only(data, "app_create", "app_name", "custom_app", "custom_compose_config_string")
        if not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name) or len(name) > 40:
            raise CallError("[EINVAL] app_create.app_name: String should match pattern", errno.EINVAL, -32602)
        if name in self.stored:
            raise CallError(f"Application with name {name} already exists", errno.EEXIST)
        self.stored[name] = self._parsed(data, "app_create")
        failure = self.engine.up(name, self.stored[name])
        if failure:
            self.log += failure
            self.engine.down(name)
            del self.stored[name]
            raise CallError(
                f"Failed 'up' action for {name!r} app. Please check /var/log/app_lifecycle.log for more details"
            )
        return self._entry(name)

    def _update(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        before = self._entry(name)
        _only(data, "app_update", "custom_compose_config_string")
        self.stored[name] = self._parsed(data, "app_update")
        if before["state"] != "STOPPED":
            self._restart(name)
        return self._entry(name)

    def _restart(self, name: str) -> None:
        self.engine.down(name)
        failure = self.engine.up(name, self.stored[name])
        if failure:
            self.log += failure
            raise CallError(
                f"Failed 'up' action for {name!r} app. Please check /var/log/app_lifecycle.log for more details"
            )

    def _start(self, name: str) -> None:
        self._entry(name)
        self._restart(name)

    def _delete(self, name: str, options: dict[str, Any]) -> bool:
        self._entry(name)
        _only(options, "options", "remove_images", "remove_ix_volumes", "force_remove_custom_app")
        self.engine.down(name, volumes=True)
        del self.stored[name]
        return True

    def _parsed(self, data: dict[str, Any], schema: str) -> dict[str, Any]:
        """Take a YAML in as TrueNAS does: read, checked by compose, written anew."""
        if self.refuses:
            reason = f"[EINVAL] {schema}.custom_compose_config_string: Invalid compose configuration: {self.refuses}"
            raise CallError(reason, errno.EINVAL)
        try:
            config = yaml.safe_load(data["custom_compose_config_string"])
        except yaml.YAMLError:
            raise CallError(
                f"[EINVAL] {schema}.custom_compose_config_string: Invalid YAML provided", errno.EINVAL
            ) from None
        again: dict[str, Any] = yaml.safe_load(yaml.safe_dump(config))
        return again

    def _entry(self, name: str) -> dict[str, Any]:
        if name not in self.stored:
            raise CallError(f"App {name} does not exist", errno.ENOENT)
        containers = self.engine.containers(name)
        states = [one["state"] for one in containers]
        state = "STOPPED"
        if "crashed" in states:
            state = "CRASHED"
        elif {"created", "starting"} & {*states}:
            state = "DEPLOYING"
        elif "running" in states:
            state = "RUNNING"
        shown = [] if state == "STOPPED" else containers
        ports = [port for one in shown for port in one["port_config"]]
        workloads = {
            "containers": len(shown),
            "used_ports": ports,
            "container_details": shown,
            "volumes": [],
            "networks": [],
        }
        return {"name": name, "id": name, "state": state, "custom_app": True, "active_workloads": workloads}

    def _query(self, filters: list[Any]) -> list[dict[str, Any]]:
        return [self._entry(name) for name in sorted(self.stored) if _fits({"name": name, "id": name}, filters)]

    def _config(self, name: str) -> dict[str, Any]:
        self._entry(name)
        return self.stored[name]

    def _subscribe(self, session: Session, name: str) -> str:
        wanted = json.loads(name.partition(":")[2])
        if not any(one["id"] == wanted["container_id"] for one in self.engine.containers(wanted["app_name"])):
            raise CallError(f'Container "{wanted["container_id"]}" not found in app', errno.ENOENT)
        identifier = f"subscription-{len(self.calls)}"
        session.subscriptions[identifier] = threading.Event()

        def tell() -> None:
            for line in self.engine.log(wanted["container_id"], wanted["tail_lines"]):
                fields = {"data": line + "\n", "timestamp": "2026-01-01 00:00:00+00:00"}
                session.send(
                    {"method": "collection_update", "params": {"msg": "added", "collection": name, "fields": fields}}
                )

        threading.Thread(target=tell, daemon=True).start()
        return identifier

    # --- The rest ---

    def _stat(self, path: str) -> dict[str, Any]:
        found = self.engine.stat(path)
        if found is None:
            raise CallError(f"Path {path} not found", errno.ENOENT)
        return {"realpath": path, "acl": False, **found}

    def _listdir(self, path: str, filters: list[Any], options: dict[str, Any]) -> list[dict[str, Any]]:
        del filters
        return [{"name": name} for name in self.engine.listdir(path)][: options.get("limit")]


_METHODS: dict[str, Callable[..., Any]] = {
    "system.version": lambda nas: nas.version,
    "docker.status": lambda nas: nas.docker,
    "core.get_jobs": Nas._get_jobs,
    "app.create": Nas._create,
    "app.update": Nas._update,
    "app.start": Nas._start,
    "app.delete": Nas._delete,
    "app.query": Nas._query,
    "app.config": Nas._config,
    "app.image.query": lambda nas: [{"repo_tags": [], "repo_digests": [one]} for one in nas.engine.images()],
    "app.image.pull": lambda nas, data: nas.engine.pull(data["image"]),
    "app.registry.query": lambda nas: nas.registries,
    "filesystem.stat": Nas._stat,
    "filesystem.listdir": Nas._listdir,
}


def _fits(one: dict[str, Any], filters: list[Any]) -> bool:
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "in": lambda a, b: a in b,
    }
    return all(tests[test](one[name], value) for name, test, value in filters)


def _only(data: dict[str, Any], schema: str, *known: str) -> None:
    for name in data:
        if name not in known:
            raise CallError(f"[EINVAL] {schema}.{name}: Extra inputs are not permitted", errno.EINVAL, -32602)
