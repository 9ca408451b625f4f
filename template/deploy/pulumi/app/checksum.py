"""Gives pods a reason to be replaced: a checksum of settings, which changes when they do."""

import hashlib
import json
from collections.abc import Mapping


def checksum(settings: Mapping[str, str]) -> str:
    """Return the same checksum as every other way of deploying, so that moving between them replaces no pod."""
    # As Go writes it.
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()
