"""What can be answered: presets, the choices copier.yml offers, and sets of answers that cover them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent

Answers = dict[str, Any]

# Choices that a validator refuses without another one.
NEEDS = {"deploy.truenas": "deploy.compose"}


def preset_names() -> list[str]:
    """Name every file in presets/."""
    return sorted(path.stem for path in (CHECKOUT / "presets").glob("*.yaml"))


def preset(name: str) -> Answers:
    """Read the answers of one preset; raise ValueError with the names there are."""
    path = CHECKOUT / "presets" / f"{name}.yaml"
    if not path.is_file():
        raise ValueError(f"There is no preset {name!r}. Presets: {', '.join(preset_names())}.")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["data"])


def questions() -> dict[str, dict[str, Any]]:
    """Read the questions of copier.yml, without its settings."""
    document = yaml.safe_load((CHECKOUT / "copier.yml").read_text(encoding="utf-8"))
    return {name: details for name, details in document.items() if not name.startswith("_")}


def choices() -> dict[str, list[str]]:
    """List the choices of every multi-select question."""
    return {
        name: list(details["choices"].values()) for name, details in questions().items() if details.get("multiselect")
    }


def subsets(items: list[str]) -> list[list[str]]:
    """List every subset, from none to all, each in the order of the items."""
    return [list(chosen) for size in range(len(items) + 1) for chosen in itertools.combinations(items, size)]


def pairwise(options: Mapping[str, list[str]] | None = None) -> list[Answers]:
    """Choose few sets of answers in which every two choices meet on/on, on/off, off/on and off/off, where they can.

    Greedy: take the set that covers most of what is still uncovered. The order is fixed, so are the sets.
    """
    options = choices() if options is None else options
    products = itertools.product(*map(subsets, options.values()))
    candidates = [dict(zip(options, picked, strict=True)) for picked in products]
    candidates = [candidate for candidate in candidates if possible(candidate)]
    uncovered = set().union(*(_pairs(options, candidate) for candidate in candidates))
    sets: list[Answers] = []
    while uncovered:
        best = max(candidates, key=lambda candidate: len(uncovered & _pairs(options, candidate)))
        uncovered -= _pairs(options, best)
        sets.append(best)
    return sets


def possible(answers: Answers) -> bool:
    """Say whether every choice of some answers has the one that it needs."""
    chosen = {f"{question}.{name}" for question, names in answers.items() for name in names}
    return all(needed in chosen for name, needed in NEEDS.items() if name in chosen)


def _pairs(options: Mapping[str, list[str]], answers: Answers) -> set[frozenset[tuple[str, bool]]]:
    """Say which pairs of switched choices one set of answers shows."""
    return {frozenset(pair) for pair in itertools.combinations(_switches(options, answers), 2)}


def _switches(options: Mapping[str, list[str]], answers: Answers) -> Iterator[tuple[str, bool]]:
    """Turn answers into one switch, on or off, for each choice."""
    for question, names in options.items():
        for name in names:
            yield f"{question}.{name}", name in answers[question]
