"""The encrypted connection to a NAS, whose certificate is checked: by the system, by a file, or by its fingerprint."""

import asyncio
import hashlib
import os
import ssl
from typing import Any

from ..run import ROOT
from .problems import ProblemError

# The path since 25.04; what came before had another one.
_PATH = "/api/current"
# How long a NAS may take to answer, in seconds: busy ones are slow.
_PATIENCE = 30


class Socket:
    """A WebSocket whose calls wait.

    The library's own blocking client reads in a thread of its own while it writes, which one TLS connection does not
    bear: now and then, a session ticket that comes meanwhile makes it lose what was written. An event loop that runs
    only during a call does both in turn.
    """

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        """Open it; raise what the library raises."""
        self._loop = asyncio.new_event_loop()
        try:
            self._connection = self._loop.run_until_complete(_open(url, context))
        except BaseException:
            self._loop.close()
            raise

    @property
    def certificate(self) -> bytes:
        """The other side's certificate, as DER."""
        shown = self._connection.transport.get_extra_info("ssl_object")
        return shown.getpeercert(binary_form=True) or b""

    def send(self, text: str) -> None:
        """Send a message."""
        self._loop.run_until_complete(self._connection.send(text))

    def recv(self, timeout: float | None) -> str:
        """Return the next message; raise a TimeoutError when none comes in `timeout` seconds."""
        try:
            text: str = self._loop.run_until_complete(asyncio.wait_for(self._connection.recv(), timeout))
        except asyncio.TimeoutError:
            # Until Python 3.10, it was another one than the built-in.
            raise TimeoutError from None
        return text

    def close(self) -> None:
        """Close it; closing it again does nothing."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._connection.close())
            self._loop.close()


async def _open(url: str, context: ssl.SSLContext) -> Any:
    from websockets.asyncio.client import connect as open_socket

    # No pings of our own: nothing would hear their answers between two calls.
    return await open_socket(url, ssl=context, proxy=None, open_timeout=_PATIENCE, max_size=2**24, ping_interval=None)


def connect(host: str, settings: dict[str, Any]) -> Socket:
    """Return a WebSocket to a NAS whose certificate is the expected one; raise a ProblemError when there is none."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus

    fingerprint = _digits(str(settings.get("fingerprint", "")))
    try:
        connection = Socket(f"wss://{host}{_PATH}", _context(host, settings, bool(fingerprint)))
    except ssl.SSLCertVerificationError as error:
        raise ProblemError(
            f"the certificate of {host} is not trusted: {error.verify_message}",
            "name its authority's file with `certificate:` in invoke.yaml, or its own SHA-256 with `fingerprint:`",
        ) from None
    except InvalidStatus as error:
        raise ProblemError(
            f"{host} has no {_PATH} (it answers {error.response.status_code})",
            "update to TrueNAS 25.04 or later, or correct `host:` in invoke.yaml",
        ) from None
    except (ssl.SSLError, InvalidHandshake, EOFError) as error:
        raise ProblemError(
            f"{host} does not speak TLS as a NAS does: {error}", "correct `host:` in invoke.yaml, and its port"
        ) from None
    except (TimeoutError, OSError) as error:
        said = f"no answer in {_PATIENCE} s" if isinstance(error, TimeoutError) else _meaning(error)
        raise ProblemError(
            f"{host} cannot be reached: {said}", "correct `host:` in invoke.yaml, or look at the network"
        ) from None
    # Before the first message: the key goes to nobody else.
    found = hashlib.sha256(connection.certificate).hexdigest()
    if fingerprint and found != fingerprint:
        connection.close()
        raise ProblemError(
            f"{host} shows another certificate: its SHA-256 is {found}",
            "find out why; if it was renewed, correct `fingerprint:` in invoke.yaml",
        )
    return connection


def _context(host: str, settings: dict[str, Any], pinned: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif "certificate" in settings:
        file = ROOT / str(settings["certificate"])
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise ProblemError(
                f"the certificate for {host}, {file}, cannot be read: {error}", "it must be a PEM file"
            ) from None
    return context


def _meaning(error: OSError) -> str:
    """Return what an error means; asyncio's own words for it name only the address."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _digits(fingerprint: str) -> str:
    """Return a fingerprint as programs write it, from how people do: AA:BB, sha256:aabb."""
    return fingerprint.lower().rpartition("sha256:")[2].replace(":", "")
