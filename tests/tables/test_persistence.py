"""Estimators that were saved."""

import copy
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine

import ridgeway as rw
from ridgeway.errors import InputError
from small_search import small_search

SMALL = small_search(epochs=20)
WINE = load_wine(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def classifier() -> rw.PathClassifier:
    return rw.PathClassifier(**SMALL, calibrate="temperature").fit(*WINE)


@pytest.fixture(scope="module")
def regressor() -> rw.PathRegressor:
    return rw.PathRegressor(**SMALL, ensemble=False).fit(*load_diabetes(return_X_y=True))


def by_pickle(estimator: Any, folder: Path) -> Any:
    return pickle.loads(pickle.dumps(estimator))


def by_joblib(estimator: Any, folder: Path) -> Any:
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


def by_copy(estimator: Any, folder: Path) -> Any:
    return copy.deepcopy(estimator)


def by_skops(estimator: Any, folder: Path) -> Any:
    io = pytest.importorskip("skops.io")
    io.dump(estimator, folder / "estimator.skops")
    unknown = io.get_untrusted_types(file=folder / "estimator.skops")
    # Nothing but ridgeway's own classes has to be trusted.
    assert unknown and all(name.startswith("ridgeway.") for name in unknown)
    return io.load(folder / "estimator.skops", trusted=unknown)


WAYS = pytest.mark.parametrize("way", [by_pickle, by_joblib, by_copy, by_skops])


@WAYS
def test_a_classifier_comes_back(way: Any, classifier: rw.PathClassifier, tmp_path: Path) -> None:
    again = way(classifier, tmp_path)
    np.testing.assert_array_equal(again.predict_proba(WINE[0]), classifier.predict_proba(WINE[0]))
    assert again.classes_.tolist() == classifier.classes_.tolist()
    assert again.feature_names_in_.tolist() == classifier.feature_names_in_.tolist()
    assert (again.temperature_, again.get_params()["epochs"]) == (classifier.temperature_, 20)
    pathway = again.path_
    assert pathway.table().equals(classifier.path_.table()) and pathway.history().equals(classifier.path_.history())
    assert again.ensemble_ == classifier.ensemble_ and again.ensemble_.members
    assert pathway.best == classifier.path_.best
    with pytest.raises(InputError, match="has no model of its lanes.* predicts by model_"):
        pathway.model(0)


@WAYS
def test_a_regressor_comes_back(way: Any, regressor: rw.PathRegressor, tmp_path: Path) -> None:
    again = way(regressor, tmp_path)
    x, _ = load_diabetes(return_X_y=True)
    np.testing.assert_array_equal(again.predict(x), regressor.predict(x))


def test_importances_are_kept_where_they_were_asked_for(classifier: rw.PathClassifier, tmp_path: Path) -> None:
    fresh = rw.PathClassifier(**SMALL).fit(*WINE)
    with pytest.raises(AttributeError, match="takes the rows that were trained on, which a saved estimator does not"):
        by_pickle(fresh, tmp_path).feature_importances_  # noqa: B018
    found = fresh.feature_importances_
    np.testing.assert_array_equal(by_pickle(fresh, tmp_path).feature_importances_, found)


def test_a_saved_estimator_fits_again(classifier: rw.PathClassifier, tmp_path: Path) -> None:
    again = by_pickle(classifier, tmp_path).fit(*WINE)
    np.testing.assert_array_equal(again.predict_proba(WINE[0]), classifier.predict_proba(WINE[0]))


def test_an_estimator_that_is_not_fitted(tmp_path: Path) -> None:
    assert by_pickle(rw.PathClassifier(epochs=3), tmp_path).get_params()["epochs"] == 3
