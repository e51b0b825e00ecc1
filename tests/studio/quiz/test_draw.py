"""An attempt is a function of its seed, balanced over topics, and opaque to those who look at it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ridgeway
from ridgeway.errors import InputError
from ridgeway.studio.quiz import DrawnQuestion, draw, draw_question, load_bank
from ridgeway.studio.quiz.chance import Chance
from ridgeway.studio.quiz.text import inline

SEEDS = st.integers(0, 2**63 - 1)
BANK = load_bank()
SOURCE = str(Path(ridgeway.__file__).parent.parent)


def said(questions: tuple[DrawnQuestion, ...]) -> str:
    return json.dumps([[one.id, dataclasses.asdict(one.shown("ko")), one.wrong] for one in questions])


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_same_seed_gives_the_same_attempt(seed: int) -> None:
    first, second = draw(BANK, seed), draw(BANK, seed)
    assert said(first) == said(second)
    again = tuple(draw_question(BANK, seed, one.id) for one in first)
    assert said(first) == said(again)


def test_other_processes_draw_the_same() -> None:
    """Whatever the process's seed of hashes; and the numbers written here hold for all versions of Python."""
    code = (
        "from ridgeway.studio.quiz import *; b = load_bank();"
        "print([(d.id, [o for o, _ in d.shown('ko').options]) for d in draw(b, 7)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": SOURCE, "PYTHONHASHSEED": value},
        ).stdout
        for value in ("1", "2")
    }
    assert len(outputs) == 1
    chance = Chance("a", 1)
    assert [chance.below(1000) for _ in range(4)] == [476, 554, 491, 929]
    assert Chance("b").shuffled(range(6)) == [1, 0, 3, 5, 2, 4]


def test_seeds_differ() -> None:
    assert len({said(draw(BANK, seed)) for seed in range(30)}) == 30


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 60))
def test_topics_and_alternatives(seed: int, count: int) -> None:
    drawn = draw(BANK, seed, count)
    assert len({one.id for one in drawn}) == len(drawn) == count
    topics = Counter(one.topic for one in drawn)
    counts = [topics[topic] for topic in BANK.topics]
    if count <= 22:
        assert max(counts) - min(counts) <= 1
    if count <= 33:
        shared = Counter(word for one in drawn for word in one.question.alternatives)
        assert all(number == 1 for number in shared.values())


def test_the_whole_bank_can_be_drawn() -> None:
    drawn = draw(BANK, 3, len(BANK.questions))
    assert {one.id for one in drawn} == set(BANK.questions)


@pytest.mark.parametrize("count", [0, -1, 1000])
def test_other_counts_are_refused(count: int) -> None:
    with pytest.raises(InputError, match="questions can't be drawn"):
        draw(BANK, 1, count)


def test_every_question_comes_up() -> None:
    seen = Counter(one.id for seed in range(200) for one in draw(BANK, seed))
    assert set(seen) == set(BANK.questions)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(sorted(BANK.questions)))
def test_what_is_shown_is_a_permutation_and_tells_nothing(seed: int, question_id: str) -> None:
    drawn = draw_question(BANK, seed, question_id)
    other = draw_question(BANK, seed + 1, question_id)
    shown = drawn.shown("ko")
    ids = [one for one, _ in (*shown.options, *shown.tokens, *shown.left)]
    assert len(set(ids)) == len(ids)
    assert {drawn.keys[one] for one, _ in (*shown.options, *shown.tokens)} == set(drawn.order)
    # Nobody learns from one attempt what an id of another stands for.
    elsewhere = other.shown("ko")
    assert set(ids).isdisjoint(one for one, _ in (*elsewhere.options, *elsewhere.tokens, *elsewhere.left))
    # Both languages show the same ids in the same order: the language may be switched in mid-attempt.
    english = drawn.shown("en")
    assert [one for one, _ in (*english.options, *english.tokens, *english.left)] == ids


def strings(thing: Any) -> list[str]:
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, dict):
        return [text for key, value in thing.items() for text in (key, *strings(value))]
    if isinstance(thing, list | tuple):
        return [text for value in thing for text in strings(value)]
    return []


def longest_piece(text: str) -> str:
    """What stands between two numbers, as HTML shows it."""
    return max((str(inline(piece)) for piece in re.split(r"\{[^}]*\}|\n", text)), key=len)


FIELDS = {
    "kind", "text", "note", "options", "left", "code", "tokens", "unit", "figure",
    "svg", "table", "table_html", "caption", "columns", "rows", "gap",
}  # fmt: skip


@pytest.mark.parametrize("question_id", sorted(BANK.questions))
def test_nothing_of_the_key_is_shown(question_id: str) -> None:
    question = BANK.question(question_id)
    secret = [question.explanation.ko, question.explanation.en]
    for part in [*getattr(question, "options", ()), *getattr(question, "wrong", ()), *getattr(question, "tokens", ()),
                 *getattr(question, "pairs", ()), *getattr(question, "distractors", ())]:  # fmt: skip
        if part.misconception:
            secret += [part.misconception.ko, part.misconception.en]
    for seed in (1, 2, 3):
        drawn = draw_question(BANK, seed, question_id)
        for lang in ("ko", "en"):
            shown = dataclasses.asdict(drawn.shown(lang))
            keys = _keys(shown)
            assert set(keys) <= FIELDS
            everything = "\n".join(strings(shown))
            assert not any(longest_piece(text) in everything for text in secret)
            if drawn.kind == "number":
                # The text is made of what was drawn alone.
                blind = dataclasses.replace(
                    drawn, values={name: drawn.values[name] for name in question.parameters}, wrong=()
                )
                assert dataclasses.asdict(blind.shown(lang)) == shown


def _keys(thing: Any) -> list[str]:
    if isinstance(thing, dict):
        return [*thing, *(key for value in thing.values() for key in _keys(value))]
    if isinstance(thing, list | tuple):
        return [key for value in thing for key in _keys(value)]
    return []


def test_the_right_option_stands_everywhere() -> None:
    """Over seeds no place is favoured: with four options each holds the right one about a quarter of the time."""
    places: Counter[int] = Counter()
    for question in BANK.questions.values():
        if question.kind == "single" and len(question.options) == 4:
            for seed in range(40):
                drawn = draw_question(BANK, seed, question.id)
                (key,) = drawn.right
                places[drawn.order.index(key)] += 1
    total = sum(places.values())
    assert all(abs(places[place] / total - 0.25) < 0.05 for place in range(4))


def test_an_order_is_never_shown_as_it_should_be() -> None:
    for question in BANK.questions.values():
        if question.kind == "order":
            for seed in range(300):
                drawn = draw_question(BANK, seed, question.id)
                assert drawn.order != drawn.right


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_linked_questions_share_their_numbers(seed: int) -> None:
    linked = [one for one in BANK.questions.values() if one.linked == "smoothing"]
    assert {37, 42} <= {one.course for one in linked}
    drawn = [draw_question(BANK, seed, one.id) for one in linked]
    assert len({(one.values["eps"], one.values["k"]) for one in drawn}) == 1


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(sorted(one.id for one in BANK.questions.values() if one.kind == "number")))
def test_wrong_values_lie_beyond_the_tolerance(seed: int, question_id: str) -> None:
    drawn = draw_question(BANK, seed, question_id)
    tolerance = drawn.question.tolerance
    right = drawn.values["answer"]
    for wrong in drawn.wrong:
        assert abs(wrong - right) > tolerance.around(right) + tolerance.around(wrong)
