"""The encrypted connection to a NAS, whose certificate is checked: by the system, by a file, or by its fingerprint."""

import hashlib
import ssl
from typing import Any, cast

from ..run import ROOT
from .problems import ProblemError

# The path since 25.04; what came before had another one.
_PATH = "/api/current"
# How long a NAS may take to answer, in seconds: busy ones are slow.
_PATIENCE = 30


def connect(host: str, settings: dict[str, Any]) -> Any:
    """Return a WebSocket to a NAS whose certificate is the expected one; raise a ProblemError when there is none."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect as open_socket

    fingerprint = _digits(str(settings.get("fingerprint", "")))
    try:
        connection = open_socket(
            f"wss://{host}{_PATH}",
            ssl=_context(host, settings, bool(fingerprint)),
            proxy=None,
            open_timeout=_PATIENCE,
            max_size=2**24,
        )
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
        said = f"no answer in {_PATIENCE} s" if isinstance(error, TimeoutError) else error.strerror or error
        raise ProblemError(
            f"{host} cannot be reached: {said}", "correct `host:` in invoke.yaml, or look at the network"
        ) from None
    # Before the first message: the key goes to nobody else.
    shown = cast(ssl.SSLSocket, connection.socket).getpeercert(binary_form=True) or b""
    found = hashlib.sha256(shown).hexdigest()
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


def _digits(fingerprint: str) -> str:
    """Return a fingerprint as programs write it, from how people do: AA:BB, sha256:aabb."""
    return fingerprint.lower().rpartition("sha256:")[2].replace(":", "")
