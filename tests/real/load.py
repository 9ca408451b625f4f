"""A bounded load on an app of this machine, while something happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests


@contextmanager
def repeatedly(action: Callable[[int], None], times: int) -> Iterator[None]:
    """Do something every 50 ms beside the block, so many times at most; it is told how often it was done before."""
    done = threading.Event()

    def act() -> None:
        for number in range(times):
            if done.wait(0.05):
                return
            action(number)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def load(*urls: str) -> Iterator[dict[str, Any]]:
    """Send a request every 50 ms, to one URL after the other, for five minutes at most; count how they end.

    Each is on a connection of its own. `reasons` has what the failed ones said.
    """
    counts: dict[str, Any] = {"answered": 0, "failed": 0, "reasons": []}

    def send(number: int) -> None:
        try:
            answer = requests.get(urls[number % len(urls)], timeout=10)
            reason = "" if answer.ok else f"{answer.status_code} {answer.text[:200]}"
        except requests.RequestException as error:
            reason = repr(error)
        counts["failed" if reason else "answered"] += 1
        if reason:
            counts["reasons"].append(reason)

    with repeatedly(send, 6000):
        yield counts
