"""Each experiment's numbers against a truth from outside: by hand, NumPy, scikit-learn, pandas or Keras itself."""

from __future__ import annotations

import base64
import fcntl
import functools
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.stats
from sklearn.linear_model import Lasso, Ridge
from sklearn.metrics import accuracy_score, log_loss

import ridgeway as rw
from ridgeway.studio.course.experiments import (
    coding,
    covariate_shift,
    dropout,
    early_stopping,
    input_normalization,
    label_smoothing,
    metrics,
    normalizations,
    norms,
    overview,
    playground,
    points,
    saving_best,
    weight_decay,
)
from ridgeway.studio.course.experiments.data import digits, plant
from ridgeway.studio.course.experiments.rounding import plain
from ridgeway.studio.stopping import Stop, replay


@pytest.fixture(scope="module", autouse=True)
def _results(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """Where the processes of one run of the tests find each other's results."""
    own = tmp_path_factory.getbasetemp()
    _FOLDER.append(own if worker_id == "master" else own.parent)


_FOLDER: list[Path] = []


@functools.cache
def result(module: Any) -> dict[str, Any]:
    """What a module computes by its default settings, once, whichever process asks first."""
    with (_FOLDER[-1] / f"{module.__name__}.pickle").open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not file.read(1):
            pickle.dump(_computed(module), file)
            file.flush()
        file.seek(0)
        found: dict[str, Any] = pickle.load(file)
        return found


def _computed(module: Any) -> dict[str, Any]:
    shares: list[float] = []
    found: dict[str, Any] = module.compute(module.Settings(), shares.append)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    return found


def test_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(200, 5)) * 3, random.integers(0, 5, 200)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert metrics.nll(logits, labels) == pytest.approx(log_loss(labels, chances))
    assert metrics.accuracy(logits, labels) == accuracy_score(labels, logits.argmax(1))
    assert metrics.nll(np.stack([logits, 0 * logits]), labels)[1] == pytest.approx(np.log(5))


def test_calibration_error_by_hand():
    # Four rows: two sure by .9 of which one is right, two sure by .6 which are right.
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 1])
    bins = metrics.reliability(np.log(chances), labels, bins=10)
    assert [(one["confidence"], one["accuracy"], one["count"]) for one in bins] == [
        (pytest.approx(0.6), 1.0, 2),
        (pytest.approx(0.9), 0.5, 2),
    ]
    assert metrics.ece(np.log(chances), labels, bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_planted_labels():
    labels = np.arange(100) % 4
    planted = plant(labels, 0.3, 4, np.random.default_rng(0))
    assert (planted != labels).sum() == 30
    assert set(planted) == {0, 1, 2, 3}
    data = digits(3, 200, 0.2)
    assert (data.y != data.clean).sum() == 40
    assert len(data.x) + len(data.x_val) + len(data.x_test) == 1797
    assert data.x.min() == -1 and data.x.max() == 1


def test_results_are_plain():
    assert plain({"a": np.array([1.23456789, np.nan]), 2: (np.int64(3), np.bool_(True), None, "x")}) == {
        "a": [1.2346, None],
        "2": [3, True, None, "x"],
    }


class TestWeightDecay:
    def test_one_step_is_that_of_keras(self):
        data = digits(0, weight_decay.ROWS, 0.2)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
        before = np.asarray(model.layers[-1].kernel, np.float64)
        decay = weight_decay.LAMBDAS[-2]
        optimizer = keras.optimizers.SGD(0.5, weight_decay=decay)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(data.x, data.y, batch_size=len(data.x), epochs=1, verbose=0)
        slope = weight_decay.gradient(before, data.x, data.y)
        by_hand = weight_decay.hand_step(before, slope, 0.5, np.array([decay]))[0]
        np.testing.assert_allclose(np.asarray(model.layers[-1].kernel), by_hand, atol=1e-6)
        step = result(weight_decay)["step"]
        assert max(step["difference"]) < 1e-6
        for one in step["weights"]:
            place = one["pixel"], one["digit"]
            assert one["before"] == before[place]
            assert one["engine"][-2] == pytest.approx(np.asarray(model.layers[-1].kernel)[place], abs=1e-6)

    def test_l2_in_the_loss_is_weight_decay_for_plain_descent_only(self):
        by_name = {one["name"]: one for one in result(weight_decay)["optimizers"]}
        assert max(by_name["sgd"]["difference"]) < 1e-5
        for name in ("momentum", "adam"):
            assert by_name[name]["difference"][0] == 0
            assert min(by_name[name]["difference"][1:]) > 0.01

    def test_more_decay_makes_smaller_weights(self):
        for one in result(weight_decay)["optimizers"]:
            norms_by_strength = one["decoupled"]["norm"]
            assert norms_by_strength == sorted(norms_by_strength, reverse=True)
            assert [sum(counts) for counts in one["decoupled"]["histogram"]] == [64 * 64 + 64 * 10] * 11

    def test_curves_end_at_the_scores(self):
        for one in result(weight_decay)["optimizers"]:
            np.testing.assert_allclose(one["l2"]["curve"][:, -1], one["l2"]["val_nll"], rtol=1e-4)


class Model:
    """What `keras.callbacks.EarlyStopping` asks of a model."""

    stop_training = False

    def get_weights(self) -> list[int]:
        return [0]

    def set_weights(self, weights: Any) -> None:
        pass


class TestEarlyStopping:
    @pytest.mark.parametrize("patience", [0, 1, 2, 3, 7])
    @pytest.mark.parametrize("min_delta", [0.0, 0.02])
    def test_replay_is_the_callback_of_keras(self, patience, min_delta):
        random = np.random.default_rng(patience)
        for _ in range(20):
            curve = np.round(random.normal(size=25).cumsum() * 0.1 + 2, 2).tolist()
            callback = keras.callbacks.EarlyStopping(
                "val_loss", patience=patience, min_delta=min_delta, restore_best_weights=True
            )
            model = Model()
            callback.set_model(model)
            callback.on_train_begin()
            for epoch, value in enumerate(curve):
                callback.on_epoch_end(epoch, {"val_loss": value})
                if model.stop_training:
                    break
            found = replay(curve, patience, min_delta)
            assert (found.stopped, found.kept) == (epoch + 1, callback.best_epoch + 1)

    def test_of_the_question_bank(self):
        curve = [0.90, 0.70, 0.60, 0.62, 0.58, 0.59, 0.61, 0.60, 0.57, 0.65]
        assert replay(curve, 1) == Stop(4, 3, True)
        assert replay(curve, 3) == Stop(8, 5, True)

    def test_stops_are_those_of_the_curves(self):
        found = result(early_stopping)
        for size in found["sizes"]:
            for row, least in enumerate(found["min_deltas"]):
                for place, patience in enumerate(found["patiences"]):
                    stop = replay(size["curve"], patience, least)
                    assert (size["stopped"][row][place], size["kept"][row][place]) == (stop.stopped, stop.kept)
        # Few rows, much noise: the curve of 20 rows moves more from epoch to epoch than that of 800.
        moves = [np.abs(np.diff(size["curve"][10:])).mean() for size in found["sizes"]]
        assert moves[0] > 2 * moves[-1]

    def test_descent_is_that_of_numpy_and_nearly_ridge(self):
        x, y = (np.asarray(part, np.float64) for part in early_stopping.diabetes())
        w, reached = np.zeros(10), {}
        for step in range(1, 257):
            w = w - 0.1 * 2 * x.T @ (x @ w - y) / len(x)
            reached[step] = w
        for row in result(early_stopping)["ridge"]:
            np.testing.assert_allclose(row["descent"], reached[row["epochs"]], atol=2e-5)
            model = Ridge(alpha=row["lambda"] * len(x), fit_intercept=False).fit(x, y)
            np.testing.assert_allclose(row["ridge"], model.coef_, atol=1e-8)
            assert row["cosine"] > 0.98
            assert row["descent_norm"] > row["ridge_norm"]


class TestSavingBest:
    def test_kept_epochs_are_the_best_of_the_curves(self):
        found = result(saving_best)
        curves = found["curves"]
        assert found["kept"]["best"]["epoch"].tolist() == (curves.argmin(1) + 1).tolist()
        assert set(found["kept"]["last"]["epoch"]) == {saving_best.EPOCHS}
        stops = [replay(curve, saving_best.PATIENCE) for curve in curves]
        assert found["kept"]["patience"]["epoch"].tolist() == [stop.kept for stop in stops]
        assert found["kept"]["patience"]["trained"].tolist() == [stop.stopped for stop in stops]

    def test_interval_is_that_of_scipy(self):
        differences = np.random.default_rng(0).normal(size=saving_best.SEEDS)
        found = saving_best.interval(differences)
        low, high = scipy.stats.t.interval(
            0.95, saving_best.SEEDS - 1, differences.mean(), scipy.stats.sem(differences)
        )
        assert (found["low"], found["high"]) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))

    def test_scrubbed_epochs_are_those_of_the_first_seed(self):
        found = result(saving_best)
        np.testing.assert_allclose(found["scrub"]["val_nll"], found["curves"][0], rtol=2e-3)
        best = int(found["kept"]["best"]["epoch"][0])
        assert found["scrub"]["test_nll"][best - 1] == pytest.approx(found["kept"]["best"]["test_nll"][0], rel=2e-3)


class TestDropout:
    def test_both_scalings(self):
        unit = dropout.unit(2.0, 0)
        for place, rate in enumerate(dropout.RATES):
            inverted, classic = unit["inverted"][place], unit["classic"][place]
            assert inverted["survivor"] == pytest.approx(2.0 / (1 - rate), rel=1e-6)
            assert inverted["prediction"] == pytest.approx(2.0)
            assert classic["survivor"] == pytest.approx(2.0)
            assert classic["prediction"] == pytest.approx(2.0 * (1 - rate), rel=1e-6)
            # The mean over masks is what is predicted, to four standard errors.
            error = 2.0 * np.sqrt(rate / (1 - rate) / dropout.MASKS)
            assert abs(inverted["means"][-1] - 2.0) <= 4 * error + 1e-6
            assert abs(classic["means"][-1] - 2.0 * (1 - rate)) <= 4 * error * (1 - rate) + 1e-6
            assert inverted["dropped"] == pytest.approx(dropout.MASKS * rate, abs=4 * np.sqrt(dropout.MASKS) / 2)

    def test_masks_differ_by_sample(self):
        found = dropout.masks(0)
        assert found[0] == ["1" * 16] * 8
        assert len(set(found[5])) == 8

    def test_training_error_without_dropout_is_below_the_loss_with_it(self):
        found = result(dropout)
        for place in range(3, 10):
            assert found["train_nll"][place].mean() < found["train_loss"][place].mean()
        # Overfitting without, less with: what the lesson says.
        assert found["val_nll"][5].mean() < found["val_nll"][0].mean()
        gaps = [(val - train).mean() for val, train in zip(found["val_nll"], found["train_nll"], strict=True)]
        assert gaps[0] > gaps[5] > gaps[9]

    def test_many_masks_come_near_one_pass(self):
        average = result(dropout)["average"]
        assert average["distance"][-1] < 0.6 * average["distance"][0]
        assert average["nll"][-1] < average["nll"][0]


class TestNorms:
    def test_balls(self):
        angles = np.array([0.0, np.pi / 4])
        for p in norms.EXPONENTS:
            expected = 2.0 ** (0.5 if np.isinf(p) else 0.5 - 1.0 / p)
            np.testing.assert_allclose(norms.ball(p, angles), [1.0, expected])

    def test_triangle_inequality_fails_below_one(self):
        for p, found in zip(norms.EXPONENTS, result(norms)["triangle"], strict=True):
            assert found["sum"] == pytest.approx(1.0 if np.isinf(p) else 2.0 ** (1 / p))
            assert (found["sum"] > found["parts"] + 1e-12) == (p < 1)

    @pytest.mark.parametrize("p", [1.25, 2.0, 3.0])
    def test_contact_is_the_minimum_of_scipy(self, p):
        curve, centre = norms._CURVES["tilted"], norms._CENTRE
        best = scipy.optimize.minimize(
            lambda w: (w - centre) @ curve @ (w - centre),
            [0.1, 0.1],
            constraints={"type": "ineq", "fun": lambda w: 0.6 - rw.norm(w, p)},
        )
        np.testing.assert_allclose(norms.contact(p, 0.6, curve)["w"], best.x, atol=2e-3)

    def test_contact_with_round_contours_is_soft_thresholding(self):
        # Among points of the L1 ball, the nearest to (1.15, .55) lowers both by the same amount, but not below 0.
        assert norms.contact(1.0, 1.2, np.eye(2))["w"] == pytest.approx([0.9, 0.3], abs=2e-3)
        assert norms.contact(1.0, 0.4, np.eye(2))["w"].tolist() == [0.4, 0.0]
        assert norms.contact(2.0, 0.4, np.eye(2))["w"][1] > 0.1
        assert norms.contact(2.0, 5.0, np.eye(2))["inside"]

    def test_paths_are_those_of_scikit_learn(self):
        found = result(norms)["paths"]
        x, y = (np.asarray(part, np.float64) for part in early_stopping.diabetes())
        for place, strength in enumerate(norms.STRENGTHS[1:], start=1):
            lasso = Lasso(alpha=strength, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(x, y).coef_
            ridge = Ridge(alpha=strength * len(x), fit_intercept=False).fit(x, y).coef_
            # 2000 steps come near; the nearly collinear blood serums take longest.
            np.testing.assert_allclose(found["l1"]["weights"][place], lasso, atol=0.01)
            np.testing.assert_allclose(found["l2"]["weights"][place], ridge, atol=0.01)
            assert found["l2"]["zeros"][place] == found["subgradient"]["zeros"][place] == 0
            if strength > 0.02:
                assert found["l1"]["zeros"][place] == (lasso == 0).sum()


class TestLabelSmoothing:
    def test_targets_are_those_of_keras(self):
        labels, logits = np.eye(4, dtype="float32"), np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
        for epsilon in (0.15, 0.2, 0.5):
            right, other = label_smoothing.targets(epsilon, 4)
            smoothed = np.where(labels == 1, right, other)
            by_hand = -(smoothed * metrics.log_softmax(logits)).sum(1).mean()
            loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=epsilon)
            assert float(loss(labels, logits)) == pytest.approx(by_hand, rel=1e-5)
        # The lecture's vector is Keras's 0.2, not its 0.15.
        assert label_smoothing.targets(0.2, 4) == (pytest.approx(0.85), pytest.approx(0.05))
        assert label_smoothing.targets(0.15, 4) == (pytest.approx(0.8875), pytest.approx(0.0375))

    def test_optimal_gap(self):
        assert label_smoothing.optimal_gap(0.0, 4) is None
        for epsilon in (0.15, 0.4):
            right, other = label_smoothing.targets(epsilon, 4)

            def loss(gap, right=right, other=other):
                logits = np.array([gap, 0.0, 0.0, 0.0])
                return -np.array([right, other, other, other]) @ metrics.log_softmax(logits)

            best = scipy.optimize.minimize_scalar(loss, bounds=(0, 20), method="bounded").x
            assert label_smoothing.optimal_gap(epsilon, 4) == pytest.approx(best, abs=1e-3)
        assert label_smoothing.optimal_gap(0.15, 4) == pytest.approx(3.164, abs=1e-3)

    def test_gaps_are_bounded_where_labels_are_smoothed(self):
        clean = result(label_smoothing)["shares"][0]["lanes"]
        assert clean[0]["gap"] > 1.5 * label_smoothing.optimal_gap(0.05, 4)
        for lane, epsilon in zip(clean[2:], label_smoothing.EPSILONS[2:], strict=True):
            assert lane["gap"] == pytest.approx(label_smoothing.optimal_gap(epsilon, 4), rel=0.15)

    def test_it_may_worsen_calibration_and_learns_fewer_wrong_labels(self):
        clean, *_, wrong = result(label_smoothing)["shares"]
        assert clean["lanes"][4]["ece"] > clean["lanes"][0]["ece"] + 0.05
        assert wrong["wrong_rows"] == round(0.4 * label_smoothing.ROWS)
        assert wrong["lanes"][-1]["wrong_fitted"] < wrong["lanes"][0]["wrong_fitted"]
        assert clean["lanes"][0]["wrong_fitted"] is None

    def test_a_lane_is_a_fit_on_its_copy(self):
        """Shares of wrong labels go as folds; one of them against Keras's own fit would differ by the order of rows."""
        found = result(label_smoothing)
        assert sum(one["count"] for one in found["shares"][1]["lanes"][0]["bins"]) == 2 * found["test_rows"]
        for share in found["shares"]:
            assert [len(lane["curve"]) for lane in share["lanes"]] == [label_smoothing.EPOCHS] * 9


class TestInputNormalization:
    def test_descents_are_those_of_numpy(self):
        x, y = input_normalization.plane(0)
        np.testing.assert_allclose(x.T @ x / len(x), np.eye(2), atol=1e-12)
        for lane in result(input_normalization)["lanes"]:
            features = input_normalization.stretched(x, lane["stretch"])
            w, steps = np.zeros(2), [np.zeros(2)]
            for _ in range(input_normalization.STEPS):
                w = w - lane["learning_rate"] * 2 * features.T @ (features @ w - y) / len(x)
                steps.append(w)
            np.testing.assert_allclose(lane["weights"], steps, rtol=2e-3, atol=2e-5)

    def test_condition_and_largest_rate(self):
        for shape in result(input_normalization)["stretches"]:
            assert shape["condition"] == pytest.approx(shape["stretch"] ** 2)
            assert shape["largest_rate"] == pytest.approx(1 / shape["stretch"] ** 2)

    def test_steps_to_the_target_are_those_that_were_trained(self):
        found = result(input_normalization)
        shapes = {shape["stretch"]: shape for shape in found["stretches"]}
        arrived = 0
        for lane in found["lanes"]:
            shape, steps = shapes[lane["stretch"]], lane["steps_to_target"]
            left = (lane["loss"] - shape["least"]) / (shape["start"] - shape["least"])
            if lane["diverges"]:
                assert steps is None and lane["loss"][-1] > lane["loss"][0]
            elif steps <= input_normalization.STEPS:
                arrived += 1
                assert np.flatnonzero(left <= 0.01 + 1e-6)[0] == steps
            else:
                assert left[-1] > 0.01
        assert arrived >= 8

    def test_pixels(self):
        found = result(input_normalization)["pixels"]
        by_scale = {one["scale"]: one["epochs_to_target"] for one in found["scales"]}
        assert by_scale["raw"] == [None] * len(found["rates"])
        assert min(filter(None, by_scale["symmetric"])) < min(filter(None, by_scale["unit"]))
        assert input_normalization.arrival(np.array([3.0, 0.4, 0.6]), 0.5) == 2
        assert input_normalization.arrival(np.array([3.0, np.nan]), 0.5) is None


class TestNormalizations:
    AXES = {"batch": (0, 1, 2), "layer": (1, 2, 3), "instance": (1, 2), "keras_layer": (3,)}

    @pytest.mark.parametrize("kind", normalizations.KINDS)
    def test_statistics_are_those_of_numpy(self, kind):
        cube = np.random.default_rng(0).normal(2, 3, (6, 4, 4, 6)).astype("float32")
        found = normalizations.normalized(kind, cube)
        if kind == "group":
            parts = cube.reshape(6, 4, 4, 2, 3)
            mean, spread = parts.mean((1, 2, 4), keepdims=True), parts.std((1, 2, 4), keepdims=True)
            expected = ((parts - mean) / spread).reshape(6, 16, 6)
        else:
            mean, spread = (take(cube, self.AXES[kind], keepdims=True) for take in (np.mean, np.std))
            expected = ((cube - mean) / spread).reshape(6, 16, 6)
        # Both add a thousandth to the variance.
        np.testing.assert_allclose(found["cube"], expected, atol=2e-2)
        np.testing.assert_allclose(sorted(found["means"]), sorted(mean.ravel()), atol=1e-5)
        np.testing.assert_allclose(sorted(found["spreads"]), sorted(spread.ravel()), atol=1e-5)
        for number, value in enumerate(found["means"]):
            members = cube.reshape(6, 16, 6)[found["sets"] == number]
            assert len(members) == found["size"]
            assert members.mean() == pytest.approx(value, abs=1e-5)

    def test_numbers_of_statistics(self):
        found = {one["kind"]: len(one["means"]) for one in result(normalizations)["kinds"]}
        assert found == {"batch": 6, "layer": 6, "instance": 36, "group": 12, "keras_layer": 96}

    def test_batch_statistics_scatter_by_the_root_of_the_size(self):
        for row in result(normalizations)["noise"]:
            assert row["scatter"] == pytest.approx(row["size"] ** -0.5, rel=0.2)
        first = result(normalizations)["noise"][0]
        assert first["size"] == 1 and first["output_size"] == 0

    def test_a_batch_of_one_gives_zeros_in_keras(self):
        layer = keras.layers.BatchNormalization()
        assert np.all(np.asarray(layer(np.array([[3.0, -7.0]], "float32"), training=True)) == 0)

    def test_small_batches_hurt_batch_normalization(self):
        small = result(normalizations)["accuracy"]["sizes"][0]
        assert small["size"] == 2
        assert small["batch"]["accuracy"].mean() < small["none"]["accuracy"].mean()


class TestCovariateShift:
    def test_moments(self):
        none, batch, noisy = result(covariate_shift)["kinds"]
        assert [one["kind"] for one in (none, batch, noisy)] == list(covariate_shift.KINDS)
        for kind in (none, batch, noisy):
            for layer in kind["layers"]:
                assert [sum(epoch["histogram"]) for epoch in layer] == [300 * 32] * covariate_shift.EPOCHS
        # Standardized, up to the small γ and β that have been learned: the first layers stay where they were.
        for epoch in batch["layers"][0]:
            assert abs(epoch["mean"]) < 0.1
            assert 0.9 < epoch["spread"] < 1.2
        moved = {
            kind["kind"]: np.abs(np.diff([epoch["unit_means"] for epoch in kind["layers"][0]], axis=0)).mean()
            for kind in (batch, noisy)
        }
        # The noise moves what batch normalization holds still, and the network learns all the same.
        assert moved["noisy"] > 2 * moved["batch"]
        assert noisy["accuracy"][-1] > 0.8 > none["accuracy"][-1]

    def test_highest_rate_that_still_trains(self):
        ladder = result(covariate_shift)["ladder"]
        highest = {
            (net["activation"], net["kind"]): max(
                (
                    rate
                    for rate, share in zip(ladder["rates"], net["accuracy"], strict=True)
                    if share > ladder["trains"]
                ),
                default=0,
            )
            for net in ladder["nets"]
        }
        for activation in ("sigmoid", "relu"):
            assert highest[activation, "batch"] > highest[activation, "none"]
        for net in ladder["nets"]:
            assert [len(layers) for layers in net["gradients"]] == [4] * len(ladder["rates"])
            assert [len(layers) for layers in net["saturation"]] == [3] * len(ladder["rates"])


class TestCoding:
    def test_codes_are_those_of_pandas(self):
        found = result(coding)
        names = pd.Series(pd.Categorical(["a", "b", "c", "d"]))
        assert found["one_hot"].tolist() == pd.get_dummies(names).astype(int).to_numpy().tolist()
        assert found["dummy"][0].tolist() == pd.get_dummies(names, drop_first=True).astype(int).to_numpy().tolist()
        assert found["dummy"][2].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]

    def test_one_hot_codes_lack_a_rank_beside_an_intercept(self):
        found = result(coding)
        assert found["ranks"] == [4, 4, 4, 4, 4]
        assert found["columns"] == [5, 4, 4, 4, 4]

    def test_lanes_are_the_solutions_of_scikit_learn(self):
        found = result(coding)
        y, groups = coding.answers(0, 4)
        full = np.eye(4)[groups]
        for lanes, code in zip(found["lanes"], [full, *(np.delete(full, one, 1) for one in range(4))], strict=True):
            for lane in lanes:
                if lane["strength"] == 0:
                    np.testing.assert_allclose(lane["predictions"], found["means"], atol=2e-3)
                    continue
                model = Ridge(alpha=lane["strength"] * len(y)).fit(code, y)
                expected = [model.predict(code[groups == one][:1])[0] for one in range(4)]
                np.testing.assert_allclose(lane["predictions"], expected, atol=2e-3)

    def test_a_penalty_makes_the_reference_matter(self):
        lanes = [rows[4]["predictions"] for rows in result(coding)["lanes"]]
        assert np.ptp([lane[2] for lane in lanes]) > 0.3


class TestOverview:
    def test_curves_end_at_the_scores(self):
        found = result(overview)
        assert [racer["name"] for racer in found["racers"]] == list(overview.RACERS)
        for racer in found["racers"]:
            for level in racer["levels"]:
                assert level["curve"][-1] == pytest.approx(level["val_nll"].mean(), rel=1e-3)
                assert len(level["gap"]) == overview.REPEATS

    def test_what_the_lesson_says(self):
        by_name = {racer["name"]: racer["levels"] for racer in result(overview)["racers"]}
        none = by_name["none"][1]["val_nll"].mean()
        for name in ("weight_decay", "dropout", "early_stopping"):
            assert by_name[name][1]["val_nll"].mean() < none
        assert by_name["early_stopping"][0]["stopped"].mean() > by_name["early_stopping"][2]["stopped"].mean()


class TestPlayground:
    def test_regions_and_choices(self):
        found = playground.compute(playground.Settings(), lambda share: None)
        assert len(found["frames"]) == 8
        means = [frame["val_nll"].mean() for frame in found["frames"]]
        assert found["best"] == int(np.argmin(means))
        assert found["one_se"] >= found["best"]
        codes = np.frombuffer(base64.b64decode(found["frames"][0]["region"]), np.uint8)
        assert len(codes) == playground.SIDE**2
        assert set(codes // 64) == {0, 1}
        assert (codes % 64).min() >= 31

    def test_grid_goes_row_by_row_from_the_top(self):
        grid = playground.grid([0.0, 40.0, -20.0, 20.0])
        assert grid[0].tolist() == [0.5, 19.5]
        assert grid[playground.SIDE].tolist() == [0.5, 18.5]

    def test_region_codes(self):
        code = playground.region(np.log(np.array([[0.25, 0.75], [0.5, 0.5]])))
        assert list(base64.b64decode(code)) == [64 + round(0.75 * 63), 0 + round(0.5 * 63)]

    @pytest.mark.parametrize("name", ["circles", "moons", "spirals", "xor"])
    def test_shapes(self, name):
        x, y = points.shape(name, 200, 0.0, 0)
        assert x.shape == (200, 2)
        assert set(y) == {0, 1}
        assert np.abs(x).max() <= 1.3
        noisy, _ = points.shape(name, 200, 0.3, 0)
        assert (noisy - x).std() == pytest.approx(0.3, abs=0.03)

    def test_own_table(self):
        rows = "\n".join(f"{one * 0.1},{-one},{'가' if one % 2 else '나'}" for one in range(24))
        for text in (rows, "x,y,class\n" + rows, "\ufeff" + rows.replace(",", ";")):
            x, y, classes = points.table(text)
            assert x.shape == (24, 2) and classes == ["나", "가"]
            assert y.tolist() == [one % 2 for one in range(24)]
        settings = playground.Settings(data="csv", csv=rows)
        found = playground.compute(settings, lambda share: None)
        assert found["classes"] == ["나", "가"] and len(found["points"]) == 12

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("1,2,a\n" * 5, "The table has 5 rows. Paste 20 to 2000."),
            ("1,2,a\n" * 30, "The third column holds 1 classes. Use 2 to 4."),
            ("1,2\n" * 30, "Row 1 has 2 cells. Give it three: x, y and the class."),
            ("1,2,a\n1,b,a\n" * 20, "Row 2 has no numbers in its first two cells (1, b). Write numbers there."),
            ("1,2,a\nnan,1,b\n" * 20, "Row 2 has no numbers in its first two cells (nan, 1). Write numbers there."),
            ("1,2,a\n" * 2500, "The table has 2500 rows. Paste at most 2000."),
            ("", "The table has 0 rows. Paste 20 to 2000."),
        ],
    )
    def test_tables_that_can_not_be_used(self, text, said):
        with pytest.raises(points.TableError) as error:
            points.table(text)
        assert str(error.value) == said
