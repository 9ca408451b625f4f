"""The engine of a NAS that is none: apps are real containers of this machine's Docker.

A pool's paths are those of a folder here: /mnt/tank in what is started stands for it, and nothing else is rewritten. A
container that does nothing has the folder at /mnt/tank, and is the NAS's shell.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .server import CallError

_STATES = {"created": "created", "running": "running"}


class Docker:
    """This machine's engine, with a folder for the pool `tank`."""

    def __init__(self, pool: Path, image: str) -> None:
        self._pool = pool
        mount = ["--volume", f"{pool}:/mnt/tank", "--network", "none", "--user", "0:0", "--entrypoint", "sleep"]
        self._shell = self._docker("run", "--detach", "--rm", "--init", *mount, image, "infinity").stdout.strip()

    def close(self) -> None:
        """Empty the pool and end the shell."""
        self.run("rm -rf /mnt/tank/*")
        self._docker("rm", "--force", self._shell)

    def run(self, script: str) -> str:
        """Run a script in the NAS's shell and return what it said; raise CallError when it fails."""
        done = self._docker("exec", self._shell, "sh", "-c", script, check=False)
        if done.returncode:
            raise CallError(done.stderr.strip())
        return done.stdout

    def up(self, app: str, config: dict[str, Any]) -> str:
        """Start an app as TrueNAS does: everything anew."""
        text = json.dumps(config).replace("/mnt/tank/", f"{self._pool}/")
        project = ["compose", "--project-name", f"ix-{app}", "--file", "-"]
        done = self._docker(*project, "up", "--detach", "--force-recreate", "--remove-orphans", stdin=text, check=False)
        if not done.returncode:
            return ""
        logs = self._docker("compose", "--project-name", f"ix-{app}", "logs", "--no-color", check=False).stdout
        return done.stderr + logs

    def down(self, app: str, volumes: bool = False) -> None:
        """Stop an app and remove its containers."""
        options = ["--remove-orphans", *(["--volumes"] if volumes else [])]
        self._docker("compose", "--project-name", f"ix-{app}", "down", *options)

    def containers(self, app: str) -> list[dict[str, Any]]:
        """Return an app's containers, each in the state that TrueNAS gives it."""
        label = f"label=com.docker.compose.project=ix-{app}"
        names = self._docker("ps", "--all", "--quiet", "--filter", label).stdout.split()
        found = json.loads(self._docker("inspect", *names, check=False).stdout) if names else []
        return [_detail(one) for one in found]

    def log(self, container: str, lines: int) -> list[str]:
        """Return the last lines of a container's log."""
        done = self._docker("logs", "--tail", str(lines), container, check=False)
        return (done.stdout + done.stderr).splitlines()

    def images(self) -> list[str]:
        """Return the images by digest."""
        listed = self._docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}").stdout
        return listed.split()

    def pull(self, image: str) -> None:
        """Pull an image."""
        done = self._docker("pull", "--quiet", image, check=False)
        if done.returncode:
            raise CallError(f"Failed to pull {image!r} image: {done.stderr.strip()}")

    def stat(self, path: str) -> dict[str, Any] | None:
        """Return what lies at a path of the pool."""
        try:
            size, mode, uid, gid = self.run(f"stat -c '%s %f %u %g' {path}").split()
        except CallError:
            return None
        return {"size": int(size), "mode": int(mode, 16), "uid": int(uid), "gid": int(gid)}

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder of the pool."""
        return self.run(f"ls {path}").split()

    def _docker(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done


def _detail(container: dict[str, Any]) -> dict[str, Any]:
    """Return a container as app.query shows it: what restarts counts as exited."""
    status = container["State"]
    state = _STATES.get(status["Status"], "exited")
    if state == "running" and status.get("Health", {}).get("Status", "healthy") != "healthy":
        state = "starting"
    if status["Status"] == "exited" and status["ExitCode"]:
        state = "crashed"
    ports = [
        {
            "container_port": int(port.partition("/")[0]),
            "protocol": port.partition("/")[2],
            "host_ports": [{"host_port": int(one["HostPort"]), "host_ip": one["HostIp"]} for one in bound],
        }
        for port, bound in (container["NetworkSettings"]["Ports"] or {}).items()
        if bound
    ]
    return {
        "id": container["Id"],
        "service_name": container["Config"]["Labels"]["com.docker.compose.service"],
        "image": container["Config"]["Image"],
        "state": state,
        "port_config": ports,
        "volume_mounts": [],
    }
