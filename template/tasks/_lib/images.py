"""The record of what was built: .slipway/images.json."""

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .console import stop
from .failures import find, stop_because
from .layout import platform_name
from .run import ROOT, ask, read

FOLDER = ROOT / ".slipway"
RECORD = FOLDER / "images.json"

_INSPECT = ("docker", "buildx", "imagetools", "inspect")
_ABSENT = (
    "push it first: `inv push`; or name another, with --tag or --images for `inv deploy`, "
    "with --release for `inv rollback`"
)


@dataclass
class Image:
    """One image: `digest` is that of the index over all platforms; sizes are compressed bytes.

    `commit` and `version` are those of the sources; `scanned` is when a scan found nothing in it, or empty.
    """

    repository: str
    tag: str
    digest: str
    seconds: float
    platforms: dict[str, dict[str, Any]] = field(default_factory=dict)
    commit: str = ""
    version: str = ""
    scanned: str = ""

    @property
    def reference(self) -> str:
        """The name that always means exactly this image."""
        return f"{self.repository}@{self.digest}"


def recorded(path: Path = RECORD) -> dict[str, Image]:
    """Return the images of a record; none when there is no such file. Stops when it is not a record."""
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {name: Image(**image) for name, image in document["images"].items()}
    except (ValueError, KeyError, TypeError) as error:
        stop(f"{path} is not a record of images: {error}", "make it anew: `inv build`")


def record(images: dict[str, Image]) -> None:
    """Write images to the record, beside the others that it already has."""
    FOLDER.mkdir(exist_ok=True)
    both = recorded() | images
    document = {"version": 1, "images": {name: asdict(image) for name, image in sorted(both.items())}}
    part = RECORD.with_suffix(".part")
    part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    part.replace(RECORD)


def variable(name: str, ending: str) -> str:
    """Return the variable by which the compose files or a Dockerfile name an image, such as BACKEND_IMAGE."""
    return f"{name.upper().replace('-', '_')}_{ending}"


def in_registry(reference: str) -> str | None:
    """Return the digest that a registry has under a reference, or None when it has none. Stops when it does not say."""
    done = ask_registry(reference)
    if done.returncode == 0:
        return str(json.loads(done.stdout)["digest"])
    known = find(done.stderr)
    if (known and known.name == "image-missing") or done.stderr.rstrip().endswith("not found"):
        return None
    stop_because(
        done.stderr,
        f"the registry does not say what it has under {reference}: {done.stderr.strip()}",
        "see that it answers: `inv doctor`",
    )


def tagged(repository: str, tag: str) -> Image:
    """Return the image that a registry has under a tag; stop when it has none."""
    digest = in_registry(f"{repository}:{tag}")
    if digest is None:
        stop(f"the registry has no {repository}:{tag}", "push it first: `inv push --tag …`, or name another --tag")
    return Image(repository, tag, digest, 0.0)


def commit(image: Image) -> str:
    """Return the commit that an image in a registry says it was built from; empty when it says nothing."""
    said = json.loads(read([*_INSPECT, image.reference, "--format", "{{json .Image}}"], fix=_ABSENT))
    # One of several platforms is under the platform's name.
    for one in [said] if "config" in said else said.values():
        labels = one.get("config", {}).get("Labels") or {}
        if "org.opencontainers.image.revision" in labels:
            return str(labels["org.opencontainers.image.revision"])
    return ""


def tag(image: Image, name: str) -> None:
    """Give an image that a registry has another tag."""
    read(["docker", "buildx", "imagetools", "create", "--tag", f"{image.repository}:{name}", image.reference])


def platforms(reference: str) -> dict[str, str]:
    """Return the platforms of an image that a registry has, with their digests; stop when it has none or refuses."""
    command = [*_INSPECT, reference, "--format"]
    index = json.loads(read([*command, "{{json .Manifest}}"], fix=_ABSENT))
    parts = [(entry["platform"], entry["digest"]) for entry in index.get("manifests", ()) if "platform" in entry]
    # What has no index is for one platform, which only its configuration tells.
    found = parts or [(json.loads(read([*command, "{{json .Image}}"])), index["digest"])]
    return {platform_name(one): digest for one, digest in found if one["os"] != "unknown"}


def is_in_registry(reference: str) -> bool:
    """Return whether a registry has a reference; one that refuses or cannot be reached has not."""
    return ask_registry(reference).returncode == 0


def check_reach(repository: str) -> None:
    """Stop when the registry of a repository cannot be reached. Whether it lets one push, only pushing tells."""
    known = find(ask_registry(repository).stderr)
    if known and known.name == "unreachable":
        stop(known.cause, known.fix)


def ask_registry(reference: str) -> subprocess.CompletedProcess[str]:
    """Ask a registry for what it has under a reference."""
    return ask([*_INSPECT, reference, "--format", "{{json .Manifest}}"])


def in_engine(reference: str, context: str = "") -> str | None:
    """Return the id of an image that a context's engine (default: the current one) has under a reference, or None."""
    where = ["--context", context] if context else []
    done = ask(["docker", *where, "image", "inspect", reference, "--format", "{{.Id}}"])
    return done.stdout.strip() if done.returncode == 0 else None
