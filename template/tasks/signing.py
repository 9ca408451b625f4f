"""What is said of an image beside it in the registry: what is in it, where it comes from, and who vouches for that."""

import json
import tempfile
from pathlib import Path

from invoke import Context, task

from ._lib import cosign, images, provenance, verification
from ._lib.console import say, stop
from ._lib.images import Image
from ._lib.layout import slug
from ._lib.project import load
from ._lib.run import need, read

_BILLS = images.FOLDER / "sbom"


@task(auto_shortflags=False)
def sbom(_context: Context) -> None:
    """Write a bill of materials of each pushed image and platform, in CycloneDX's form, to .slipway/sbom."""
    need("syft")
    _BILLS.mkdir(parents=True, exist_ok=True)
    for name, image in _built().items():
        for platform, digest in images.platforms(image.reference).items():
            bill = _bill(name, platform)
            source = [f"registry:{image.reference}", "--platform", platform]
            # By its digest a bill is known to be that of this image.
            called = ["--source-name", image.repository, "--source-version", digest]
            read(["syft", "scan", "--quiet", *source, *called, "--output", f"cyclonedx-json={bill}"])
            parts = len(json.loads(bill.read_text(encoding="utf-8")).get("components", ()))
            say(f"  {name} {platform}: {parts} parts, {bill.relative_to(images.FOLDER.parent)}")
    say("\nNext: `inv sign`")


@task(auto_shortflags=False, help={"key": "the file of a private key (default: COSIGN_PRIVATE_KEY, or the workflow)"})
def sign(_context: Context, key: str = "") -> None:
    """Sign the pushed images, with their bills of materials and where they come from."""
    cosign.check()
    by = cosign.credentials(key, load().signer)
    built = _built()
    bills = {name: _bills(name, image) for name, image in built.items()}
    for name, image in built.items():
        if not image.commit or image.commit == "unknown" or image.commit.endswith("-dirty"):
            stop(f"{name} was not built from a commit", "commit, and build and push again: `inv build --push`")
    for name, image in built.items():
        with tempfile.TemporaryDirectory() as folder:
            statement = Path(folder) / "provenance.json"
            statement.write_text(json.dumps(provenance.state(image)), encoding="utf-8")
            for bill in bills[name]:
                cosign.attest(image.reference, verification.BILL, bill, by)
            cosign.attest(image.reference, provenance.KIND, statement, by)
        # Last: what is signed is described.
        cosign.sign(image.reference, by)
        say(f"  {name}: {image.reference} is signed")
    say("\nSigned. Next: `inv verify`")


@task(auto_shortflags=False, help={"tag": "a pushed tag, instead of what was built last"})
def verify(_context: Context, tag: str = "") -> None:
    """Check that images are signed and described, come from what their tag says, and are what they say they are."""
    project = load()
    wanted = {name: images.tagged(project.repository(name), tag) for name in project.images} if tag else _built()
    verification.verify(wanted)
    say("\nAll of it may be trusted. Next: `inv deploy --plan`")


def _built() -> dict[str, Image]:
    """Return the images that were built last; stop when there are none."""
    built = images.recorded()
    if not built:
        stop("nothing has been built yet", "build and push first: `inv build --push`")
    return built


def _bill(name: str, platform: str) -> Path:
    return _BILLS / f"{name}-{slug(platform)}.cdx.json"


def _bills(name: str, image: Image) -> list[Path]:
    """Return the bills of an image's platforms; stop when one is missing, or of another image."""
    found = []
    for platform, digest in images.platforms(image.reference).items():
        bill = _bill(name, platform)
        if not bill.is_file() or json.loads(bill.read_text())["metadata"]["component"]["version"] != digest:
            stop(f"there is no bill of materials of {name} for {platform}", "make them: `inv sbom`")
        found.append(bill)
    return found
