"""`PathClassifier` against scikit-learn and against what its words mean."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import ridgeway as rw
from ridgeway.tables.members import Members, held_out_means
from small_search import small_search

# A search of seconds, that no clock ends.
SMALL = small_search(epochs=40)


@pytest.fixture(scope="module")
def wine() -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, np.ndarray]:
    x, y = load_wine(return_X_y=True, as_frame=True)
    return tuple(train_test_split(x, np.array(["a", "b", "c"])[y], random_state=0, stratify=y))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def fitted(wine: Any, tmp_path_factory: pytest.TempPathFactory) -> rw.PathClassifier:
    """Calibrated, with a run's directory."""
    out = tmp_path_factory.mktemp("wine") / "run"
    return rw.PathClassifier(**SMALL, calibrate="temperature", out=out).fit(wine[0], wine[2])


def test_it_is_as_good_as_logistic_regression(wine: Any, fitted: rw.PathClassifier) -> None:
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(wine[0], wine[2])
    assert fitted.score(wine[1], wine[3]) >= linear.score(wine[1], wine[3]) - 0.05
    assert fitted.classes_.tolist() == ["a", "b", "c"] and fitted.n_features_in_ == 13


def test_defaults_need_no_thought(wine: Any) -> None:
    fitted = rw.PathClassifier(time_limit=30).fit(wine[0], wine[2])
    assert fitted.score(wine[1], wine[3]) > 0.85
    assert "members" in str(fitted.ensemble_)


def test_breast_cancer_without_an_ensemble() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, random_state=0)
    single = rw.PathClassifier(**SMALL, ensemble=False, rule="one_se").fit(x, y)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    assert single.score(x_test, y_test) >= linear.score(x_test, y_test) - 0.03
    # One network, trained on all rows.
    assert single.model_.count_params() == single.path_.given_model().count_params()


def test_probabilities_are_those_of_the_model(wine: Any, fitted: rw.PathClassifier) -> None:
    shares = fitted.predict_proba(wine[1])
    logits = fitted.model_.predict(fitted.preparation_.transform(wine[1]), verbose=0)
    np.testing.assert_allclose(shares, softmax(np.asarray(logits, np.float64), axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.predict_log_proba(wine[1]), np.log(shares), rtol=1e-6)
    np.testing.assert_array_equal(fitted.predict(wine[1]), fitted.classes_[shares.argmax(axis=1)])


def test_a_row_alone_is_predicted_as_among_others(wine: Any, fitted: rw.PathClassifier) -> None:
    together = fitted.predict_proba(wine[1])
    alone = np.concatenate([fitted.predict_proba(wine[1].iloc[[row]]) for row in range(5)])
    np.testing.assert_array_equal(alone, together[:5])


def test_the_temperature_is_that_of_held_out_rows(fitted: rw.PathClassifier) -> None:
    plain = clone(fitted).set_params(calibrate=None, out=None).fit(*_rows_of(fitted))
    x = plain.preparation_.transform(_rows_of(fitted)[0])
    one, other = (np.asarray(model.model_.predict(x, verbose=0)) for model in (plain, fitted))
    np.testing.assert_allclose(one / fitted.temperature_, other, rtol=1e-4, atol=1e-4)
    assert plain.temperature_ == 1
    # No other temperature has a smaller log loss on rows that their lanes did not train on.
    rows, means = held_out_means(fitted._evidence.members)

    def loss(t: float) -> float:
        return -np.log(softmax(np.log(means) / t, axis=1)[np.arange(len(rows)), fitted._evidence.labels[rows]]).mean()

    assert loss(fitted.temperature_) <= min(map(loss, np.linspace(0.3, 3, 50)))


def _rows_of(fitted: rw.PathClassifier) -> tuple[pd.DataFrame, np.ndarray]:
    x, y = load_wine(return_X_y=True, as_frame=True)
    x, _, y, _ = train_test_split(x, np.array(["a", "b", "c"])[y], random_state=0, stratify=y)
    return x, y


def test_the_model_needs_no_ridgeway(wine: Any, fitted: rw.PathClassifier, tmp_path: Path) -> None:
    fitted.model_.save(tmp_path / "wine.keras")
    np.save(tmp_path / "x.npy", fitted.preparation_.transform(wine[1]))
    code = """
import sys
import numpy as np, keras
model = keras.models.load_model("wine.keras")
np.save("found.npy", model.predict(np.load("x.npy"), verbose=0))
assert "ridgeway" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "found.npy").astype(np.float64)
    np.testing.assert_allclose(softmax(found, axis=1), fitted.predict_proba(wine[1]), rtol=1e-4, atol=1e-6)


def test_the_run_s_directory_holds_the_model(wine: Any, fitted: rw.PathClassifier) -> None:
    best = keras.models.load_model(Path(fitted.out) / "best.keras")
    x = fitted.preparation_.transform(wine[1])
    np.testing.assert_allclose(best.predict(x, verbose=0), fitted.model_.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    again = rw.load_path(fitted.out)
    assert again.record["extra"]["classes"] == ["a", "b", "c"]
    # Single lanes are still to be had.
    assert again.model(0).count_params() > 0


def test_the_order_of_rows_changes_nothing(wine: Any) -> None:
    order = np.random.default_rng(0).permutation(len(wine[0]))
    one = rw.PathClassifier(**SMALL).fit(wine[0], wine[2])
    other = rw.PathClassifier(**SMALL).fit(wine[0].iloc[order], wine[2][order])
    np.testing.assert_array_equal(one.predict_proba(wine[1]), other.predict_proba(wine[1]))


def test_class_weights_are_sample_weights(wine: Any) -> None:
    weight = {"a": 0.5, "b": 1.0, "c": 2.0}
    by_class = rw.PathClassifier(**SMALL, class_weight=weight).fit(wine[0], wine[2])
    by_row = rw.PathClassifier(**SMALL).fit(wine[0], wine[2], sample_weight=[weight[label] for label in wine[2]])
    np.testing.assert_array_equal(by_class.predict_proba(wine[1]), by_row.predict_proba(wine[1]))
    counts = pd.Series(wine[2]).value_counts()
    balanced = rw.PathClassifier(**SMALL, class_weight="balanced").fit(wine[0], wine[2])
    by_hand = {label: len(wine[2]) / (3 * count) for label, count in counts.items()}
    by_row = rw.PathClassifier(**SMALL, class_weight=by_hand).fit(wine[0], wine[2])
    np.testing.assert_array_equal(balanced.predict_proba(wine[1]), by_row.predict_proba(wine[1]))


def mixed(rows: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    """A table of all kinds of columns, with missing cells; y is told by colour and size."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "size": random.normal(size=rows),
            "noise": random.normal(size=rows),
            "colour": pd.Categorical(random.choice(["red", "green", "blue"], rows)),
            "new": random.random(rows) < 0.5,
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 700, rows), unit="D"),
        }
    )
    y = np.where((frame["colour"] == "red") ^ (frame["size"] > 0), "yes", "no")
    frame.loc[::17, "size"] = np.nan
    frame.loc[::23, "colour"] = np.nan
    return frame, y


def test_importances_and_a_table_of_all_kinds() -> None:
    frame, y = mixed(300)
    fitted = rw.PathClassifier(**SMALL).fit(frame, y)
    assert fitted.score(frame, y) > 0.85
    found = pd.Series(fitted.feature_importances_, frame.columns)
    assert set(found.nlargest(2).index) == {"size", "colour"} and found[["size", "colour"]].min() > 0.06
    assert found[["noise", "new", "when"]].abs().max() < 0.05
    # They are kept, and given as copies.
    fitted.feature_importances_[:] = 0
    np.testing.assert_array_equal(fitted.feature_importances_, found)


def test_importances_as_scikit_learn_has_them() -> None:
    frame, _ = mixed(400)
    numbers = frame[["size", "noise"]].fillna(0)
    y = np.where(numbers["size"] > 0, 1, 0)
    fitted = rw.PathClassifier(**SMALL).fit(numbers[:300], y[:300])
    theirs = permutation_importance(fitted, numbers[300:], y[300:], n_repeats=20, random_state=0)
    np.testing.assert_allclose(fitted.feature_importances_, theirs.importances_mean, atol=0.08)


def test_the_group_lasso_selects_columns() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 6))
    y = (x[:, 1] - x[:, 4] > 0).astype(int)
    # Adam moves weights by about its rate a step, whatever the gradient: strengths are of that order too.
    given = {**SMALL, "epochs": 150, "family": rw.Grid(group_lasso=[5.0])}
    lasso = rw.PathClassifier(**given, ensemble=False).fit(x, y)
    assert lasso.selected_features_.tolist() == [False, True, False, False, True, False]
    assert lasso.score(x, y) > 0.85
    # Columns that one of several networks uses are used.
    together = rw.PathClassifier(**given).fit(x, y)
    assert together.selected_features_[[1, 4]].all()


def test_the_ensemble_is_what_time_was_left_for(wine: Any, fitted: rw.PathClassifier) -> None:
    chosen = fitted._evidence.members
    assert chosen.ensemble is not None
    four = (replace(chosen.members[0], count=4),)
    members = replace(chosen, members=four, ensemble=replace(chosen.ensemble, members=four))
    # Planned is less than what is left: of two one.
    model, ensemble = members.predicting(2 * members._cost(four[0]))
    assert ensemble is not None and ensemble.left_out == 3 and ensemble.members[0].count == 1
    assert "these are scores of 4, of which time left 3 out" in str(ensemble)
    assert model.count_params() == fitted.path_.given_model().count_params()


def test_more_predictions_than_an_ensemble_is_worth(
    wine: Any, fitted: rw.PathClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ridgeway.tables.members.noted_ensemble", lambda path: None)
    found = Members.chosen(fitted.path_, True, "best")
    assert found.ensemble is not None and found.ensemble.chosen_by == "seeds" and found.ensemble.candidates == 1


def test_selection_without_a_method_that_selects(wine: Any) -> None:
    fitted = rw.PathClassifier(**SMALL).fit(wine[0], wine[2])
    with pytest.raises(AttributeError, match="takes a family that removes features.* varies weight_decay"):
        fitted.selected_features_  # noqa: B018


def test_polars_frames_are_those_of_pandas() -> None:
    polars = pytest.importorskip("polars")
    frame, y = mixed()
    one = rw.PathClassifier(**SMALL).fit(frame, y)
    given = polars.from_pandas(frame)
    other = rw.PathClassifier(**SMALL).fit(given, polars.Series(y))
    np.testing.assert_array_equal(one.predict_proba(frame), other.predict_proba(given))
    assert other.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        other.predict(given.rename({"size": "width"}))


def test_pipelines_scores_grids() -> None:
    frame, y = mixed()
    pipeline = make_pipeline(FunctionTransformer(), rw.PathClassifier(**SMALL))
    assert pipeline.fit(frame, y).predict(frame).shape == (120,)
    scores = cross_val_score(rw.PathClassifier(**SMALL), frame, y, cv=StratifiedKFold(2), scoring="neg_log_loss")
    assert np.isfinite(scores).all()
    grid = GridSearchCV(rw.PathClassifier(**SMALL), {"ensemble": [True, False]}, cv=2).fit(frame, y)
    assert set(grid.best_params_) == {"ensemble"} and grid.predict(frame).shape == (120,)
    again = clone(grid.best_estimator_)
    assert not hasattr(again, "path_") and again.get_params()["epochs"] == 40


def test_groups_by_metadata_routing() -> None:
    frame, y = mixed()
    groups = np.arange(120) // 10
    small = {**SMALL, "epochs": 3, "cv": GroupKFold(2)}
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        rw.PathClassifier(**small).fit(frame, y)
    fitted = rw.PathClassifier(**small).fit(frame, y, groups=groups)
    assert sorted(fitted.path_.record["folds"]["rows"]) == [60, 60]
    with config_context(enable_metadata_routing=True):
        asking = rw.PathClassifier(**small).set_fit_request(groups=True)
        scores = cross_val_score(asking, frame, y, cv=GroupKFold(2), params={"groups": groups})
    assert np.isfinite(scores).all()


def test_without_halving_there_are_effects() -> None:
    frame, y = mixed()
    fitted = rw.PathClassifier(**{**SMALL, "epochs": 9}, halving=None).fit(frame, y)
    assert fitted.path_.effects()["pairs"].tolist() == [2] and fitted.path_.record["halving"] is None


def softmax_outputs(features: int, outputs: int) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((features,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(outputs, "softmax")]
    )
    model.compile("adam", "categorical_crossentropy")
    return model


def one_output(features: int, outputs: int) -> keras.Model:
    assert outputs == 2
    model = keras.Sequential([keras.Input((features,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("ensemble", [True, False])
@pytest.mark.parametrize("model", [softmax_outputs, one_output])
def test_models_of_ones_own(model: Any, ensemble: bool) -> None:
    frame, _ = mixed()
    y = np.where(frame["size"].fillna(0) > 0, "yes", "no")
    given = {**SMALL, "epochs": 150, "ensemble": ensemble}
    fitted = rw.PathClassifier(model=model, **given).fit(frame, y)
    assert fitted.score(frame, y) > 0.8
    shares = fitted.predict_proba(frame)
    assert shares.shape == (120, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    # A model that is compiled already.
    again = rw.PathClassifier(model=model(fitted.preparation_.transform(frame).shape[1], 2), **given)
    assert clone(again).fit(frame, y).score(frame, y) > 0.8


def test_classes_with_hardly_a_row() -> None:
    frame, y = mixed()
    y = y.astype(object)
    y[:1], y[1:3] = "rare", "rarer"
    fitted = rw.PathClassifier(**{**SMALL, "cv": 3}).fit(frame, y)
    assert fitted.classes_.tolist() == ["no", "rare", "rarer", "yes"]
    assert fitted.predict_proba(frame).shape == (120, 4)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"calibrate": "platt"}, "calibrate='platt' is unknown. Pass None or 'temperature'"),
        ({"rule": "first"}, "rule='first' is unknown"),
        ({"model": "mlp"}, "model='mlp' is no model"),
        ({"cv": 1}, "cv=1 is no number of folds"),
        ({"time_limit": -1}, "time_limit"),
        ({"epochs": 0}, "epochs=0 is no whole number above 0"),
        ({"class_weight": "even"}, "class_weight='even' is unknown"),
        ({"calibrate": "temperature", "model": softmax_outputs}, "divides logits, and the model gives probabilities"),
        ({"family": {"dropout": [0]}}, "Pass one such as ridgeway.Grid"),
    ],
)
def test_parameters_that_cannot_be(parameters: dict[str, Any], said: str) -> None:
    frame, y = mixed()
    with pytest.raises(ValueError, match=said):
        rw.PathClassifier(**{**SMALL, **parameters}).fit(frame, y)


def test_numpy_s_global_draws_are_left_alone() -> None:
    np.random.seed(5)
    expected = np.random.random(2)[1]
    np.random.seed(5)
    np.random.random()
    rw.PathClassifier(**SMALL).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert np.random.random() == expected


def test_one_class() -> None:
    with pytest.raises(ValueError, match="y has one class alone, 'yes'"):
        rw.PathClassifier(**SMALL).fit([[0.0], [1.0]], ["yes", "yes"])
