"""Holm's correction."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ridgeway.effects.multiple import holm


def test_the_worked_example() -> None:
    # H1 0.01, H2 0.04, H3 0.03, H4 0.005 (Wikipedia, Holm-Bonferroni method, example): H1 and H4 fall at 5 %, the
    # others stand. By hand: 0.005·4, 0.01·3, 0.03·2, and 0.04·1 raised to the one before it.
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_it_rejects_what_the_step_down_procedure_rejects(p: list[float]) -> None:
    """Holm (1979): reject from the smallest on while p(k) ≤ α / (m − k + 1)."""
    values = np.array(p)
    corrected = holm(values)
    assert (corrected >= values).all() and (corrected <= 1).all()
    for level in (0.01, 0.05, 0.2):
        rejected = np.zeros(len(p), dtype=bool)
        for step, place in enumerate(np.argsort(values, kind="stable")):
            if values[place] * (len(p) - step) > level:
                break
            rejected[place] = True
        np.testing.assert_array_equal(corrected <= level, rejected)


def test_what_was_not_asked_does_not_count() -> None:
    np.testing.assert_array_equal(holm(np.array([np.nan, 0.02, np.nan])), [np.nan, 0.02, np.nan])
    assert len(holm(np.array([]))) == 0
