"""The app on this machine, without containers: running it from source, testing it, checking its form."""

import json
import os
import shutil
import signal
import subprocess

from invoke import Context, task

from ._lib import development, suites, test_servers
from ._lib.console import say, stop
from ._lib.project import load
from ._lib.run import ROOT, ask, need, read, run


@task(auto_shortflags=False)
def dev(_context: Context) -> None:
    """Run the app from source with the embedded database; Ctrl-C stops it."""
    need("cargo")
    servers = load().servers
    build = ["cargo", "build", *(f"--package={name}" for name in servers)]
    run(build, fix="correct what the compiler names above")
    programs = _programs(read([*build, "--quiet", "--message-format=json"]))
    development.FOLDER.mkdir(exist_ok=True)
    environment = development.environment() | {"MIGRATE_ON_START": "true"}
    running = [subprocess.Popen([programs[name]], cwd=ROOT, env=environment) for name in servers]
    say(f"Running {' and '.join(servers)}; Ctrl-C stops.")
    ended = _wait(running)
    if ended:
        stop(f"{servers[running.index(ended)]} ended with exit code {ended.returncode}", "its message above says why")
    say("\nStopped. Next: `inv test`, `inv build`")


def _programs(messages: str) -> dict[str, str]:
    """Return where each program is, by what cargo says: its user may have it build into another folder than target/."""
    made = [json.loads(line) for line in messages.splitlines()]
    return {one["target"]["name"]: one["executable"] for one in made if one.get("executable")}


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


@task(
    auto_shortflags=False,
    help={"only": "unit, functional (each program as a whole) or integration (with real servers, in containers)"},
)
def test(_context: Context, only: str = "") -> None:
    """Run the tests: without --only all that need no server."""
    fix = "run the failing test alone: cargo test NAME"
    command = ["cargo", "test", "--locked"]
    if only == suites.INTEGRATION:
        flags = suites.with_servers()
        if not flags:
            stop("no test of this project needs a server", "run the others: `inv test`")
        with test_servers.running() as variables:
            run([*command, *flags], env=os.environ | variables, fix=fix)
    elif not only or only in suites.ALONE:
        run([*command, *suites.ALONE.get(only, ())], fix=fix)
    else:
        stop(f"there is no kind of tests {only!r}", f"choose from: {', '.join([*suites.ALONE, suites.INTEGRATION])}")
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
        allowed = "deny.toml says what is allowed, and why"
        run(["cargo", "deny", "check", "bans", "licenses", "sources"], fix=allowed)
        _advisories(fix=allowed)
    else:
        say("cargo-deny is not installed, so dependencies were not checked: cargo install --locked cargo-deny")
    say("\nNothing to correct. Next: `inv test`, `inv build`")


def _advisories(fix: str) -> None:
    """Stop when a dependency has a known flaw. The list comes from the network: without one, say so and go on."""
    done = ask(["cargo", "deny", "check", "advisories"])
    if "failed to fetch advisory database" in done.stderr:
        say("advisories could not be fetched, so known flaws were not looked for")
    elif done.returncode != 0:
        say(done.stderr)
        stop("a dependency has a known flaw, or is withdrawn", fix)
