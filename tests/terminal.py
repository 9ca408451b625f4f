"""A terminal before which a test sits: reads what a program shows there, and types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

LIMIT = 60


class Terminal:
    """A program that runs at a terminal."""

    def __init__(self, command: list[str], folder: Path) -> None:
        """Start it in a folder."""
        self._ours, its_side = pty.openpty()
        self._child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=its_side,
            stdout=its_side,
            stderr=its_side,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "200", "PYTHONWARNINGS": "ignore"},
            start_new_session=True,
        )
        os.close(its_side)

    def read(self, until: str) -> str:
        """Read until a text appears or the program ends."""
        seen, end = "", time.monotonic() + LIMIT
        while until not in seen and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    seen += os.read(self._ours, 4096).decode(errors="replace")
                except OSError:  # the program ended and closed its side
                    break
        return seen

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code, and what was shown since the last reading."""
        rest = self.read("never printed")
        code = self._child.wait(LIMIT)
        os.close(self._ours)
        return code, rest
