"""Clients that keep their connections, as browsers and other services do, and count what fails."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# How long a body takes to be sent: longer than a switch of the proxy, shorter than a release's drain.
_SLOWLY = 3.0


@dataclass
class Counts:
    """What came of all requests."""

    answered: dict[str, int] = field(default_factory=lambda: {"GET": 0, "POST": 0, "stream": 0})
    failed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.answered.items())
        return f"{len(self.failed)} failed of {sum(self.answered.values()) + len(self.failed)} ({kinds})"


@contextmanager
def clients(port: int, name: str, limit: float = 1200, led: Collection[int] = ()) -> Iterator[Counts]:
    """Let ten clients work on the app until the block ends: five read, three write, two send a body slowly.

    A connection is used again for as long as the server lets it be; no request is tried twice. `name` is in all notes.
    Those whose number is in `led` ask for the canary: whom else it gets depends on their addresses.
    """
    counts, done = Counts(), threading.Event()
    until = time.monotonic() + limit
    works = [_read] * 5 + [_write] * 3 + [_send_slowly] * 2
    threads = [
        threading.Thread(target=_work, args=(work, f"{name}-{number}", port, counts, done, until, number in led))
        for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _work(  # type: ignore[no-untyped-def]
    work, name: str, port: int, counts: Counts, done: threading.Event, until: float, led: bool
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    number = 0
    # Its own agent, so that clients of one address are not all on one side of a canary.
    headers = {"User-Agent": name, "Content-Type": "application/json", "X-Canary": "always" if led else ""}
    while not done.wait(0.02) and time.monotonic() < until:
        number += 1
        text = f"{name}-{number}"
        try:
            kind, wanted = work(connection, text, headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == wanted:
                counts.answered[kind] += 1
                if wanted == 201:
                    counts.written.append(text)
            else:
                counts.failed.append(f"{kind} {answer.status} {body[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            counts.failed.append(f"{work.__name__} {text}: {error!r}")
            connection.close()
    connection.close()


def _read(connection: http.client.HTTPConnection, text: str, headers: dict[str, str]) -> tuple[str, int]:
    # In turn the API and the site, which are behind the proxy side by side.
    connection.request("GET", "/openapi.json" if int(text.rpartition("-")[2]) % 2 else "/", headers=headers)
    return "GET", 200


def _write(connection: http.client.HTTPConnection, text: str, headers: dict[str, str]) -> tuple[str, int]:
    connection.request("POST", "/api/notes", json.dumps({"text": text}), headers)
    return "POST", 201


def _send_slowly(connection: http.client.HTTPConnection, text: str, headers: dict[str, str]) -> tuple[str, int]:
    def pieces() -> Iterator[bytes]:
        for piece in json.dumps({"text": text}):
            time.sleep(_SLOWLY / (len(text) + 12))
            yield piece.encode()

    connection.request("POST", "/api/notes", pieces(), headers, encode_chunked=True)
    return "stream", 201
