"""The app on this machine, without containers: running it from source, testing it, checking its form."""

import os
import shutil
import signal
import subprocess

from invoke import Context, task

from ._lib.console import say, stop
from ._lib.project import load
from ._lib.run import ROOT, need, run

# Data of `inv dev`: a file, so that it is still there after the next edit.
_DATABASE = ROOT / "data" / "dev.db"


@task(auto_shortflags=False)
def dev(_context: Context) -> None:
    """Run the app from source with the embedded database; Ctrl-C stops it."""
    need("cargo")
    servers = load().servers
    run(["cargo", "build", *(f"--package={name}" for name in servers)], fix="correct what the compiler names above")
    _DATABASE.parent.mkdir(exist_ok=True)
    environment = {"DATABASE_URL": f"sqlite://{_DATABASE}", "MIGRATE_ON_START": "true"}
    environment |= {"UPLOADS_DIR": str(_DATABASE.parent / "uploads")} | os.environ
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
    running = [subprocess.Popen([folder / name], cwd=ROOT, env=environment) for name in servers]
    say(f"Running {' and '.join(servers)}; Ctrl-C stops.")
    ended = _wait(running)
    if ended:
        stop(f"{servers[running.index(ended)]} ended with exit code {ended.returncode}", "its message above says why")
    say("\nStopped. Next: `inv test`, `inv build`")


def _wait(running: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes] | None:
    """Wait until one process ends or Ctrl-C, end the others, and return the one that ended by itself."""
    try:
        while True:
            for process in running:
                try:
                    process.wait(timeout=0.2)
                    return process
                except subprocess.TimeoutExpired:
                    continue
    except KeyboardInterrupt:
        return None
    finally:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in running:
            process.wait()


@task(auto_shortflags=False)
def test(_context: Context) -> None:
    """Run the tests."""
    run(["cargo", "test", "--locked"], fix="run the failing test alone: cargo test NAME")
    say("\nAll tests pass. Next: `inv lint`, `inv build`")


@task(auto_shortflags=False)
def lint(_context: Context) -> None:
    """Check formatting, lints, and (where cargo-deny is installed) licences and sources of dependencies."""
    run(["cargo", "fmt", "--check"], fix="cargo fmt")
    run(
        ["cargo", "clippy", "--locked", "--all-targets", "--", "--deny", "warnings"],
        fix="cargo clippy --fix, or by hand",
    )
    if shutil.which("cargo-deny"):
        run(["cargo", "deny", "check"], fix="deny.toml says what is allowed, and why")
    else:
        say("cargo-deny is not installed, so dependencies were not checked: cargo install --locked cargo-deny")
    say("\nNothing to correct. Next: `inv test`, `inv build`")
