"""Numbers as learners write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridgeway.studio.quiz.numbers import parse_number, shown_number
from ridgeway.studio.quiz.words import MalformedAnswer


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/8", 0.125),
        ("12.5%", 0.125),
        ("12.5 ％", 0.125),
        ("１／８", 0.125),
        ("１２．５％", 0.125),
        ("0.125", 0.125),
        (".125", 0.125),
        ("⅛", 0.125),
        ("1⁄8", 0.125),
        ("-1/4", -0.25),
        ("−0.6", -0.6),
        ("－０．６", -0.6),
        ("–0.6", -0.6),
        ("+3", 3.0),
        ("3.", 3.0),
        ("  3  ", 3.0),
        ("\u00a03\u2009", 3.0),
        ("- 3", -3.0),
        ("0,5", 0.5),
        ("12,25", 12.25),
        ("0,125", 0.125),
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567.0),
        ("1e-3", 0.001),
        ("5.987E-1", 0.5987),
        ("1.5/0.5", 3.0),
        ("0", 0.0),
        ("-0", 0.0),
    ],
)
def test_they_are_read(text: str, value: float) -> None:
    assert parse_number(text) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "abc", "1/0", "1/0.0", "1,234", "1,2,3", "1.2.3", "1 2", "2⅛", "--3", "1/2/3", "%", "1%%", "nan",
        "inf", "-inf", "1e", "1e9999", "٣", "３ ３", "0x10", "1_000", "√2", "=3", "3" * 41, "1e400", "½½", "1,23,4",
    ],
)  # fmt: skip
def test_others_are_refused_in_both_languages(text: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_number(text)
    assert caught.value.message("en") == str(caught.value)
    assert any("가" <= letter <= "힣" for letter in caught.value.message("ko"))


def test_a_unit_may_follow() -> None:
    units = ("에포크", "epoch", "epochs")
    assert parse_number("8 에포크", units) == parse_number("8epochs", units) == parse_number("８ epoch", units) == 8
    with pytest.raises(MalformedAnswer):
        parse_number("8 번", units)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_what_python_writes_is_read_as_it_stands(value: float) -> None:
    assert parse_number(repr(value)) == value


@given(st.text(max_size=60))
def test_no_text_crashes(text: str) -> None:
    try:
        value = parse_number(text, ("개",))
    except MalformedAnswer:
        return
    assert value == value and abs(value) < float("inf")


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1.93, "", "1.93"),
        (1.9305, "", "1.9305"),
        (0.1 + 0.2, "", "0.3"),
        (-0.6, "", "−0.6"),
        (60000.0, "", "60,000"),
        (1500.0, "", "1500"),
        (1e-5, "", "0.00001"),
        (0.5987369, ".4f", "0.5987"),
        (0.8, ".0%", "80%"),
        (-0.0001, ".2f", "0.00"),
        ((0.9, 0.7), ".2f", "0.90, 0.70"),
        ((3.0, -4.0), "", "3, −4"),
        (0.0, "", "0"),
    ],
)
def test_they_are_shown(value: float | tuple[float, ...], form: str, text: str) -> None:
    assert shown_number(value, form) == text
