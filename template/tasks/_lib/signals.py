"""Lets a task that is told to end, or whose terminal is gone, end as by Ctrl-C: what it holds, it lets go of."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def end_in_order() -> None:
    """Heed SIGTERM and SIGHUP from now on."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # What is ignored stays so: nohup lets a task outlive its terminal.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


@contextmanager
def unheeded() -> Iterator[None]:
    """Let nothing end this task meanwhile."""
    heeded = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in heeded:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        # A terminal and its shell send it both: the second one must not cut off what the first one began.
        signal.signal(signal.SIGHUP, lambda *_: None)
        # Nobody reads any more, and a line that cannot be written would cut it off too.
        nobody = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nobody, stream)
    raise KeyboardInterrupt
