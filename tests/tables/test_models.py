"""Models of one's own that can't be used, refused before anything trains, and what the search makes of others."""

import pickle
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import ridgeway as rw
from ridgeway.errors import InputError
from ridgeway.tables.models import check_copies
from small_search import small_search

SMALL = small_search(epochs=3)
draws = np.random.default_rng(0)
X = draws.normal(size=(60, 4))
Y = np.where(X[:, 0] > 0, "yes", "no")


def network(units: int, activation: str | None, loss: Any, rate: Any = 1e-3) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(units, activation)])
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def own_crossentropy(y_true: Any, y_pred: Any) -> Any:
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: network(3, None, LOGITS), r"shape \(None, 3\), and y has 2 classes.* 2 units"),
        (lambda: network(1, None, LOGITS), r"shape \(None, 1\), and y has 2 classes"),
        (lambda: network(2, "sigmoid", "binary_crossentropy"), "last layer 1 unit"),
        (lambda: network(2, "softmax", "mse"), "loss is mean_squared_error, which makes no probabilities"),
        (lambda: network(2, "softmax", keras.losses.Hinge()), "loss is Hinge, which makes"),
        (lambda: network(2, None, "sparse_categorical_crossentropy"), "from_logits=True, or end the model in softmax"),
        (lambda: network(2, "tanh", "sparse_categorical_crossentropy"), "from activation 'tanh'"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "is not compiled. Call its compile"),
        (lambda: network_of(5), "can't take the 4 features that the table is prepared as"),
        (lambda: lambda features: None, r"can't be called with \(features, outputs\)"),
        (lambda: lambda features, outputs: None, "gave None, which is no model"),
    ],
)
def test_models_that_cannot_be_used(model: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rw.PathClassifier(**SMALL, model=model()).fit(X, Y)


def network_of(features: int) -> keras.Model:
    model = keras.Sequential([keras.Input((features,)), keras.layers.Dense(2)])
    model.compile("adam", LOGITS)
    return model


def test_outputs_of_a_regressor() -> None:
    with pytest.raises(InputError, match=r"shape \(None, 3\), and y has 1 target\. .* 1 unit\."):
        rw.PathRegressor(**SMALL, model=network(3, None, "mse")).fit(X, X[:, 0])


@pytest.mark.parametrize("loss", ["categorical_focal_crossentropy", "sparse_categorical_crossentropy"])
def test_probabilities_of_other_losses(loss: str) -> None:
    fitted = rw.PathClassifier(**SMALL, model=network(2, "softmax", loss)).fit(X, Y)
    shares = fitted.predict_proba(X)
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), shares)


def test_the_search_leaves_out_what_has_no_place() -> None:
    # Not built, with a schedule and a loss whose labels can't be smoothed.
    model = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(1e-2, 10, 0.9)), own_crossentropy)
    fitted = rw.PathClassifier(model=model, time_limit=4, epochs=2, cv=2, random_state=0).fit(X, Y)
    assert fitted.path_.hyperparameters == ["weight_decay", "ema"]


class Written(keras.Model):
    """Subclassed, and copied by Keras."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.out = keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(x)


def test_a_model_without_a_graph() -> None:
    def make(features: int, outputs: int) -> keras.Model:
        model = Written()
        model.compile("adam", LOGITS)
        return model

    with pytest.raises(InputError, match="graph of a Written is not known before it is called, and ensemble=True"):
        rw.PathClassifier(**SMALL, model=make).fit(X, Y)
    given = {**SMALL, "ensemble": False}
    with pytest.raises(InputError, match="and calibrate puts a layer behind its output"):
        rw.PathClassifier(**given, model=make, calibrate="temperature").fit(X, Y)
    # One network needs no graph, however short the time.
    assert rw.PathClassifier(**{**given, "time_limit": 1}, model=make).fit(X, Y).predict(X).shape == (60,)


def test_models_are_refused_before_they_train(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(2, None, LOGITS)
    monkeypatch.setattr("ridgeway.tables.models.copy_model", lambda given: given)
    with pytest.raises(InputError, match="Keras can't copy a Sequential"):
        check_copies(model, None)
    monkeypatch.setattr("ridgeway.tables.base.train", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(InputError, match="Keras can't copy a Sequential"):
        rw.PathClassifier(**SMALL, model=model, calibrate="temperature").fit(X, Y)


def test_python_s_global_draws_are_left_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    rw.PathClassifier(**SMALL).fit(X, Y)
    assert random.random() == expected


def test_fits_in_threads_are_those_of_one() -> None:
    def fit(seed: int) -> np.ndarray:
        return rw.PathClassifier(**{**SMALL, "random_state": seed}).fit(X, Y).predict_proba(X)

    alone = [fit(seed) for seed in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        for one, other in zip(pool.map(fit, (0, 1)), alone, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_fit_that_fails_leaves_nothing() -> None:
    fitted = rw.PathClassifier(**SMALL).fit(X, Y)
    with pytest.raises(InputError, match="one class alone"):
        fitted.fit(X, np.full(60, "yes"))
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    assert not [name for name in vars(fitted) if name.endswith("_")]


def test_diverged_lanes_are_pickled() -> None:
    error = rw.AllLanesDiverged("All lanes diverged.", path=time)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, rw.AllLanesDiverged) and str(again) == "All lanes diverged." and again.path is None


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (["a", None] * 30, r"y is missing in row 1 \(None\)"),
        (np.array(["a", "b"] * 29 + ["a", float("nan")], object), "y is missing in row 59"),
        (np.array(["a", 1] * 30, object), "mixes text and other labels, such as 'a' and 1"),
        (["a", 1] * 30, "mixes text and other labels, such as 'a' and 1"),
    ],
)
def test_labels_that_cannot_be(y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rw.PathClassifier(**SMALL).fit(X, y)


def test_values_that_are_missing() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"y is missing in row 2 \(<NA>\)"):
        rw.PathRegressor(**SMALL).fit(X, [1.0, 2.0, pandas.NA] * 20)


def test_lazy_frames() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(InputError, match=r"X is a LazyFrame, which holds no rows yet. Pass X.collect\(\)"):
        rw.PathClassifier(**SMALL).fit(polars.DataFrame(X).lazy(), Y)


def test_dates_as_labels(tmp_path: Any) -> None:
    days = np.where(X[:, 0] > 0, np.datetime64("2024-01-01"), np.datetime64("2024-01-02"))
    fitted = rw.PathClassifier(**SMALL, out=tmp_path / "run").fit(X, days)
    assert fitted.predict(X).dtype == days.dtype
    assert rw.load_path(tmp_path / "run").record["extra"]["classes"] == ["2024-01-01", "2024-01-02"]


def test_no_number_of_folds_is_the_default() -> None:
    fitted = rw.PathClassifier(**{**SMALL, "cv": None}).fit(X, Y)
    assert len(fitted.path_.record["folds"]["rows"]) == 3
