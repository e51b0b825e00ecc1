"""`PathRegressor` against scikit-learn."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split

import ridgeway as rw
from ridgeway.tables.command import predict
from small_search import small_search

SMALL = small_search(epochs=60)
X, Y = load_diabetes(return_X_y=True)


@pytest.mark.parametrize("ensemble", [True, False])
def test_it_is_as_good_as_ridge(ensemble: bool) -> None:
    x, x_test, y, y_test = train_test_split(X, Y, random_state=0)
    # Much regularization, for much noise.
    family = rw.Grid({"steps.scale": [0.0]}, weight_decay=[1.0, 5.0], dropout=[0.5])
    fitted = rw.PathRegressor(**{**SMALL, "family": family}, ensemble=ensemble).fit(x, y)
    linear = RidgeCV(np.logspace(-4, 2, 20)).fit(x, y)
    assert fitted.score(x_test, y_test) >= linear.score(x_test, y_test) - 0.05


def test_units_of_the_target_are_no_matter() -> None:
    one = rw.PathRegressor(**SMALL).fit(X, Y)
    other = rw.PathRegressor(**SMALL).fit(X, 1e6 + 1e-3 * Y)
    np.testing.assert_allclose(other.predict(X), 1e6 + 1e-3 * one.predict(X), rtol=1e-7)
    # The model gives raw units by itself.
    found = one.model_.predict(one.preparation_.transform(X), verbose=0)[:, 0]
    np.testing.assert_allclose(found, one.predict(X), rtol=1e-5)


def test_several_targets() -> None:
    both = np.stack([Y, 1000 - 5 * Y], axis=1)
    fitted = rw.PathRegressor(**SMALL).fit(X, both)
    found = fitted.predict(X)
    assert found.shape == both.shape
    np.testing.assert_allclose(found[:, 1], 1000 - 5 * found[:, 0], atol=150)
    assert fitted.score(X, both) > 0.4
    assert fitted.feature_importances_.shape == (10,)


def test_the_column_that_tells_is_the_important_one() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 4))
    found = rw.PathRegressor(**SMALL).fit(x, 3 * x[:, 2] + 0.1 * random.normal(size=200)).feature_importances_
    assert found.argmax() == 2 and found[2] > 1
    assert np.abs(np.delete(found, 2)).max() < 0.1


def test_a_target_that_does_not_vary() -> None:
    fitted = rw.PathRegressor(**SMALL).fit(X[:40], np.full(40, 7.0))
    np.testing.assert_allclose(fitted.predict(X[:40]), 7.0, atol=0.5)


class Own(keras.Model):
    """Subclassed, and without `get_config`."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(8, "relu"), keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))


@pytest.mark.parametrize("ensemble", [True, False])
def test_a_model_that_keras_cannot_copy(ensemble: bool) -> None:
    def make(features: int, outputs: int) -> keras.Model:
        model = Own()
        model.compile("adam", "mse")
        return model

    with pytest.raises(ValueError, match="Keras can't copy a Own"):
        rw.PathRegressor(model=make, ensemble=ensemble, **SMALL).fit(X, Y)


@pytest.mark.parametrize(("scale", "offset"), [(10.0, 1e9), (1e39, 0.0), (1e-150, 0.0), (1e300, -3e301)])
def test_targets_that_float32_does_not_hold(scale: float, offset: float) -> None:
    plain = rw.PathRegressor(**SMALL).fit(X, Y)
    y = offset + scale * Y
    other = rw.PathRegressor(**SMALL).fit(X, y)
    np.testing.assert_allclose((other.predict(X) - offset) / scale, plain.predict(X), rtol=1e-5)
    again = pickle.loads(pickle.dumps(other))
    np.testing.assert_array_equal(again.predict(X), other.predict(X))


def test_the_run_s_directory_knows_units_too(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, columns=[f"x{place}" for place in range(10)])
    fitted = rw.PathRegressor(**SMALL, out=tmp_path / "run").fit(frame, 1e9 + 10 * Y)
    frame.to_csv(tmp_path / "new.csv", index=False)
    _, found = predict(tmp_path / "run", rw.load_path(tmp_path / "run").record, tmp_path / "new.csv")
    np.testing.assert_allclose(found[:, 0], fitted.predict(frame), rtol=0, atol=1e-3)


def test_several_threads_predict_at_once() -> None:
    fitted = rw.PathRegressor(**SMALL).fit(X, Y)
    expected = fitted.predict(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: fitted.predict(X), range(100)):
            np.testing.assert_array_equal(found, expected)
