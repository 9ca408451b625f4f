"""The sets of answers that every promise is held against: all presets, and pairs of all choices."""

from __future__ import annotations

import pytest

from tools.answers import pairwise, preset, preset_names

_NAMED = {name: preset(name) for name in preset_names()} | {
    "-".join(sum((names for names in answers.values()), ["pair"])): answers for answers in pairwise()
}

every_set = pytest.mark.parametrize("answers", _NAMED.values(), ids=_NAMED.keys())
