"""The releases that an app remembers: under `x-releases` in the YAML that TrueNAS stores for it."""

import base64
import json
import zlib
from typing import Any

import yaml

from ..console import stop
from ..releases import Release

KEY = "x-releases"
_KEPT = 10


def read(config: dict[str, Any]) -> list[Release]:
    """Return the releases of a stored configuration, oldest first.

    The newest one's objects are the configuration itself, with whatever somebody changed there by hand.
    """
    if KEY not in config:
        return []
    try:
        kept = json.loads(zlib.decompress(base64.b64decode(config[KEY]["records"])))
        found = [Release.recorded(one) for one in kept[:-1]]
        return [*found, Release.recorded({**kept[-1], "objects": objects(config)})]
    except (KeyError, TypeError, ValueError, IndexError, zlib.error):
        stop(
            f"the app's {KEY} cannot be read: somebody edited it",
            f"remove {KEY} from its YAML (Apps → the app → Edit); its former releases are lost then",
        )


def objects(config: dict[str, Any]) -> dict[str, Any]:
    """Return a stored configuration without the releases."""
    return {name: value for name, value in config.items() if name != KEY}


def write(releases: list[Release]) -> str:
    """Return the YAML for the newest of some releases, which remembers the last ten.

    The records are packed, because a message to TrueNAS is at most 64 KiB; readable lines stand beside them.
    """
    kept = releases[-_KEPT:]
    records = [one.record() for one in kept]
    newest = records[-1].pop("objects")
    packed = zlib.compress(json.dumps(records, separators=(",", ":")).encode(), level=9)
    # Compose puts variables in the place of a $, here too.
    lines = [f"{one.number}: {one.time}, {one.code[:12]}, {one.author}".replace("$", "") for one in kept]
    memory = {"readable": lines, "records": base64.b64encode(packed).decode()}
    document = {**newest, KEY: memory}
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10**6)
