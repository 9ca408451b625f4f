"""The sets of answers that promises are held against: presets, and pairs of choices; a proof takes all of a stack's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tools.answers import choices, pairwise, preset, preset_names, subsets

_PRESETS = {name: preset(name) for name in preset_names()}
_PAIRS = {
    "-".join(itertools.chain(["pair"], *answers.values())): answers
    for answers in pairwise()
    if answers not in _PRESETS.values()
}
_NAMED = _PRESETS | _PAIRS

every_set = pytest.mark.parametrize("answers", _NAMED.values(), ids=_NAMED.keys())


def _stacks() -> Iterator[Any]:
    """Yield every subset of components and services, with every way that has a compose file; proof: beyond pairs."""
    offered = choices()
    ways = [way for way in ("compose", "truenas") if way in offered["deploy"]]
    few = pairwise({question: offered[question] for question in ("components", "services")})
    for components, services in itertools.product(subsets(offered["components"]), subsets(offered["services"])):
        chosen = {"components": components, "services": services}
        marks = [] if chosen in few else [pytest.mark.proof]
        yield pytest.param(chosen | {"deploy": ways}, id="-".join(["backend", *components, *services]), marks=marks)


every_stack = pytest.mark.parametrize("answers", list(_stacks()))
