"""Runs programs from the project's root, in sight or out of it, and stops when they fail."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import yaml

from .console import say, stop
from .failures import find, stop_because

ROOT = Path(__file__).resolve().parents[2]
_HERE = Path(__file__).parent


def need(program: str) -> None:
    """Stop, with how to install it, when `program` is not on PATH."""
    if shutil.which(program) is None:
        stop(f"{program} is not installed", hint(program))


def hint(program: str) -> str:
    """Return how to install a program."""
    hints: dict[str, str] = yaml.safe_load((_HERE / "programs.yaml").read_text())
    return hints.get(program, f"install {program} and put it on PATH")


def run(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    fix: str = "see the message above",
    tries: int = 1,
) -> None:
    """Run a program in sight of the user; stop when it fails.

    `env` is the whole environment (default: this process's); `stdin` is text for its standard input;
    `fix` is what to advise when the failure is not a known one; `tries` is how often at most it is run while
    it fails by something that may pass by itself.
    """
    need(args[0])
    say(f"$ {shlex.join(args)}")
    # On a terminal, the program keeps it: progress is drawn there. Elsewhere its messages are passed on and kept, and
    # so are those that say whether another try is of use. What cargo says needs no other words, and quotes any source.
    keep = tries > 1 or not (sys.stderr.isatty() or args[0] == "cargo")
    for attempt in range(1, tries + 1):
        code, said = _run(args, env, stdin, keep)
        if code == 0:
            return
        known = find(said)
        if attempt < tries and known and known.passes:
            try_again(known.cause, attempt)
            continue
        stop_because(said, f"{shlex.join(args[:3])} … ended with exit code {code}", fix)


def try_again(cause: str, attempt: int) -> None:
    """Say why a program is run again, and wait a second more after each attempt, counted from 1."""
    say(f"  {cause}: trying again …")
    time.sleep(attempt)


def _run(args: Sequence[str], env: Mapping[str, str] | None, stdin: str | None, keep: bool) -> tuple[int, str]:
    """Run a program once and return its exit code, and what it said on standard error where that is to be kept."""
    lines: list[str] = []
    process = subprocess.Popen(
        args,
        cwd=ROOT,
        env=dict(env) if env is not None else None,
        stdin=subprocess.PIPE if stdin is not None else None,
        stderr=subprocess.PIPE if keep else None,
        text=True,
    )
    if process.stdin is not None:
        process.stdin.write(stdin or "")
        process.stdin.close()
    for line in process.stderr or ():
        lines.append(line)
        sys.stderr.write(line)
    return process.wait(), "".join(lines)


def ask(
    args: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str | None = None, apart: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program out of sight and return what it said, whether it failed or not.

    `apart` is for one that must not be broken off: in a session of its own, a terminal's signals do not reach it.
    """
    need(args[0])
    process = subprocess.Popen(
        args,
        cwd=ROOT,
        env=dict(env) if env is not None else None,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a container logs may be anything.
        errors="replace",
        start_new_session=apart,
    )
    try:
        answer, said = process.communicate(stdin)
    except KeyboardInterrupt:
        # It may have a state to write and a lock to release, for which Ctrl-C gave it the signal too. A second one ends
        # the wait.
        process.communicate()
        raise
    return subprocess.CompletedProcess(args, process.returncode, answer, said)


def read(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    apart: bool = False,
    fix: str = "see the message above",
) -> str:
    """Return a program's standard output; stop, with what it said on standard error, when it fails."""
    done = ask(args, env=env, apart=apart)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        stop_because(said, f"{shlex.join(args[:4])} …: {said or f'exit code {done.returncode}'}", fix)
    return done.stdout


def stream(
    args: Sequence[str], *, source: Path | None = None, target: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program on a file's bytes, or put its output into a new file that only its owner may read."""
    need(args[0])
    with ExitStack() as files:
        stdin = files.enter_context(source.open("rb")) if source else subprocess.DEVNULL
        stdout: IO[bytes] | int = subprocess.DEVNULL
        if target:
            target.unlink(missing_ok=True)
            stdout = files.enter_context(os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
        return subprocess.run(
            args, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )


def bare_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return `values` with the few variables that programs need to work, and nothing else of the caller's shell.

    What is deployed must not depend on what happens to be exported in the shell that deploys it.
    """
    kept = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "TERM", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK")
    kept_prefixes = ("DOCKER_", "BUILDX_", "BUILDKIT_")
    own = {key: value for key, value in os.environ.items() if key in kept or key.startswith(kept_prefixes)}
    return own | dict(values)
