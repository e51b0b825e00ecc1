"""Ensembles of lanes, against predictions of the lanes' own models and scikit-learn's metrics."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy import special
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

import ridgeway as rw
from ridgeway.ensembling.merged import merged_model

random = np.random.default_rng(3)
X = random.normal(size=(240, 5)).astype("float32")
Y = np.digitize(X[:, 0] + X[:, 1] ** 2 + random.normal(size=240), [0.0, 1.5]).astype("int32")
FAMILY = rw.Grid(dropout=[0.0, 0.3], weight_decay=[0.0, 0.05])


def build(outputs=3, loss=None, activation=None, metrics=("accuracy",)):
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(12, activation="relu"),
            layers.Dropout(0.0),
            layers.Dense(outputs, activation=activation),
        ]
    )
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=list(metrics))
    return model


def fit(model=None, y=Y, family=FAMILY, **arguments):
    arguments = {"validation_split": 0.3, "epochs": 6, "verbose": 0, "repeats": 2, **arguments}
    return rw.fit_path(model or build(), X, y, family, **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ensemble") / "run"


@pytest.fixture(scope="module")
def path(folder):
    return fit(test_split=0.25, out=folder)


def outputs_of(model, x):
    """As `model.predict`, without compiling a program for each model."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(x, training=False))


def mean_of(path, counts, x, into=lambda outputs: outputs):
    total = sum(counts.values())
    return sum(into(outputs_of(path.model(lane), x)) * count / total for lane, count in counts.items())


def softmax(outputs):
    return special.softmax(outputs.astype(np.float64), axis=-1)


# --- predictions ----------------------------------------------------------------------------------------------------


def test_predictions_of_lanes_are_their_models_own(path):
    found = path.predict(X[:100], batch_size=32)
    assert found.shape == (8, 100, 3)
    for lane in range(8):
        np.testing.assert_allclose(found[lane], outputs_of(path.model(lane), X[:100]), atol=2e-6)
    np.testing.assert_array_equal(path.predict(X[:5], lanes=3)[0], path.predict(X[:5], lanes=[1, 3])[1])


def test_predictions_of_lanes_of_several_structures_and_from_a_directory(tmp_path):
    own = fit(family=rw.Grid(normalization=["none", "batch"], dropout=[0.0, 0.2]), out=tmp_path / "run", repeats=1)
    read = rw.load_path(tmp_path / "run")
    for lane in range(4):
        wanted = outputs_of(own.model(lane), X)
        np.testing.assert_allclose(own.predict(X, lane)[0], wanted, atol=5e-6)
        np.testing.assert_allclose(read.predict(X, lane)[0], wanted, atol=5e-6)


def test_what_a_lane_varies_at_prediction_is_its_own():
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(8), keras.layers.LeakyReLU(0.1, name="leaky"), keras.layers.Dense(3)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    own = rw.fit_path(
        model, X, Y, rw.Grid(**{"leaky.negative_slope": [0.0, 0.5]}), validation_split=0.3, epochs=1, verbose=0
    )
    for lane in (0, 1):
        np.testing.assert_allclose(own.predict(X)[lane], outputs_of(own.model(lane), X), atol=2e-6)


def test_wrong_rows_and_lanes_are_refused(path):
    with pytest.raises(rw.errors.InputError, match="no lane 99"):
        path.predict(X, lanes=99)
    with pytest.raises(rw.errors.InputError, match="names no lane"):
        path.predict(X, lanes=[])
    with pytest.raises(rw.errors.InputError, match="numbers of rows"):
        path.predict(X[:0])


# --- which lanes ----------------------------------------------------------------------------------------------------


def test_the_score_is_scikit_learns_of_the_mean_probabilities(path):
    found, held = path.select_ensemble(4), path.parts.validation
    mean = mean_of(path, found.counts, held.x, softmax)
    assert found.validation == pytest.approx(log_loss(held.y, mean), rel=1e-4)
    losses = [log_loss(held.y, softmax(outputs_of(path.model(lane), held.x))) for lane in range(8)]
    assert found.single_lanes == (int(np.argmin(losses)),)
    assert found.single_validation == pytest.approx(min(losses), rel=1e-4)
    assert found.validation <= found.single_validation and found.candidates == 8 and found.rows == 55
    assert sum(found.counts.values()) == len(found.trace) <= 4


def test_the_first_pair_is_the_best_pair_with_the_best_lane(path):
    found, held = path.select_ensemble(2), path.parts.validation
    alone = found.single_lanes[0]
    losses = [
        log_loss(held.y, mean_of(path, {alone: 1, lane: 1}, held.x, softmax)) for lane in range(8) if lane != alone
    ]
    assert found.trace[-1] == pytest.approx(min(*losses, found.single_validation), rel=1e-4)


def test_test_rows_and_their_intervals(path):
    found, test = path.select_ensemble(), path.parts.test
    both = log_loss(test.y, mean_of(path, found.counts, test.x, softmax))
    alone = log_loss(test.y, mean_of(path, dict.fromkeys(found.single_lanes, 1), test.x, softmax))
    assert found.test.value == pytest.approx(both, rel=1e-4) and found.single_test.value == pytest.approx(
        alone, rel=1e-4
    )
    assert found.gain.value == pytest.approx(alone - both, abs=1e-5) and found.test_rows == 60
    # The standard error of a mean of rows, from which a percentile interval of the bootstrap is not far.
    rows = -np.log(mean_of(path, found.counts, test.x, softmax)[np.arange(60), test.y])
    half = 1.96 * rows.std(ddof=1) / np.sqrt(60)
    assert found.test.high - found.test.low == pytest.approx(2 * half, rel=0.25)
    assert found.gain.low <= found.gain.value <= found.gain.high


def test_with_folds_each_row_is_predicted_by_the_lane_that_did_not_see_it():
    own = fit(cv=3, validation_split=0.0)
    found = own.select_ensemble(3)
    assert found.rows == 240 and all(len(member.lanes) == 3 for member in found.members)
    table, total = own.table().set_index("lane"), sum(member.count for member in found.members)
    mean = np.zeros((240, 3))
    for member in found.members:
        for lane in member.lanes:
            rows = own.parts.folds.held_out[table.loc[lane, "fold"]]
            mean[rows] += member.count / total * softmax(outputs_of(own.model(lane), X[rows]))
    np.testing.assert_allclose(mean.sum(1), 1.0)
    assert found.validation == pytest.approx(log_loss(Y, mean), rel=1e-4)
    np.testing.assert_allclose(
        softmax(own.ensemble(3).predict(X, verbose=0)), mean_of(own, found.counts, X, softmax), atol=1e-5
    )


def test_by_another_metric_than_the_loss():
    stop = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=9, restore_best_weights=True)
    own = fit(callbacks=stop)
    found, held = own.select_ensemble(3), own.parts.validation
    mean = mean_of(own, found.counts, held.x, softmax)
    assert found.mode == "max" and found.metric == "val_accuracy"
    assert found.validation == pytest.approx(accuracy_score(held.y, mean.argmax(1)), abs=1e-6)
    assert found.validation >= found.single_validation


def test_seeds_only_are_the_repeats_of_the_chosen_configuration():
    own = fit(repeats=3)
    found = own.select_ensemble(8, "seeds")
    assert tuple(found.counts) == own.best.lanes and set(found.counts.values()) == {1}
    assert found.chosen_by == "seeds" and found.candidates == 3
    held = own.parts.validation
    assert found.validation == pytest.approx(log_loss(held.y, mean_of(own, found.counts, held.x, softmax)), rel=1e-4)
    assert len(own.select_ensemble(2, "seeds").counts) == 2


def test_other_rows_to_choose_by(path):
    x, y = X[:50], Y[:50]
    found = path.select_ensemble(3, x=x, y=y)
    assert found.rows == 50
    assert found.validation == pytest.approx(log_loss(y, mean_of(path, found.counts, x, softmax)), rel=1e-4)


def test_lanes_that_diverged_are_no_candidates():
    own = fit(family=rw.Grid(learning_rate=[0.02, 1e30]), repeats=1)
    assert (own.table()["stopped"] == "diverged").sum() == 1
    assert own.select_ensemble(3).candidates == 1


# --- one model ------------------------------------------------------------------------------------------------------


def test_the_model_gives_the_mean_of_probabilities_as_logits(path):
    found, model = path.select_ensemble(5), path.ensemble(5)
    np.testing.assert_allclose(softmax(model.predict(X, verbose=0)), mean_of(path, found.counts, X, softmax), atol=1e-6)
    held = path.parts.validation
    logs = model.evaluate(held.x, held.y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(found.validation, rel=1e-5) and "accuracy" in logs


def merged(own, into=lambda outputs: outputs, x=X):
    """The ensemble's outputs and what they should be, with two different members at least."""
    counts = {0: 2, 1: 1, 3: 1}
    return merged_model(own, counts).predict(x, verbose=0), mean_of(own, counts, x, into)


def test_logits_of_yes_and_no():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    found, wanted = merged(fit(build(1, loss), (Y > 0).astype("float32")), special.expit)
    np.testing.assert_allclose(special.expit(found), wanted, atol=1e-6)


def test_logits_that_are_far_apart_stay_finite():
    found, wanted = merged(fit(build()), softmax, X * 1e4)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(softmax(found), wanted, atol=1e-5)


def test_probabilities_and_values_are_averaged_as_they_are():
    found, wanted = merged(fit(build(3, "sparse_categorical_crossentropy", "softmax")))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    own = fit(build(1, "mse", metrics=("mae",)), X[:, :1] * 2)
    found, wanted = merged(own)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    held, choice = own.parts.validation, own.select_ensemble(3)
    assert choice.validation == pytest.approx(mean_squared_error(held.y, mean_of(own, choice.counts, held.x)), rel=1e-3)


def two_headed(structure):
    keras.utils.set_random_seed(1)
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((3,), name="b")}
    hidden = keras.layers.Dense(8, activation="relu")(keras.layers.Concatenate()([inputs["a"], inputs["b"]]))
    kind = keras.layers.Dense(3, name="kind")(keras.layers.Dropout(0.0)(hidden))
    amount = keras.layers.Dense(1, name="amount")(hidden)
    model = keras.Model(inputs, {"kind": kind, "amount": amount} if structure is dict else [kind, amount])
    losses = {"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "amount": "mse"}
    model.compile("adam", losses)
    return model


@pytest.mark.parametrize("structure", [dict, list])
def test_several_inputs_and_outputs(structure):
    x = {"a": X[:, :2], "b": X[:, 2:]}
    y = {"kind": Y, "amount": X[:, :1]}
    y = y if structure is dict else [y["kind"], y["amount"]]
    own = rw.fit_path(two_headed(structure), x, y, FAMILY, validation_split=0.3, epochs=3, verbose=0)
    found = own.select_ensemble(3)
    model = own.ensemble(3)
    each = {lane: outputs_of(own.model(lane), x) for lane in found.counts}
    total = sum(found.counts.values())

    def mean(place, into):
        return sum(into(each[lane][place]) * count / total for lane, count in found.counts.items())

    outputs = model.predict(x, verbose=0)
    kind, amount = ("kind", "amount") if structure is dict else (0, 1)
    np.testing.assert_allclose(softmax(outputs[kind]), mean(kind, softmax), atol=1e-5)
    np.testing.assert_allclose(outputs[amount], mean(amount, lambda value: value), atol=1e-5)
    assert own.predict(x)[kind].shape == (4, 240, 3)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert np.isfinite(logs["loss"])


def test_the_file_needs_keras_only(path, tmp_path):
    path.ensemble(16).save(tmp_path / "ensemble.keras")
    np.save(tmp_path / "x.npy", X)
    code = (
        "import keras, numpy, sys; model = keras.models.load_model('ensemble.keras');"
        "numpy.save('out.npy', model.predict(numpy.load('x.npy'), verbose=0)); assert 'ridgeway' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), path.ensemble(16).predict(X, verbose=0), atol=1e-6)


# --- directories and reports ----------------------------------------------------------------------------------------


def test_a_path_that_was_read_knows_the_reports_ensemble(path, folder):
    read = rw.load_path(folder)
    assert read.select_ensemble(16) == path.select_ensemble(16)
    np.testing.assert_allclose(read.ensemble().predict(X, verbose=0), path.ensemble().predict(X, verbose=0), atol=1e-6)
    with pytest.raises(rw.errors.InputError, match=r"Pass x and y, or take the one that is noted, by k=16\."):
        read.ensemble(4)
    assert read.select_ensemble(4, x=X, y=Y).rows == 240


def test_the_report_shows_both_scores_in_both_languages(path, tmp_path):
    found = path.select_ensemble()
    for lang, word in (("en", "Better together"), ("ko", "함께 쓰면 더 좋은가")):
        path.report(tmp_path / "r.html", lang=lang)
        page = (tmp_path / "r.html").read_text()
        assert word in page and 'id="ensemble"' in page
        assert f"{found.members[0].count}/{sum(found.counts.values())}" in page


def test_without_test_rows_the_report_warns(tmp_path):
    fit(repeats=1, epochs=2).report(tmp_path / "r.html")
    assert "Set test rows aside" in (tmp_path / "r.html").read_text()


# --- what can't be done ---------------------------------------------------------------------------------------------


def test_wrong_requests(path):
    with pytest.raises(rw.errors.InputError, match="k=0"):
        path.ensemble(0)
    with pytest.raises(rw.errors.InputError, match="members='best'"):
        path.ensemble(3, "best")
    with pytest.warns(UserWarning, match="No validation data"):
        own = fit(validation_split=0.0, repeats=2, epochs=1)
    with pytest.raises(rw.errors.InputError, match="this path holds none"):
        own.ensemble(3)
    assert len(own.select_ensemble(3, "seeds").counts) == 2


def test_a_class_that_keras_cannot_copy_is_refused():
    class Own(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.hidden, self.out = keras.layers.Dense(width), keras.layers.Dense(3)

        def call(self, x):
            return self.out(keras.ops.relu(self.hidden(x)))

    model = Own(4)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    own = fit(model, family=rw.Grid(weight_decay=[0.0, 0.1]), repeats=1, epochs=2)
    assert own.predict(X).shape == (2, 240, 3)
    with pytest.raises(rw.errors.InputError, match="can't copy a Own"):
        merged_model(own, {0: 1, 1: 1})
