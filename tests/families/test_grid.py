"""Grids and log-spaced values."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw


def test_every_combination_the_last_name_fastest():
    grid = rw.Grid(weight_decay=[0.0, 1e-3], dropout=[0.0, 0.25, 0.5])
    expected = [
        {"weight_decay": decay, "dropout": rate} for decay, rate in itertools.product([0.0, 1e-3], [0.0, 0.25, 0.5])
    ]
    assert grid.configurations() == expected
    assert len(grid) == 6


def test_values_are_ascending_without_doubles():
    assert rw.Grid(l2=[1e-2, 0, 1e-2, 1e-3]).values == {"l2": (0.0, 1e-3, 1e-2)}


def test_one_number_stands_for_a_list_of_one():
    assert rw.Grid(dropout=0.5, l2=(value for value in [0.0, 1.0])).values == {"dropout": (0.5,), "l2": (0.0, 1.0)}


def test_paths_are_given_in_a_mapping_beside_names():
    grid = rw.Grid({"drop.rate": [0.0, 0.1]}, l1=[0.0])
    assert list(grid.values) == ["drop.rate", "l1"]
    assert grid.configurations() == [{"drop.rate": 0.0, "l1": 0.0}, {"drop.rate": 0.1, "l1": 0.0}]


def test_shown_as_it_is_made():
    assert repr(rw.Grid(l2=[0.0, 0.5])) == "Grid(l2=[0.0, 0.5])"


@given(
    values=st.dictionaries(
        st.sampled_from(["l1", "l2", "weight_decay"]), st.sets(st.floats(0, 10), min_size=1, max_size=4)
    )
)
def test_configurations_are_the_product(values):
    if not values:
        return
    found = rw.Grid(values).configurations()
    assert len(found) == math.prod(map(len, values.values()))
    assert {tuple(c.values()) for c in found} == set(itertools.product(*values.values()))


@pytest.mark.parametrize("low, high, num", [(1e-5, 1e-1, 8), (0.3, 0.3, 3), (1e-1, 1e-5, 5), (2.0, 3.0, 1)])
def test_logspace_is_even_in_the_logarithm_with_exact_ends(low, high, num):
    values = rw.logspace(low, high, num)
    assert len(values) == num
    assert values[0] == low
    if num > 1:
        assert values[-1] == high
        assert all(
            math.isclose(b / a, (high / low) ** (1 / (num - 1)), rel_tol=1e-9) for a, b in itertools.pairwise(values)
        )


@pytest.mark.parametrize("low, high, num", [(0.0, 1.0, 3), (-1.0, 1.0, 3), (1.0, math.inf, 3), (math.nan, 1.0, 3)])
def test_logspace_needs_ends_above_zero(low, high, num):
    with pytest.raises(rw.InputError, match="needs ends above 0"):
        rw.logspace(low, high, num)


def test_logspace_needs_a_number_of_values():
    with pytest.raises(rw.InputError, match="asks for 0 values"):
        rw.logspace(1e-3, 1.0, 0)
