"""Signs what lies in a registry and reads signatures back, by cosign: with a key, or as the workflow that runs."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

from .console import stop
from .project import Signer
from .run import ask, need, read

# Where a key signs, nothing is published: signatures need no network but the registry.
_PRIVATE = ["--tlog-upload=false"]
_FIX = "see that the key and its password belong together, and that this account may push: `inv login`"


def check() -> None:
    """Stop unless cosign is here, and of the version whose signatures these tasks write and read."""
    need("cosign")
    said = re.search(r"GitVersion:\s+v(\d+)", ask(["cosign", "version"]).stdout)
    # A distribution's own build says no version.
    if said and said[1] != "2":
        stop(f"this is cosign {said[1]}, which keeps signatures in another form", "install cosign 2.6")


def credentials(key: str, signer: Signer | None) -> list[str]:
    """Return the flags by which cosign signs; stop when there is nothing to sign with, or not what `signer` needs.

    A key is a file, or in COSIGN_PRIVATE_KEY; its password is in COSIGN_PASSWORD. Without a key, a workflow signs with
    the identity that GitHub gives it.
    """
    given = bool(key or os.environ.get("COSIGN_PRIVATE_KEY"))
    if signer and signer.key and not given:
        # What a workflow signs by itself is published, and for good.
        stop(
            f"`signing:` in invoke.yaml wants the key of {signer.key}, and none is given",
            "name its private half: `inv sign --key FILE`, or set COSIGN_PRIVATE_KEY and COSIGN_PASSWORD",
        )
    if signer and signer.identity and given:
        stop(
            f"`signing:` in invoke.yaml wants {signer.identity} to sign, and not a key",
            "unset COSIGN_PRIVATE_KEY and leave --key out, or correct `signing:`",
        )
    if given:
        if "COSIGN_PASSWORD" not in os.environ:
            stop("the key's password is not known", "set COSIGN_PASSWORD; empty if it has none")
        return ["--key", key or "env://COSIGN_PRIVATE_KEY", *_PRIVATE]
    if "ACTIONS_ID_TOKEN_REQUEST_TOKEN" in os.environ:
        return []
    stop(
        "there is nothing to sign with",
        "name a key: `inv sign --key FILE` (`cosign generate-key-pair` makes one), or set COSIGN_PRIVATE_KEY",
    )


def sign(reference: str, by: list[str]) -> None:
    """Sign an image."""
    read(["cosign", "sign", "--yes", *by, reference], fix=_FIX)


def attest(reference: str, kind: str, predicate: Path, by: list[str]) -> None:
    """Attach a signed statement about an image: `kind` is cosign's name for what it says."""
    read(["cosign", "attest", "--yes", *by, "--type", kind, "--predicate", str(predicate), reference], fix=_FIX)


def verify(reference: str, signer: Signer) -> None:
    """Stop unless an image is signed by who may."""
    done = ask(["cosign", "verify", *_trusting(signer), "--output", "json", reference])
    if done.returncode == 0:
        return
    if "no signatures found" in done.stderr:
        stop(f"{reference} is not signed", "deploy one that is, or sign it: `inv sbom`, `inv sign`")
    if "no matching signatures" in done.stderr:
        stop(
            f"{reference} is not signed by {signer}",
            "find out who pushed it, before you trust it; `signing:` in invoke.yaml says who may sign",
        )
    stop(f"{reference}: {done.stderr.strip()}", "see that the registry answers: `inv doctor`")


def statements(reference: str, kind: str, signer: Signer) -> list[dict[str, Any]]:
    """Return the statements of a kind about an image that were signed by who may sign; none when there is none."""
    done = ask(["cosign", "verify-attestation", *_trusting(signer), "--type", kind, reference])
    if done.returncode != 0:
        return []
    found = [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in done.stdout.splitlines() if line]
    return [one["predicate"] for one in found]


def save(reference: str, folder: Path) -> None:
    """Put an image, for every platform, into a folder as an OCI layout."""
    read(["cosign", "save", "--dir", str(folder), reference], fix="see that the registry answers: `inv doctor`")


def _trusting(signer: Signer) -> list[str]:
    if signer.key:
        return ["--key", signer.key, "--insecure-ignore-tlog=true"]
    return ["--certificate-identity", signer.identity, "--certificate-oidc-issuer", signer.issuer]
