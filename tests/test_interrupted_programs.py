"""Promise: a task that is interrupted, or told to end, or whose terminal is gone, ends what it began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


HOLDING = """
import pathlib, sys
from tasks._lib.console import say
from tasks._lib.run import ask
begun, free = sys.argv[1:]
try:
    ask([sys.executable, "-c", "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(2)", begun])
finally:
    for line in range(10_000):
        say("letting go")
    pathlib.Path(free).touch()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_held_is_let_go_of(tmp_path: Path, number: signal.Signals) -> None:
    begun, free = tmp_path / "begun", tmp_path / "free"
    task = subprocess.Popen(
        [sys.executable, "-c", HOLDING, begun, free],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "template")},
        stdout=subprocess.PIPE if number == signal.SIGHUP else subprocess.DEVNULL,
        start_new_session=True,
        # Where the tests run without a terminal, it may be ignored by all that they start.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    while not begun.exists():
        assert task.poll() is None
        time.sleep(0.05)
    if task.stdout:
        task.stdout.close()
    task.send_signal(number)
    # A shell passes on what the terminal has sent already.
    while number == signal.SIGHUP and task.poll() is None:
        task.send_signal(number)
        time.sleep(0.05)
    assert task.wait(60) != 0
    assert free.exists()


def test_who_asked_for_it_outlives_a_terminal(tmp_path: Path) -> None:
    script = "import os, signal, tasks; os.kill(os.getpid(), signal.SIGHUP)"
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "template")}
    done = subprocess.run(["nohup", sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
