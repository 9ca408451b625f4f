"""A bounded load on an app of this machine, while something happens to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests


@contextmanager
def load(*urls: str) -> Iterator[dict[str, Any]]:
    """Send a request every 50 ms, to one URL after the other, for five minutes at most; count how they end.

    Each is on a connection of its own. `reasons` has what the failed ones said.
    """
    counts: dict[str, Any] = {"answered": 0, "failed": 0, "reasons": []}
    done = threading.Event()

    def send() -> None:
        for number in range(6000):
            if done.wait(0.05):
                return
            try:
                answer = requests.get(urls[number % len(urls)], timeout=10)
                reason = "" if answer.ok else f"{answer.status_code} {answer.text[:200]}"
            except requests.RequestException as error:
                reason = repr(error)
            counts["failed" if reason else "answered"] += 1
            if reason:
                counts["reasons"].append(reason)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield counts
    finally:
        done.set()
        thread.join()
