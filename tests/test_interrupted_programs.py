"""Promise: a program that a task runs out of sight ends what it is doing when the task is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.answers import CHECKOUT

TASK = """
import signal, sys
from tasks._lib.run import ask
signal.signal(signal.SIGINT, signal.default_int_handler)
ask([sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
# As Terraform does: it writes its state, and then ends.
PROGRAM = """
import pathlib, signal, sys, time
state, begun = map(pathlib.Path, sys.argv[1:])
def end(*_):
    time.sleep(1)
    state.write_text("written")
    sys.exit(1)
signal.signal(signal.SIGINT, end)
begun.touch()
signal.pause()
"""


def test_a_state_is_written_before_it_ends(tmp_path: Path) -> None:
    state, begun = tmp_path / "state", tmp_path / "begun"
    task = subprocess.Popen(
        [sys.executable, "-c", TASK, PROGRAM, state, begun],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "template")},
        start_new_session=True,
    )
    while not begun.exists():
        assert task.poll() is None
        time.sleep(0.05)
    os.killpg(task.pid, signal.SIGINT)
    assert task.wait(60) != 0
    assert state.read_text() == "written"
