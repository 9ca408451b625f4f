"""Proves that an image holds, for each platform, a static program of that platform that starts."""

from . import elf
from .console import say, stop
from .failures import stop_because
from .layout import Layout, Part
from .run import ask, try_again

# `docker run` ends with it when the engine made no container, so that no program was even tried. A busy machine's does
# that now and then: https://docs.docker.com/engine/containers/run/#exit-status
_NO_CONTAINER = 125
_TRIES = 3


def prove(binary: str, layout: Layout, platforms: list[str], reference: str | None) -> dict[str, Part]:
    """Return the parts of an image by platform; stop at the first that is not what it says.

    `reference` names the image in the engine, to start its program there; None when the engine does not have it.
    """
    parts = {part.platform: part for part in layout.parts()}
    missing = sorted(set(platforms) - set(parts))
    if missing:
        stop(f"{binary} has no image for {', '.join(missing)}", "run `inv build` again; its log names each platform")
    for platform in platforms:
        program = layout.file(parts[platform], f"usr/local/bin/{binary}")
        size = parts[platform].size_bytes / 1e6
        say(f"  {binary} {platform}: {_check(binary, platform, program, reference)}, {size:.1f} MB")
    return parts


def _check(binary: str, platform: str, program: bytes | None, reference: str | None) -> str:
    where = f"{binary} for {platform}"
    look = "look at the Dockerfile's `pick` stage: it copies what was compiled for TARGETPLATFORM"
    if program is None:
        stop(f"{where} has no /usr/local/bin/{binary}", look)
    try:
        found, static = elf.describe(program)
    except ValueError as error:
        stop(f"{where}: /usr/local/bin/{binary} is {error}", look)
    if found != platform:
        stop(f"{where} holds a program for {found}", look)
    if not static:
        stop(
            f"{where} is not linked statically",
            "keep `-C target-feature=+crt-static` in the Dockerfile: the image has no C library",
        )
    return _start(where, platform, reference) if reference else "static, not started (it is not in the engine)"


def _start(where: str, platform: str, reference: str) -> str:
    command = ["docker", "run", "--rm", "--network", "none", "--platform", platform, reference, "--version"]
    for attempt in range(1, _TRIES + 1):
        done = ask(command)
        said = (done.stderr or done.stdout).strip()
        if done.returncode == 0:
            return f"static, answers {done.stdout.strip()!r}"
        if "exec format error" in done.stderr:
            return "static, not started (this machine does not emulate it: see docs/image.md)"
        if done.returncode != _NO_CONTAINER:
            stop(f"{where} does not start: {said}", f"try it: {' '.join(command)}")
        if attempt < _TRIES:
            try_again(f"{where}: the engine made no container ({said})", attempt)
    stop_because(said, f"the engine makes no container of {where}: {said}", f"try it: {' '.join(command)}")
