"""Decides whether an image may be trusted: signed, described, made from what its tag says, and what it says it is."""

import tempfile
from pathlib import Path

from . import cosign, images, proof, provenance
from .console import say, stop
from .images import Image
from .layout import Layout
from .project import Signer, load

# cosign's name for a bill of materials in CycloneDX's form.
BILL = "cyclonedx"


def signer() -> Signer:
    """Return who may sign; stop when invoke.yaml does not say so."""
    found = load().signer
    if found is None:
        stop("invoke.yaml does not say who may sign images", "name a key or a workflow under `signing:`")
    return found


def verify(wanted: dict[str, Image]) -> None:
    """Stop at the first image that may not be trusted, with the reason."""
    who = signer()
    cosign.check()
    for name, image in wanted.items():
        _in_place(image)
        cosign.verify(image.reference, who)
        parts = images.platforms(image.reference)
        _described(image, parts, who)
        stated = _provenance(image, who)
        if name in load().binaries:
            with tempfile.TemporaryDirectory() as folder:
                cosign.save(image.reference, Path(folder))
                proof.prove(name, Layout.of_folder(Path(folder)), list(parts), None)
        say(f"  {name}: {image.digest}, signed by {who}, of commit {stated.commit[:12]}, built by {stated.builder}")


def _in_place(image: Image) -> None:
    """Stop unless the registry has an image, and under its tag still that one."""
    tagged = f"{image.repository}:{image.tag}"
    found = images.in_registry(tagged)
    if found is None:
        stop(f"the registry has no {tagged}", "push it first: `inv push`")
    if found != image.digest:
        stop(
            f"{tagged} was {image.digest}, and is {found} now",
            "find out who moved the tag; name the one that you mean with --images or --tag",
        )


def _described(image: Image, parts: dict[str, str], who: Signer) -> None:
    """Stop unless each platform's image has a bill of materials."""
    described = {bill["metadata"]["component"]["version"] for bill in cosign.statements(image.reference, BILL, who)}
    lacking = [platform for platform, digest in parts.items() if digest not in described]
    if lacking:
        stop(
            f"{image.reference} has no signed bill of materials for {', '.join(lacking)}",
            "make it, and sign again: `inv sbom`, `inv sign`",
        )


def _provenance(image: Image, who: Signer) -> provenance.Stated:
    """Return where an image comes from; stop when nothing signed says so, or it does not fit the image's name."""
    statements = cosign.statements(image.reference, provenance.KIND, who)
    if not statements:
        stop(f"{image.reference} has no signed provenance", "sign it again: `inv sign`")
    stated = provenance.Stated.of(statements[-1])
    if stated.repository != image.repository:
        stop(f"{image.reference} was made as {stated.repository}", "find out who put it there")
    if not stated.fits(image.tag):
        stop(
            f"{image.repository}:{image.tag} is an image of commit {stated.commit[:12]}, version {stated.version}",
            "find out who moved the tag; name the one that you mean with --images or --tag",
        )
    return stated
