"""scikit-learn's own checks of estimators, whole: none is expected to fail."""

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import ridgeway as rw
from small_search import small_search

# A search small enough for the hundred fits of the checks; what is searched is no matter of theirs.
SMALL = small_search(epochs=30)


@parametrize_with_checks([rw.PathClassifier(**SMALL), rw.PathRegressor(**SMALL)])
# What the checks pass on purpose: y as a column, and one row for a class.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
