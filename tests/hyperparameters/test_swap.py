"""Numbers replaced while a step is traced."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ridgeway import InputError
from ridgeway.hyperparameters import LaneScalar, swapped

COMPARISONS = [operator.gt, operator.ge, operator.lt, operator.le, operator.eq, operator.ne]
_numbers = st.one_of(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0]), st.floats(-3, 3))


def scalar(low, high):
    return LaneScalar(jnp.float32(low), low, high, "rate")


@given(compare=st.sampled_from(COMPARISONS), ends=st.tuples(_numbers, _numbers), other=_numbers)
@example(compare=operator.gt, ends=(0.0, 0.5), other=0)
@example(compare=operator.eq, ends=(0.0, 1.0), other=1)
@example(compare=operator.eq, ends=(0.2, 0.4), other=0.3)
def test_comparisons_are_answered_as_by_every_value_or_refused(compare, ends, other):
    low, high = sorted(ends)
    assume(low < high)
    middle = low + (high - low) / 2
    assume(low < middle < high)
    # The ends 0 and 1 are answered as what lies between.
    values = [middle, *(end for end in (low, high) if not (end == other and other in (0, 1)))]
    if low < other < high:
        values.append(other)
    answers = {bool(compare(value, other)) for value in values}
    if len(answers) == 1:
        assert compare(scalar(low, high), other) is answers.pop()
    else:
        with pytest.raises(InputError, match="'rate' can't be varied from"):
            compare(scalar(low, high), other)


@given(compare=st.sampled_from(COMPARISONS), value=_numbers, other=_numbers)
def test_a_family_of_one_value_answers_as_the_value(compare, value, other):
    assert compare(scalar(value, value), other) is compare(value, other)


def test_truth_is_that_of_the_values_between():
    assert bool(scalar(0.0, 0.5))
    with pytest.raises(InputError, match="differs between lanes"):
        bool(scalar(-0.5, 0.5))


@pytest.mark.parametrize("convert", [float, int])
def test_python_numbers_are_refused(convert):
    with pytest.raises(InputError, match="'rate' can't be varied: the model turns it into a Python number"):
        convert(scalar(0.0, 1.0))


@settings(deadline=None)
@given(value=st.floats(0.125, 4, width=32), other=st.floats(0.125, 4, width=32))
def test_arithmetic_passes_through(value, other):
    lane = scalar(value, 5.0)
    for work in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        np.testing.assert_allclose(work(lane, other), work(value, other), rtol=1e-4)
        np.testing.assert_allclose(work(other, lane), work(other, value), rtol=1e-4)
    np.testing.assert_allclose([-lane, abs(lane)], [-value, value])
    np.testing.assert_allclose(jnp.sin(lane), np.sin(value), rtol=1e-5)


def test_a_lane_scalar_is_a_tree_and_keeps_its_ends():
    mapped = jax.tree.map(lambda leaf: leaf + 1, scalar(0.5, 2.0))
    assert (mapped.low, mapped.high, mapped.name) == (0.5, 2.0, "rate")
    assert float(mapped.value) == 1.5


class Owner:
    """Holds numbers as a layer does; `shared` stands on the class."""

    shared = 3

    def __init__(self):
        self.rate = 0.25


def test_swapped_puts_everything_back():
    owner = Owner()
    with swapped([(owner, "rate", 1.0), (owner, "shared", 4), (owner, "rate", 2.0)]):
        assert (owner.rate, owner.shared) == (2.0, 4)
    assert (owner.rate, owner.shared) == (0.25, 3)
    assert vars(owner) == {"rate": 0.25}


def test_swapped_puts_everything_back_after_an_error_inside():
    owner = Owner()
    with pytest.raises(RuntimeError), swapped([(owner, "rate", 1.0), (owner, "shared", 4)]):
        raise RuntimeError
    assert vars(owner) == {"rate": 0.25}


def test_swapped_puts_everything_back_after_an_error_while_swapping():
    owner = Owner()

    def swaps():
        yield (owner, "rate", 1.0)
        raise RuntimeError

    with pytest.raises(RuntimeError), swapped(swaps()):
        pass
    assert vars(owner) == {"rate": 0.25}
