"""Makes template/Cargo.lock.jinja out of template/Cargo.lock, so that `--locked` works whatever was chosen.

Cargo refuses a lock file that holds more than the workspace needs. So each subset of the optional components and
services is rendered, cargo prunes a copy of the full lock file for it (versions stay as they are), and what not
every subset keeps gets the smallest condition that is true for those which do.
"""

from __future__ import annotations

import itertools
import operator
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import jinja2

from tools.answers import CHECKOUT, choices, subsets
from tools.rendering import render

LOCK = CHECKOUT / "template" / "Cargo.lock"
TEMPLATE = LOCK.with_name("Cargo.lock.jinja")
# Only these questions change which crates a workspace needs.
QUESTIONS = ("components", "services")

# What cargo does not look at.
NOT_NEEDED = [
    "Cargo.lock",
    "/deploy",
    "/docs",
    "/tasks",
    "/crates/frontend/site",
    "/crates/*/tests",
    "/crates/*/migrations",
]

# One way to answer: every choice that is on, as (question, choice).
Choice = tuple[str, str]
Variant = frozenset[Choice]


def variants() -> list[Variant]:
    """List every way to answer the questions that matter, from nothing to everything."""
    offered = choices()
    each = [[[(name, choice) for choice in chosen] for chosen in subsets(offered[name])] for name in QUESTIONS]
    return [frozenset(itertools.chain(*picked)) for picked in itertools.product(*each)]


def answers(variant: Variant) -> dict[str, list[str]]:
    """Spell a variant as answers."""
    return {name: [choice for choice in choices()[name] if (name, choice) in variant] for name in QUESTIONS}


def pruned(variant: Variant, folder: Path) -> str:
    """Let cargo reduce the full lock file to what one variant needs."""
    project = render(answers(variant), folder, exclude=NOT_NEEDED)
    shutil.copy(LOCK, project / "Cargo.lock")
    command = ["cargo", "update", "--workspace", "--quiet"]
    subprocess.run(command, cwd=project, check=True)
    return (project / "Cargo.lock").read_text(encoding="utf-8")


def condition(when: set[Variant], among: Iterable[Variant]) -> str:
    """Write the smallest Jinja expression that is true for some of the variants among these, false for the others."""
    others = set(among) - when
    literals = [(choice, on) for choice in sorted(set().union(*when, *others)) for on in (True, False)]
    terms = [
        term
        for size in range(1, len(literals) // 2 + 1)
        for term in itertools.combinations(literals, size)
        if not any(_true(term, other) for other in others)
    ]
    for size in range(1, len(terms) + 1):
        for picked in itertools.combinations(terms, size):
            if all(any(_true(term, variant) for term in picked) for variant in when):
                return " or ".join(_spell(term, alone=size == 1) for term in picked)
    raise ValueError("No condition separates the variants.")


def _true(term: Iterable[tuple[Choice, bool]], variant: Variant) -> bool:
    return all((choice in variant) == on for choice, on in term)


def _spell(term: Iterable[tuple[Choice, bool]], *, alone: bool) -> str:
    tests = [f"'{choice}' {'in' if on else 'not in'} {name}" for (name, choice), on in term]
    return " and ".join(tests) if alone or len(tests) == 1 else f"({' and '.join(tests)})"


def merged(locks: dict[Variant, str]) -> str:
    """Make one template out of the lock files of all variants."""
    blocks = {variant: text.rstrip("\n").split("\n\n") for variant, text in locks.items()}
    heads = {block[0] for block in blocks.values()}
    if len(heads) != 1:
        raise ValueError("The lock files do not begin alike.")
    packages: dict[str, dict[Variant, list[str]]] = {}
    for variant, listed in blocks.items():
        for block in listed[1:]:
            lines, dependencies = _parts(block)
            packages.setdefault("\n".join(lines), {})[variant] = dependencies
    # Pruning only takes away: the variant with everything has every package, in cargo's own order.
    everything = blocks[max(blocks, key=len)][1:]
    ordered = ["\n".join(_parts(block)[0]) for block in everything]
    if set(ordered) != set(packages):
        raise ValueError("A smaller workspace has packages that the full one has not.")
    pieces = [("\n\n" + key + _dependencies(packages[key]), set(packages[key])) for key in ordered]
    return heads.pop() + _conditional(pieces, set(locks)) + "\n"


def _parts(block: str) -> tuple[list[str], list[str]]:
    """Split a package's block into its own lines and those of its dependencies."""
    own, _, dependencies = block.partition("\ndependencies = [\n")
    return own.splitlines(), dependencies.removesuffix("]").splitlines()


def _dependencies(listed: dict[Variant, list[str]]) -> str:
    """Write the dependencies of one package, each with its condition among the variants that have the package."""
    names = sorted(set(itertools.chain(*listed.values())))
    pieces = [("\n" + name, {variant for variant in listed if name in listed[variant]}) for name in names]
    if not pieces:
        return ""
    some = {variant for variant in listed if listed[variant]}
    around = "\ndependencies = [" + _conditional(pieces, some) + "\n]"
    return _conditional([(around, some)], set(listed))


def _conditional(pieces: list[tuple[str, set[Variant]]], among: set[Variant]) -> str:
    """Join pieces, each beginning with a newline, and guard those that not all variants have."""
    text = ""
    for when, group in itertools.groupby(pieces, key=operator.itemgetter(1)):
        body = "".join(piece for piece, _ in group)
        text += body if when == among else f"\n{{%- if {condition(when, among)} %}}{body}\n{{%- endif %}}"
    return text


def generate() -> str:
    """Resolve every variant and merge the results; raise ValueError when the plain lock file is stale."""
    with tempfile.TemporaryDirectory() as folder:
        locks = {variant: pruned(variant, Path(folder) / str(number)) for number, variant in enumerate(variants())}
    if locks[max(locks, key=len)] != LOCK.read_text(encoding="utf-8"):
        raise ValueError("template/Cargo.lock is stale. Run `cargo metadata` in template/ first.")
    template = merged(locks)
    for variant, text in locks.items():
        if jinja2.Template(template, keep_trailing_newline=True).render(answers(variant)) != text:
            raise ValueError(f"The merged template does not give the lock file of {answers(variant)} back.")
    return template


def main() -> None:
    """Write template/Cargo.lock.jinja."""
    if not shutil.which("cargo"):
        sys.exit("lock: cargo is missing. Install Rust from https://rustup.rs, then run this again.")
    try:
        TEMPLATE.write_text(generate(), encoding="utf-8")
    except subprocess.CalledProcessError:
        sys.exit("lock: cargo could not resolve a workspace; its reason stands above.")
    except ValueError as error:
        sys.exit(f"lock: {error}")
    print(f"Wrote {TEMPLATE.relative_to(CHECKOUT)}.")


if __name__ == "__main__":
    main()
