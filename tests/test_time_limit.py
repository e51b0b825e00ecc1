"""When a run's time is up: from the call, or from what the first epoch shows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw
from ridgeway.tables.search import _AGAIN, _CHOOSING, _until
from ridgeway.time_limit import TimeLimit
from tests.engine.test_halving import run


def test_a_number_counts_from_the_call():
    limit = TimeLimit(100.0, 7.0)
    assert limit() == 107.0 == limit()


def test_a_function_is_asked_once():
    asked: list[float] = []

    def seconds(first: float) -> float:
        asked.append(first)
        return first + 5.0

    import time

    began = time.perf_counter() - 3.0
    limit = TimeLimit(began, seconds)
    assert limit() == limit() == began + asked[0] + 5.0
    assert len(asked) == 1 and asked[0] >= 3.0


def test_the_first_epoch_tells_the_limit():
    asked: list[float] = []

    def enough(first: float) -> float:
        asked.append(first)
        return 1e6

    path = run(slots=2, halving=3, time_limit=enough)
    assert len(asked) == 1 and path.record["time_limit"] == 1e6
    # From the call to the first epoch's end: setting up and compiling are in it, training the rest is not.
    assert path.record["seconds"]["setup"] < asked[0] < path.record["seconds"]["total"]
    assert path.record["seconds"]["first_epoch"] == pytest.approx(asked[0], abs=0.5)
    assert set(path.table()["stopped"]) <= {"completed", "halved"}


def test_a_limit_that_the_first_epoch_has_passed_already():
    with pytest.warns(UserWarning, match=r"time_limit=0 s was over before the first.*s of which compiling took"):
        path = run(slots=2, halving=3, time_limit=lambda first: 0.0)
    assert set(path.table()["epochs"]) == {1} and set(path.table()["stopped"]) == {"time is up"}


@given(limit=st.floats(0.01, 1e4), first=st.floats(0.01, 1e3))
def test_an_estimators_search_leaves_time_for_what_comes_after(limit: float, first: float):
    until = _until(limit, first)
    assert until > first and math.isfinite(until)
    left = limit - until
    # Either all that comes after has time, or only choosing has; where compiling took all, even that is over the limit.
    if left >= (_CHOOSING + _AGAIN) * first:
        assert until - first == pytest.approx(0.6 * (limit - first))
    elif limit > (1 + 2 * _CHOOSING) * first:
        assert left == pytest.approx(_CHOOSING * first, rel=1e-6, abs=1e-9)
    else:
        assert until == pytest.approx((1 + _CHOOSING) * first)


def test_too_short_a_limit_gives_a_model_all_the_same():
    x = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.warns(UserWarning, match=r"time_limit=0.01 s was over before the first epoch had ended"):
        fitted = rw.PathClassifier(time_limit=0.01, random_state=0).fit(x, (x[:, 0] > 0).astype(int))
    assert fitted.predict_proba(x).shape == (60, 2)
