"""What `inv doctor` finds: one line each, and a fix where something is missing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `fix` is empty when all is well; only what is `needed` makes doctor fail."""

    subject: str
    found: str
    fix: str = ""
    needed: bool = True
