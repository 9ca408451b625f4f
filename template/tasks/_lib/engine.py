"""Docker's engine and builders: whether they are there, what they can do, and which one builds."""

import json
import platform as machine
from dataclasses import dataclass

from invoke.exceptions import Exit

from .console import reason, say, stop
from .failures import stop_because
from .run import ask, need, read, run

# What Python calls this machine's processor → the platform that images for it have.
_PLATFORMS = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


@dataclass(frozen=True)
class Builder:
    """A buildx builder: its name ("" is the current one), and whether it is the engine's own, which keeps images."""

    name: str
    own: bool

    @property
    def flags(self) -> list[str]:
        """The arguments that choose it."""
        return ["--builder", self.name] if self.name else []


def check() -> None:
    """Stop unless Docker is installed and its engine answers."""
    need("docker")
    done = ask(["docker", "version", "--format", "{{.Server.Version}}"])
    if done.returncode != 0:
        stop_because(done.stderr, f"Docker's engine does not answer: {done.stderr.strip()}", "run `docker version`")


def check_plugin(name: str) -> str:
    """Return the version of a Docker plugin (buildx, compose); stop when it is missing."""
    done = ask(["docker", name, "version"])
    if done.returncode != 0:
        stop(
            f"Docker has no {name}",
            f"install the docker-{name}-plugin package: https://docs.docker.com/engine/install/",
        )
    return done.stdout.strip()


def own_platform() -> str:
    """Return the platform of images for this machine."""
    return _PLATFORMS.get(machine.machine().lower(), "linux/amd64")


def keeps_several_platforms() -> bool:
    """Return whether the engine stores images in containerd, which can hold several platforms under one name."""
    return "io.containerd.snapshotter" in read(["docker", "info", "--format", "{{json .DriverStatus}}"])


def choose_builder(project: str, wanted: str | None, more: bool, image: str = "") -> Builder:
    """Return the builder to use: the one asked for, the current one, or one that is able to do `more`.

    More than an image for this engine is: several platforms, a cache for other machines. `image` is BuildKit's, for a
    builder that has to be created ("": as buildx has it).
    """
    if wanted:
        return _inspect(wanted)
    current = _inspect("")
    if not more or not current.own or keeps_several_platforms():
        return current
    # The engine's own builder makes one platform at a time here; one in a container of its own does all of that.
    name = f"{project}-builder"
    if ask(["docker", "buildx", "inspect", name]).returncode != 0:
        say(f"The engine's own builder makes one platform at a time, and only for itself; creating the builder {name}.")
        _create(name, image)
    return Builder(name, own=False)


def _create(name: str, image: str) -> None:
    """Create a builder and start it; leave nothing of one that cannot start, or the next build would take it."""
    options = "network=host" + (f",image={image}" if image else "")
    create = ["docker", "buildx", "create", "--name", name, "--driver", "docker-container", "--driver-opt", options]
    try:
        run([*create, "--bootstrap"])
    except Exit as stopped:
        ask(["docker", "buildx", "rm", "--force", name])
        stop(
            f"the builder {name} cannot start: {reason(stopped).splitlines()[0]}",
            "turn on Docker's containerd image store, which needs no builder of its own; or name an image of BuildKit "
            "that this machine can pull, as BUILDKIT_IMAGE under project.base_images; or a builder, with --builder",
        )


def _inspect(name: str) -> Builder:
    done = ask(["docker", "buildx", "inspect", *([name] if name else [])])
    if done.returncode != 0:
        names = ", ".join(sorted({str(json.loads(line)["Name"]) for line in _list()})) or "none"
        stop(
            f"there is no builder {name!r}; there are: {names}",
            "name one of these with --builder, or create it: docker buildx create --name …",
        )
    driver = next((line.split()[1] for line in done.stdout.splitlines() if line.startswith("Driver:")), "docker")
    return Builder(name, own=driver == "docker")


def _list() -> list[str]:
    done = ask(["docker", "buildx", "ls", "--format", "{{json .}}"])
    return [line for line in done.stdout.splitlines() if line.startswith("{")]
