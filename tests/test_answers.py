"""Promise: the sets of answers that tests use cover what copier.yml offers, and cannot drift from it."""

from __future__ import annotations

import itertools

import pytest
from jsonschema import Draft202012Validator

from tools.answers import NEEDS, choices, pairwise, possible, preset, preset_names, questions, subsets
from tools.questions import schema


def test_pairwise_covers_every_two_switches() -> None:
    options = {"one": ["a", "b"], "two": ["c"], "three": ["d", "e"]}
    sets = pairwise(options)
    names = [(question, name) for question, listed in options.items() for name in listed]
    for first, second in itertools.combinations(names, 2):
        seen = {(first[1] in answers[first[0]], second[1] in answers[second[0]]) for answers in sets}
        assert len(seen) == 4, (first, second)
    assert len(sets) < 2 ** len(names)


def test_pairwise_follows_copier_yml() -> None:
    shown = {(question, name) for answers in pairwise() for question in answers for name in answers[question]}
    assert shown == {(question, name) for question, names in choices().items() for name in names}


def test_pairwise_shows_no_choice_without_what_it_needs() -> None:
    assert all(possible(answers) for answers in pairwise())
    for name, needed in NEEDS.items():
        (question, choice), (other, wanted) = name.split("."), needed.split(".")
        assert not possible({question: [choice], other: []} if question != other else {question: [choice]})
        assert possible({question: [choice], other: [wanted]} if question != other else {question: [choice, wanted]})


def test_subsets() -> None:
    assert subsets(["a", "b"]) == [[], ["a"], ["b"], ["a", "b"]]


def test_presets_answer_only_what_is_asked() -> None:
    for name in preset_names():
        assert preset(name).keys() <= questions().keys(), name


def test_the_full_preset_chooses_everything() -> None:
    assert {question: preset("full")[question] for question in choices()} == choices()


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no preset 'fulll'. Presets: default, full, minimal"):
        preset("fulll")


def test_the_schema_of_answers() -> None:
    judge = Draft202012Validator(schema())
    for name in preset_names():
        assert list(judge.iter_errors({**preset(name), "_commit": "v1.0.0"})) == []
    for wrong in ({"components": ["kafka"]}, {"databse": "x"}, {"registry": 5}, {"services": ["redis", "redis"]}):
        assert list(judge.iter_errors(wrong)) != [], wrong
