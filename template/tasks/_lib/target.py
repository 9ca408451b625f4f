"""The machine that a Docker context's engine runs on: commands and files there, over SSH when it is another one."""

import shlex
from dataclasses import dataclass
from subprocess import CompletedProcess
from urllib.parse import urlsplit

from .console import stop
from .run import ask, read


@dataclass(frozen=True)
class Target:
    """A machine. `ssh` is the command that reaches it; empty for this one."""

    context: str
    ssh: tuple[str, ...]

    def shell(self, script: str, *arguments: str, stdin: str = "") -> CompletedProcess[str]:
        """Run a POSIX shell script there, with arguments and standard input, and return what it said."""
        command = ["sh", "-c", script, "sh", *arguments]
        return ask([*self.ssh, shlex.join(command)] if self.ssh else command, stdin=stdin)

    def expand(self, folder: str) -> str:
        """Return the absolute path of a folder there; `~` is that machine's home."""
        if folder.startswith("~"):
            home = self.shell('printf %s "$HOME"')
            if home.returncode != 0 or not home.stdout.startswith("/"):
                stop(f"{' '.join(self.ssh)} does not answer: {home.stderr.strip()}", "try that command by hand")
            folder = home.stdout + folder[1:]
        if not folder.startswith("/"):
            stop(f"{folder!r} is not an absolute path", "write it with a leading / or ~/ in invoke.yaml")
        return folder


def of_context(context: str) -> Target:
    """Return the machine of a Docker context. Stops when the context does not exist or has no shell to reach."""
    known = ask(["docker", "context", "inspect", context, "--format", "{{.Endpoints.docker.Host}}"])
    if known.returncode != 0:
        names = ", ".join(read(["docker", "context", "ls", "--format", "{{.Name}}"]).split())
        stop(
            f"Docker has no context {context!r}; it has: {names}",
            f"create it (`docker context create {context} --docker host=ssh://…`) or correct `context:` in invoke.yaml",
        )
    address = urlsplit(known.stdout.strip())
    if address.scheme in ("unix", "npipe", ""):
        return Target(context, ())
    if address.scheme != "ssh":
        stop(
            f"context {context!r} reaches its engine by {address.scheme}, so files cannot be put there",
            "use ssh:// for it",
        )
    port = ("-p", str(address.port)) if address.port else ()
    user = f"{address.username}@" if address.username else ""
    return Target(context, ("ssh", *port, f"{user}{_host(address.netloc)}"))


def _host(netloc: str) -> str:
    """Return the host of an address as it is written there: to SSH, `Host Box` is another one than `box`."""
    host = netloc.rpartition("@")[2]
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
