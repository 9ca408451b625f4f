"""Secrets as files on the machine that uses them: what there must be, what is missing, and making it."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from . import compose, stacks
from .console import say, stop
from .forms import fill
from .run import ROOT
from .target import Target

# A folder that is not there has none; one that cannot be looked into may have them all.
_LIST = """cd "$1" 2>/dev/null || {
    said=$(LC_ALL=C ls -d "$1/." 2>&1 >/dev/null)
    case $said in *"No such file"*) exit 0 ;; esac
    echo "$said" >&2; exit 1
}
ls >/dev/null && for f in *; do [ ! -s "$f" ] || echo "$f"; done
"""
# In its place, never by another file of its name: a container would go on seeing the one before. The value is written
# over the old one and the rest cut off, so that nobody finds the file empty.
_REWRITE = 'cd "$1" && chmod u+w "$2" && cat 1<> "$2" && truncate -s "$3" "$2" && chmod 0444 "$2"'
# The folder keeps others out. The files are readable, because a container's user is none of the host's and a
# bind-mounted file keeps its mode. A file comes whole or not at all: one that is cut off, by a full disk or a lost
# connection, would be taken for the secret. `ln` never overwrites; a file that is empty is none.
_WRITE = """umask 077 && mkdir -p "$1" && cd "$1" || exit
part=.$2.$$ && trap 'rm -f "$part"' EXIT && cat > "$part" || exit
[ "$(wc -c < "$part")" -eq "$3" ] || { echo "it came cut off" >&2; exit 1; }
chmod 0444 "$part" && { [ -s "$2" ] || rm -f "$2"; } && ln "$part" "$2"
"""


class _Loader(yaml.SafeLoader):
    """Reads compose files, whose own tags, such as !reset, say nothing about secrets."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def wanted(overlays: Sequence[str] = ()) -> dict[str, str | None]:
    """Return the secrets that the compose files name, with some overlays: each with its form, None for a random one."""
    found: dict[str, str | None] = {}
    for document in _documents(overlays):
        found |= {name: secret.get("x-value") for name, secret in (document.get("secrets") or {}).items()}
    return found


def _documents(overlays: Sequence[str]) -> Iterator[dict[str, Any]]:
    for file in (compose.BASE, *map(compose.overlay, overlays)):
        # The loader is a safe one.
        yield yaml.load((ROOT / file).read_text(encoding="utf-8"), _Loader)  # noqa: S506


def _services(overlays: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """Return the services of the compose files, each with all of its secrets and volumes."""
    found: dict[str, dict[str, list[Any]]] = {}
    for document in _documents(overlays):
        for name, service in (document.get("services") or {}).items():
            for kind, entries in found.setdefault(name, {"secrets": [], "volumes": []}).items():
                entries += (service or {}).get(kind) or ()
    return found


def missing(target: Target, folder: str, overlays: Sequence[str] = ()) -> list[str]:
    """Return the names of wanted secrets that a folder does not have, or has empty."""
    done = target.shell(_LIST, folder)
    if done.returncode != 0:
        stop(f"the secrets in {folder} cannot be read: {done.stderr.strip()}", "see that whoever deploys may read them")
    there = set(done.stdout.split())
    return [name for name in wanted(overlays) if name not in there]


def lost(
    lacking: Iterable[str], docker: list[str], project: str, overlays: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return those of some missing secrets that a compose project's data was made with, and the volumes of that data.

    `docker` is the start of every command for the engine. What is made out of others is none of them.
    """
    forms = wanted(overlays)
    random = [name for name in lacking if forms[name] is None]
    start = f"{project}_"
    held = [name.removeprefix(start) for name in (stacks.volumes(docker, project) if random else ())]
    names, volumes = made_with(random, _services(overlays), held)
    return names, [start + volume for volume in volumes]


def made_with(names: Collection[str], services: Mapping[str, Any], held: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return those of some secrets that data was made with, and this data, out of the places that hold some.

    It is what a service with the secret keeps for itself: the files that several services share know no password.
    `services` are as the compose files have them, or as compose resolves them.
    """
    pairs = []
    for place in held:
        users = [one for one in services.values() if place in map(_source, one.get("volumes") or ())]
        if len(users) == 1:
            pairs += [(name, place) for name in map(_source, users[0].get("secrets") or ()) if name in names]
    return sorted({name for name, _ in pairs}), sorted({place for _, place in pairs})


def _source(entry: str | dict[str, Any]) -> str:
    """Return what a service's volume or secret is of, in the short form or the long one."""
    return entry.partition(":")[0] if isinstance(entry, str) else str(entry.get("source"))


def make(target: Target, folder: str, overlays: Sequence[str] = ()) -> list[str]:
    """Make the missing secrets in a folder and return their names. What is there is kept."""
    lacking = missing(target, folder, overlays)
    forms = wanted(overlays)
    values = {name: secrets.token_urlsafe(32) for name in lacking if forms[name] is None}
    for name in lacking:
        form = forms[name]
        _write(target, folder, name, values[name] if form is None else fill(form, _Known(target, folder, values)))
    return lacking


def made_of(name: str, overlays: Sequence[str] = ()) -> list[str]:
    """Return the secrets whose form uses another one."""
    return [other for other, form in wanted(overlays).items() if form and f"{{{name}}}" in form]


def derived(
    target: Target, folder: str, names: Iterable[str], values: dict[str, str], overlays: Sequence[str] = ()
) -> dict[str, str]:
    """Return what secrets become by their forms, out of new values and those that the folder has."""
    forms = wanted(overlays)
    return {name: fill(forms[name] or "", _Known(target, folder, values)) for name in names}


def read(target: Target, folder: str, names: Iterable[str]) -> dict[str, str]:
    """Return what secrets are now."""
    known = _Known(target, folder, {})
    return {name: known[name] for name in names}


def rewrite(target: Target, folder: str, values: dict[str, str]) -> None:
    """Give existing secrets new values, in the same files."""
    for name, value in values.items():
        done = target.shell(_REWRITE, folder, name, str(len(value.encode())), stdin=value)
        if done.returncode != 0:
            stop(f"cannot write the secret {name} in {folder}: {done.stderr.strip()}", "see that the folder is yours")


class _Known(dict[str, str]):
    """The values a form may use: those just made, and those that the folder has."""

    def __init__(self, target: Target, folder: str, values: dict[str, str]) -> None:
        super().__init__(values)
        self._target, self._folder = target, folder

    def __missing__(self, name: str) -> str:
        done = self._target.shell('cat "$1"', f"{self._folder}/{name}")
        if done.returncode != 0:
            stop(
                f"the secret {name} cannot be read: {done.stderr.strip()}",
                "look at the folder that `secrets:` in invoke.yaml names",
            )
        return done.stdout.strip()


def _write(target: Target, folder: str, name: str, value: str) -> None:
    done = target.shell(_WRITE, folder, name, str(len(value.encode())), stdin=value)
    if done.returncode != 0:
        stop(
            f"cannot write the secret {name} in {folder}: {done.stderr.strip()}",
            "see that the folder is yours and writable",
        )
    say(f"  {folder}/{name}")
