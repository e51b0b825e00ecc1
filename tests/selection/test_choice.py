"""A choice reads as one line."""

import math

import pytest

from ridgeway.selection import Choice
from ridgeway.selection.rounding import decimals, rounded, with_error


def choice(mean: float, error: float, n: int = 3) -> Choice:
    configuration = {"weight_decay": 0.001, "dropout": 0.25}
    return Choice(configuration, mean, error, n, tuple(range(n)), 0, "best", "val_data_loss", "min")


def test_a_choice_names_values_mean_error_and_lanes() -> None:
    assert str(choice(0.23112, 0.0061)) == "weight_decay=0.001, dropout=0.25 (val_data_loss 0.231 ± 0.006, n=3)"


def test_an_unknown_error_is_left_out() -> None:
    assert str(choice(0.23112, math.nan, 1)) == "weight_decay=0.001, dropout=0.25 (val_data_loss 0.2311, n=1)"


@pytest.mark.parametrize(
    ("error", "places"),
    [(0.0063, 3), (0.0014, 4), (0.0999, 2), (0.1, 2), (0.95, 1), (0.96, 1), (2.4, 0), (17, 0)],
)
def test_errors_keep_one_digit_or_two(error: float, places: int) -> None:
    assert decimals(error) == places


@pytest.mark.parametrize("value", [0.0, 1e-5, 4.642e-05, 0.25, 12.0, 1234.0, 1e6])
def test_rounded_strengths_read_back(value: float) -> None:
    assert float(rounded(value, 4)) == pytest.approx(value, rel=1e-3)
    assert rounded(1e-5) == "1e-5"


def test_zero_error_shows_no_bar() -> None:
    assert with_error(1.0, 0.0) == "1"
