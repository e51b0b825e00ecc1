"""Axes of strengths and scores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridgeway.report.scale import reach, spread_labels
from ridgeway.report.strength_axis import StrengthAxis, break_shapes
from ridgeway.report.word_axis import WordAxis

# Six digits: neighbouring floats share a place on a logarithmic axis.
strengths = st.lists(
    st.floats(0, 1e3).map(lambda x: float(f"{x:.6g}")).filter(lambda x: x == 0 or x > 1e-9), min_size=1, max_size=12
)


@given(strengths)
def test_positions_keep_the_order_and_lie_on_the_axis(values: list[float]) -> None:
    axis = StrengthAxis.of(values)
    places = [axis.position(value) for value in axis.values]
    assert places == sorted(places) and len(set(places)) == len(places)
    low, high = axis.range
    assert all(low < place < high for place in places)
    assert [axis.fraction(value) for value in axis.values] == sorted(axis.fraction(v) for v in axis.values)


def test_zero_stands_left_of_a_break_on_a_log_axis() -> None:
    axis = StrengthAxis.of([0.0, 1e-5, 1e-3, 1e-1])
    assert axis.log and axis.zero is not None and axis.gap is not None
    assert axis.zero < axis.gap < -5 == axis.position(1e-5)
    assert axis.ticks()[1] == ["0", *(f"10<sup>−{k}</sup>" for k in (5, 4, 3, 2, 1))]
    assert len(break_shapes(axis, "x", "y domain")) == 3


def test_dropout_rates_are_linear_with_zero_in_its_place() -> None:
    axis = StrengthAxis.of([0.0, 0.25, 0.5])
    assert not axis.log and axis.zero is None and axis.position(0.0) == 0.0
    assert axis.ticks() == ([0.0, 0.25, 0.5], ["0", "0.25", "0.5"])
    assert break_shapes(axis, "x", "y domain") == []


def test_one_strength_has_an_axis() -> None:
    assert StrengthAxis.of([0.001]).range == pytest.approx((0.0005, 0.0015))
    assert StrengthAxis.of([0.0]).range == (-0.5, 0.5)


def test_a_wild_value_does_not_flatten_the_others() -> None:
    usual = [0.2 + 0.01 * k for k in range(20)]
    low, high, outside = reach([*usual, 1e6, math.nan, math.inf], "min")
    assert low < 0.2 and high < 1 and outside == 1
    low, high, outside = reach([-value for value in [*usual, 1e6]], "max")
    assert high > -0.2 and low > -1 and outside == 1


@given(st.lists(st.floats(-100, 100), max_size=8), st.floats(0.1, 20))
def test_labels_move_apart_and_keep_their_order(places: list[float], least: float) -> None:
    moved = spread_labels(places, least)
    assert all(b - a > least - 1e-6 for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False))
    assert sorted(range(len(places)), key=lambda k: (places[k], k)) == sorted(
        range(len(places)), key=lambda k: moved[k]
    )


def test_labels_far_apart_stay() -> None:
    assert spread_labels([3.0, 1.0, 2.0], 0.5) == pytest.approx([3.0, 1.0, 2.0])


def test_words_stand_evenly_in_their_order() -> None:
    axis = WordAxis.of(["layer", "none", "layer"], ["none", "batch", "layer"])
    assert axis.values == ("none", "layer")
    assert axis.ticks() == ([0.0, 1.0], ["none", "layer"])
    assert axis.range == (-0.5, 1.5) and axis.settings()["type"] == "linear"
    assert axis.colour("none") != axis.colour("layer")
    assert break_shapes(axis, "x", "y domain") == []
