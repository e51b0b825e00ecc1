"""Points and explanations of answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeway.errors import InputError
from ridgeway.studio.quiz import (
    DrawnQuestion,
    MalformedAnswer,
    check_answer,
    chosen,
    draw_question,
    explained,
    grade,
    load_bank,
)

BANK = load_bank()
IDS = sorted(BANK.questions)
SEEDS = st.integers(0, 2**63 - 1)


def of_kind(*kinds: str) -> list[str]:
    return [one for one in IDS if BANK.question(one).kind in kinds]


def right(drawn: DrawnQuestion) -> Any:
    """The right answer in the form in which the browser sends it."""
    key = drawn.right
    match drawn.kind:
        case "single":
            return drawn.opaque("option", key[0])
        case "several" | "order":
            return [drawn.opaque("option", one) for one in key]
        case "match":
            return {drawn.opaque("left", one): drawn.opaque("option", other) for one, other in key.items()}
        case "code":
            return {gap: drawn.opaque("option", token) for gap, token in key.items()}
    return repr(key)


@pytest.mark.parametrize("question_id", IDS)
def test_the_right_answer_gets_everything(question_id: str) -> None:
    for seed in range(5):
        drawn = draw_question(BANK, seed, question_id)
        answer = right(drawn)
        check_answer(drawn, answer)
        result = grade(drawn, answer)
        assert result.points == 1 and result.right and result.answered
        for lang in ("ko", "en"):
            told = explained(drawn, answer, lang)
            assert told.mistakes == ()
            assert told.right and told.explanation and told.sources
            if drawn.kind != "number":
                assert told.yours == told.right


@pytest.mark.parametrize("question_id", IDS)
def test_no_answer_gets_nothing(question_id: str) -> None:
    drawn = draw_question(BANK, 1, question_id)
    empty = {"single": None, "several": [], "order": [], "number": "  ", "match": {}, "code": {}}[drawn.kind]
    for answer in (None, empty):
        check_answer(drawn, answer)
        result = grade(drawn, answer)
        assert result.points == 0 and not result.right and not result.answered
        assert explained(drawn, answer, "ko").yours == () and chosen(drawn, answer) == ()


@pytest.mark.parametrize("question_id", of_kind("single"))
def test_each_wrong_option_gets_nothing_and_its_misconception(question_id: str) -> None:
    drawn = draw_question(BANK, 5, question_id)
    for option in drawn.question.options:
        if not option.right:
            answer = drawn.opaque("option", option.id)
            assert grade(drawn, answer).points == 0
            assert len(explained(drawn, answer, "ko").mistakes) == len(explained(drawn, answer, "en").mistakes) == 1
            assert chosen(drawn, answer) == (option.id,)


@pytest.mark.parametrize("question_id", of_kind("several"))
def test_ticking_everything_gets_nothing(question_id: str) -> None:
    drawn = draw_question(BANK, 5, question_id)
    assert grade(drawn, list(drawn.keys)).points == 0
    wrong = [one.id for one in drawn.question.options if not one.right]
    hits = [one.id for one in drawn.question.options if one.right]
    assert grade(drawn, [drawn.opaque("option", hits[0])]).points == pytest.approx(1 / len(hits))
    both = [drawn.opaque("option", one) for one in (*hits, wrong[0])]
    assert grade(drawn, both).points == pytest.approx(1 - 1 / len(wrong))
    assert len(explained(drawn, both, "ko").mistakes) == 1


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.sampled_from(of_kind("several", "order")), st.data())
def test_points_lie_between_0_and_1(seed: int, question_id: str, data: st.DataObject) -> None:
    drawn = draw_question(BANK, seed, question_id)
    answer = data.draw(st.lists(st.sampled_from(list(drawn.keys)), unique=True))
    result = grade(drawn, answer)
    assert 0 <= result.points <= 1
    assert result.right == (result.points == 1)
    for lang in ("ko", "en"):
        explained(drawn, answer, lang)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(of_kind("match", "code")), st.data())
def test_points_of_joined_sides(seed: int, question_id: str, data: st.DataObject) -> None:
    drawn = draw_question(BANK, seed, question_id)
    left = list(drawn.left_keys) or list(drawn.question.gaps)
    answer = data.draw(st.dictionaries(st.sampled_from(left), st.sampled_from(list(drawn.keys))))
    good = right(drawn)
    hits = sum(good[one] == other for one, other in answer.items())
    assert grade(drawn, answer).points == pytest.approx(hits / len(left))
    # Each wrong join is explained.
    assert len(explained(drawn, answer, "ko").mistakes) == len(answer) - hits


@pytest.mark.parametrize("question_id", of_kind("order"))
def test_points_of_orders(question_id: str) -> None:
    drawn = draw_question(BANK, 2, question_id)
    good = right(drawn)
    assert grade(drawn, good[::-1]).points == 0
    swapped = [good[1], good[0], *good[2:]]
    pairs = len(good) * (len(good) - 1) / 2
    assert grade(drawn, swapped).points == pytest.approx(1 - 2 / pairs)
    assert 0 < grade(drawn, good[:-1]).points < 1, "an item is missing"
    assert explained(drawn, good[::-1], "ko").mistakes


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.sampled_from(of_kind("number")))
def test_numbers_within_and_beyond_the_tolerance(seed: int, question_id: str) -> None:
    drawn = draw_question(BANK, seed, question_id)
    value = drawn.right
    reach = drawn.question.tolerance.around(value)
    assert grade(drawn, repr(value + 0.9 * reach)).right and grade(drawn, repr(value - 0.9 * reach)).right
    assert not grade(drawn, repr(value + 1.1 * reach)).right
    for place, wrong in enumerate(drawn.wrong):
        answer = repr(wrong)
        assert grade(drawn, answer).points == 0
        assert chosen(drawn, answer) == (f"wrong-{place + 1}",)
        told = explained(drawn, answer, "ko")
        assert len(told.mistakes) == 1
    assert chosen(drawn, repr(value)) == ("right",)
    assert chosen(drawn, "987654.5") == ("other",)


@pytest.mark.parametrize("question_id", IDS)
def test_the_right_number_as_it_is_shown_is_right(question_id: str) -> None:
    """Who types what the explanation says gets the points."""
    for seed in range(20):
        drawn = draw_question(BANK, seed, question_id)
        if drawn.kind == "number":
            for lang in ("ko", "en"):
                (line,) = explained(drawn, None, lang).right
                assert grade(drawn, line.striptags()).right


MALFORMED = [
    0, 1.5, True, "no-such-id", "", b"x", ["no-such-id"], [["x"]], [None], [1], {"1": "x"}, {"x": 1}, {1: "x"},
    {"x": None}, [{}], {"1": []}, print, float("nan"), "1/0", "seven",
]  # fmt: skip


@pytest.mark.parametrize("question_id", [next(one for one in of_kind(kind)) for kind in
                                         ("single", "several", "number", "order", "match", "code")])  # fmt: skip
@pytest.mark.parametrize("answer", MALFORMED, ids=repr)
def test_malformed_answers_are_refused(question_id: str, answer: Any) -> None:
    drawn = draw_question(BANK, 1, question_id)
    if drawn.kind == "number" and answer == "":
        return
    for call in (check_answer, grade, chosen):
        with pytest.raises(MalformedAnswer) as caught:
            call(drawn, answer)
        assert isinstance(caught.value, InputError) and caught.value.message("ko")


def test_a_choice_given_twice_is_refused() -> None:
    drawn = draw_question(BANK, 1, of_kind("several")[0])
    one = next(iter(drawn.keys))
    with pytest.raises(MalformedAnswer, match="twice"):
        check_answer(drawn, [one, one])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(IDS), JSON)
def test_no_json_crashes(question_id: str, answer: Any) -> None:
    drawn = draw_question(BANK, 3, question_id)
    try:
        check_answer(drawn, answer)
    except MalformedAnswer:
        with pytest.raises(MalformedAnswer):
            grade(drawn, answer)
        return
    assert 0 <= grade(drawn, answer).points <= 1
    explained(drawn, answer, "en")


def test_ids_of_another_attempt_are_refused() -> None:
    for question_id in of_kind("single"):
        with pytest.raises(MalformedAnswer):
            grade(draw_question(BANK, 1, question_id), right(draw_question(BANK, 2, question_id)))


def test_what_was_typed_is_shown_safely() -> None:
    drawn = draw_question(BANK, 1, "norms-l1")
    told = explained(drawn, "１４／２", "ko")
    assert told.yours == ("１４／２ (= 7)",)
    for question_id in IDS:
        shown = draw_question(BANK, 1, question_id).shown("ko")
        assert "<script" not in str(dataclasses.asdict(shown))
