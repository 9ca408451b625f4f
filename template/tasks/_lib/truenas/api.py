"""TrueNAS's API: JSON-RPC over one TLS WebSocket, logged in to by a key, with jobs waited for to their end."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..project import Environment
from ..run import ROOT
from . import tls
from .problems import LateError, LostError, ProblemError, RefusedError

KEY = "TRUENAS_API_KEY"
# What the NAS takes in one message after the login; a longer one ends the connection.
LONGEST = 65536

# What an answer to the login means, and what to do.
_LOGIN = {
    "AUTH_ERR": (
        "does not let {user} in with this key",
        "see that the key is whole and belongs to {user}, and that the account is not locked",
    ),
    "EXPIRED": (
        "says that the key has expired or was revoked",
        f"make a new one (Credentials → Users → API Keys) and set {KEY} or {KEY}_FILE to it",
    ),
    "DENIED": (
        "denies {user} the use of its API",
        "give the user's group a privilege with the roles that docs/deployment/truenas-guide.md names",
    ),
    "OTP_REQUIRED": ("wants a second factor of {user}", "use the key of a user made for deploying, who has none"),
}
# The last words of methods that change nothing.
_ASKING = ("config", "get_jobs", "query")
# What it means when the NAS ends the connection with a code.
_CLOSED = {
    1007: ("the login is longer than the 8 KiB that it takes before one is let in", "see that the key is a key"),
    1008: (
        "it does not allow this machine's address",
        "add it under System → General Settings → GUI → Web Interface Allowed Addresses",
    ),
    1009: ("the message is longer than the 64 KiB that it takes", "leave an overlay out, or shorten the stack"),
}


class Api:
    """A connection to one NAS. It logs in once: the NAS locks out who does so too often."""

    def __init__(self, environment: Environment) -> None:
        """Connect and log in; raise a ProblemError when that cannot be."""
        self._settings = environment.settings
        self.host = host(environment)
        self._key = _key()
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._connect()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def call(self, method: str, *parameters: Any, seconds: float = 60) -> Any:
        """Return what a method returns; raise when the NAS refuses, or does not answer.

        What only asks is asked once more where the connection was lost, as when the NAS starts a service anew.
        """
        try:
            return self._ask(method, parameters, seconds)
        except LostError as lost:
            if lost.code in _CLOSED or method.rpartition(".")[2] not in _ASKING:
                raise self._closed(lost) from None
        self._connect()
        try:
            return self._ask(method, parameters, seconds)
        except LostError as lost:
            raise self._closed(lost) from None

    def _ask(self, method: str, parameters: tuple[Any, ...], seconds: float) -> Any:
        try:
            return self._answer(self._send(method, parameters), time.monotonic() + seconds)
        except LateError:
            cause = f"{self.host} did not answer {method} in {seconds:.0f} s"
            raise ProblemError(cause, "run the same command again") from None

    def job(self, method: str, *parameters: Any, until: float) -> Any:
        """Run a job to its end and return its result; raise when it fails, or takes too long.

        The call returns the job's number, to be asked after, or from 25.10 on, as we choose, the job's result.
        """
        try:
            answer = self._answer(self._send(method, parameters), until)
            if self._returns_results:
                return answer
            number = int(answer)
        except LostError as lost:
            if lost.code in _CLOSED:
                raise self._closed(lost) from None
            # The job goes on without us. It is the last one by that method that we may see.
            self._connect()
            found = self.call("core.get_jobs", [["method", "=", method]], {"order_by": ["-id"], "limit": 1})
            if not found:
                raise self._closed(lost) from None
            number = int(found[0]["id"])
        return self._wait(number, until)

    def fits(self, method: str, *parameters: Any) -> bool:
        """Return whether a call is short enough for the NAS."""
        return len(_text(10**6, method, parameters)) <= LONGEST

    def events(self, names: list[str], quiet: float | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield name and fields of the events of sources, until none comes for `quiet` seconds.

        A source does not say when it has told what there was.
        """
        subscriptions = [self.call("core.subscribe", name) for name in names]
        try:
            while True:
                while self._events:
                    event = self._events.pop(0)
                    if event["collection"] in names and "fields" in event:
                        yield event["collection"], event["fields"]
                self._receive(None if quiet is None else time.monotonic() + quiet)
        except LateError:
            for subscription in subscriptions:
                self.call("core.unsubscribe", subscription)
            self._events.clear()
        except LostError as lost:
            raise self._closed(lost) from None

    # --- Connecting ---

    def _connect(self) -> None:
        self._connection = tls.connect(self.host, self._settings)
        try:
            self.user = self._log_in()
            # 25.04 takes the option without a word, and goes on returning numbers.
            chosen = self.call("core.set_options", {"legacy_jobs": False})
        except (ProblemError, RefusedError):
            self._connection.close()
            raise
        self._returns_results = isinstance(chosen, dict) and chosen.get("legacy_jobs") is False

    def _log_in(self) -> dict[str, Any]:
        """Log in and return who we are to the NAS."""
        user = str(self._settings["username"])
        credentials = {"mechanism": "API_KEY_PLAIN", "username": user, "api_key": self._key}
        try:
            answer = self.call("auth.login_ex", credentials)
        except RefusedError as refusal:
            if "rate limit" in refusal.reason.lower():
                raise ProblemError(
                    f"{self.host} was logged in to too often, and lets nobody in for a while",
                    "wait ten minutes without trying, then run one command at a time",
                ) from None
            cause = f"{self.host} refuses the login: {refusal.reason}"
            raise ProblemError(cause, "see that it is TrueNAS 25.04 or later") from None
        said = str(answer["response_type"])
        if said == "SUCCESS":
            return dict(answer.get("user_info") or {})
        if said == "REDIRECT":
            others = " or ".join(answer["urls"])
            raise ProblemError(f"{self.host} is the standby of a pair", f"set `host:` in invoke.yaml to {others}")
        cause, fix = _LOGIN.get(said, (f"answers the login with {said}", "see that it is TrueNAS 25.04 or later"))
        raise ProblemError(f"{self.host} {cause.format(user=user)}", fix.format(user=user))

    def _closed(self, lost: LostError) -> ProblemError:
        cause, fix = _CLOSED.get(lost.code, (str(lost), "run the same command again"))
        return ProblemError(f"{self.host} ended the connection: {cause}", fix)

    # --- Speaking ---

    def _send(self, method: str, parameters: tuple[Any, ...]) -> int:
        from websockets.exceptions import ConnectionClosed

        self._number += 1
        try:
            self._connection.send(_text(self._number, method, parameters))
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        return self._number

    def _answer(self, number: int, until: float) -> Any:
        """Return the result of the call of a number; events that come before it are kept."""
        message = self._receive(until)
        while message.get("id") != number:
            message = self._receive(until)
        if "error" in message:
            raise _refusal(message["error"])
        return message.get("result")

    def _receive(self, until: float | None) -> dict[str, Any]:
        from websockets.exceptions import ConnectionClosed

        try:
            text = self._connection.recv(timeout=None if until is None else max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise LateError from None
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        message: dict[str, Any] = json.loads(text, object_hook=_plain)
        if message.get("method") == "collection_update":
            self._events.append(message["params"])
        return message

    def _wait(self, number: int, until: float) -> Any:
        """Ask after a job until it has ended."""
        while True:
            found = self.call("core.get_jobs", [["id", "=", number]])
            if not found:
                raise ProblemError(
                    f"{self.host} no longer knows its job {number}", "see how the app is: `inv status --env NAME`"
                )
            job = found[0]
            if job["state"] == "SUCCESS":
                return job["result"]
            if job["state"] in ("FAILED", "ABORTED"):
                raise RefusedError(str(job["error"]), job["state"], str(job.get("logs_excerpt") or ""))
            if time.monotonic() > until:
                raise LateError
            time.sleep(0.5)


def host(environment: Environment) -> str:
    """Return the NAS's host name, with its port where it has an unusual one."""
    named = str(environment.settings["host"])
    scheme, separator, rest = named.partition("://")
    alone = (rest or named).partition("/")[0]
    if separator and scheme in ("ws", "http"):
        raise ProblemError(
            f"`host: {named}` is not encrypted, and TrueNAS revokes a key that reaches it in the clear",
            f"write `host: {alone}`: the connection is always encrypted",
        )
    if alone != named:
        raise ProblemError(f"`host: {named}` is an address", f"write `host: {alone}`")
    return named


def _key() -> str:
    """Return the key from the shell's variable, or from the file that its twin names."""
    value, file = os.environ.get(KEY, ""), os.environ.get(f"{KEY}_FILE", "")
    if not value and file:
        try:
            value = (ROOT / Path(file).expanduser()).read_text(encoding="utf-8")
        except OSError as error:
            cause = f"the file that {KEY}_FILE names cannot be read: {error.strerror}: {file}"
            raise ProblemError(cause, "correct the variable, or the file's permissions") from None
    if not value.strip():
        raise ProblemError(
            f"neither {KEY} nor {KEY}_FILE is set",
            "make a key (Credentials → Users → API Keys), keep it in a file that only you can read, and name that file",
        )
    return value.strip()


def _text(number: int, method: str, parameters: tuple[Any, ...]) -> str:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _plain(found: dict[str, Any]) -> Any:
    """Return a set, which TrueNAS writes as an object of one marked key, as the list that it holds."""
    return found["$set"] if found.keys() == {"$set"} else found


def _refusal(error: dict[str, Any]) -> RefusedError:
    data = error.get("data") or {}
    return RefusedError(str(data.get("reason") or error["message"]).strip(), str(data.get("errname") or ""))


def _lost(closed: Any) -> LostError:
    return LostError(closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else LostError(0, "")
