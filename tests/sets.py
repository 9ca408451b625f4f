"""The sets of answers that every promise is held against: all presets, and pairs of all choices."""

from __future__ import annotations

import itertools

import pytest

from tools.answers import pairwise, preset, preset_names

_PRESETS = {name: preset(name) for name in preset_names()}
_PAIRS = {
    "-".join(itertools.chain(["pair"], *answers.values())): answers
    for answers in pairwise()
    if answers not in _PRESETS.values()
}
_NAMED = _PRESETS | _PAIRS

every_set = pytest.mark.parametrize("answers", _NAMED.values(), ids=_NAMED.keys())
