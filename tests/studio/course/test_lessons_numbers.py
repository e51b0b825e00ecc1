"""Every number that a lesson states, worked out anew with Keras, NumPy or ridgeway and looked up in both texts."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

import keras

import ridgeway as rw
from ridgeway.studio.course.lessons import source

ROOT = Path(__file__).parents[3]


def said(name: str, *numbers: str) -> None:
    """The numbers stand in both texts of a lesson."""
    for lang in ("ko", "en"):
        text = source(name, lang)
        assert [number for number in numbers if number not in text] == [], (name, lang)


def digits(value: float, places: int) -> str:
    """A number as the texts write it."""
    return f"{value:.{places}f}".replace("-", "−")


def weight(optimizer: Any, gradient: float, steps: int = 1, start: float = 1.0, l2: float = 0.0) -> float:
    """One weight after some updates; `l2` is Keras's, whose gradient is 2 · l2 · w."""
    variable = keras.Variable([start])
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.apply([gradient + 2 * l2 * variable.value], [variable])
    return float(variable.value[0])


def test_overview_overfits() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    rest = (x[-1000:], y[-1000:])
    history = model.fit(x[:100], y[:100], epochs=300, validation_data=rest, verbose=0).history
    assert history["accuracy"][-1] == 1.0 and history["loss"][-1] < 0.002
    assert history["val_accuracy"][-1] == pytest.approx(0.91, abs=0.015)
    assert min(history["val_loss"]) == pytest.approx(0.29, abs=0.02)
    assert history["val_loss"][-1] == pytest.approx(0.33, abs=0.025)
    said("overview", "100%", "91%", "0.002", "0.29", "0.33", "0.003", "64-128-10", "1,000", "300")


def test_weight_decay_by_hand() -> None:
    sgd = keras.optimizers.SGD
    assert weight(sgd(0.1, weight_decay=0.2), 0.4) == pytest.approx(0.94)
    assert weight(sgd(0.1), 0.4) == pytest.approx(0.96)
    assert weight(sgd(0.1, weight_decay=0.2), 0.0, steps=10) == pytest.approx(0.817, abs=5e-4)
    said("weight-decay", "0.94", "0.96", "0.817", "0.98")
    # The first check.
    assert weight(sgd(0.2, weight_decay=0.5), -1.0, start=3.0) == pytest.approx(2.9)
    said("weight-decay", "2.7 + 0.2 = 2.9")


def test_weight_decay_and_l2() -> None:
    sgd, adam = keras.optimizers.SGD, keras.optimizers.Adam
    for steps in (1, 10):
        assert weight(sgd(0.1, weight_decay=0.2), 0.4, steps) == pytest.approx(weight(sgd(0.1), 0.4, steps, l2=0.1))
    heavy = weight(sgd(0.1, momentum=0.9, weight_decay=0.2), 0.4, 10), weight(sgd(0.1, momentum=0.9), 0.4, 10, l2=0.1)
    said("weight-decay", *(digits(value, 3) for value in heavy))
    for l2 in (0.0, 0.1, 10.0):
        assert weight(adam(0.1), 0.4, l2=l2) == pytest.approx(0.90, abs=1e-4)
    assert weight(adam(0.1, weight_decay=0.2), 0.4) == pytest.approx(0.88, abs=1e-4)
    said("weight-decay", "0.90", "0.88")


def test_norms() -> None:
    assert [rw.norm([1, -2, 2], p) for p in (1, 2, np.inf)] == [5, 3, 2]
    assert [rw.norm([2, -1, 2], p) for p in (1, 2)] == [5, 3]
    assert rw.norm([1, 1], 0.5) == 4 and rw.norm([1, 0], 0.5) + rw.norm([0, 1], 0.5) == 2
    grid = np.linspace(-3, 3, 600_001)
    for a, strength, l1, l2 in ((2, 0.5, 1.5, 4 / 3), (0.3, 0.5, 0.0, 0.2), (0.4, 1.0, 0.0, 0.2)):
        fit = (grid - a) ** 2 / 2
        assert grid[np.argmin(fit + strength * abs(grid))] == pytest.approx(l1, abs=1e-4)
        assert grid[np.argmin(fit + strength * grid**2 / 2)] == pytest.approx(l2, abs=1e-4)
    said("norms", "$1.5$", "$1.33$", "$0.2$", "0.4 / 2 = 0.2")


def test_zeros_of_l1() -> None:
    """By a subgradient in the loss none, by a proximal step all 17; with mini-batches fewer."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 20)).astype("float32")
    y = (x @ np.r_[3, -2, 1, np.zeros(17)] + 0.5 * random.normal(size=200)).astype("float32")

    def model(penalty: Any = None, rate: float = 0.1) -> keras.Model:
        keras.utils.set_random_seed(0)
        made = keras.Sequential([keras.Input((20,)), keras.layers.Dense(1, kernel_regularizer=penalty)])
        made.compile(keras.optimizers.SGD(rate), "mse")
        return made

    for penalty in (keras.regularizers.L1(0.5), keras.regularizers.L2(0.5)):
        fitted = model(penalty)
        fitted.fit(x, y, batch_size=200, epochs=100, verbose=0)
        assert not np.any(np.array(fitted.layers[0].kernel) == 0)
    zeros = {}
    for size, rate in ((200, 0.1), (32, 0.01)):
        # The rows are their own validation rows: only the zeros are looked at.
        family = rw.Grid(l1=[0.5])
        path = rw.fit_path(
            model(rate=rate), x, y, family, validation_data=(x, y), batch_size=size, epochs=100, verbose=0
        )
        zeros[size] = 20 * path.table()["zero_share"].iloc[0]
    assert zeros[200] == pytest.approx(17) and zeros[32] < 17
    said("norms", "17")


def stop(curve: list[float], patience: int) -> tuple[int, int]:
    """The epoch where Keras's callback stops and the best one, from 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)
    callback.set_model(model)
    callback.on_train_begin()
    epoch = 0
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    return epoch + 1, callback.best_epoch + 1


def test_patience() -> None:
    curve = [0.80, 0.60, 0.50, 0.53, 0.49, 0.51, 0.52, 0.50, 0.48, 0.47]
    said("early-stopping", " | ".join(f"{value:.2f}"[1:] for value in curve))
    assert [stop(curve, patience) for patience in (0, 1, 2, 3)] == [(4, 3), (4, 3), (7, 5), (8, 5)]
    # Meets epoch 9 and goes on.
    assert stop(curve, 4) == (10, 10)
    # The first check; the lesson after this one counts on three epochs between best and last.
    assert stop([0.9, 0.7, 0.72, 0.71, 0.69, 0.70, 0.70], 2) == (4, 2)
    assert stop([0.9 - 0.1 * n for n in range(9)] + [0.9] * 9, 3) == (12, 9)


def test_early_stopping_is_like_ridge() -> None:
    w = 0.0
    for _ in range(10):
        w -= 0.1 * 1.0 * (w - 1.0)
    assert w == pytest.approx(1 - 0.9**10) == pytest.approx(0.651, abs=5e-4)
    # λ = 1/(ηt) = 1: h/(h + λ).
    assert 1 / (1 + 1 / (0.1 * 10)) == 0.5
    said("early-stopping", "0.651", "0.5")


def test_validation_split_takes_the_tail() -> None:
    labels = np.repeat(np.arange(10), 100)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    # A frozen weight of 1 makes the validation loss tell which rows it was measured on.
    model.layers[-1].kernel.assign([[1.0]])
    history = model.fit(labels[:, None] / 9, np.zeros(1000), validation_split=0.2, epochs=2, verbose=0).history
    expected = np.mean((labels[-200:] / 9) ** 2)
    assert history["val_loss"] == pytest.approx([expected, expected], rel=1e-5)
    assert set(labels[-200:]) == {8, 9} and not {8, 9} & set(labels[:800])


def test_dropout_in_both_ways() -> None:
    sixes = np.full((4000, 10), 6.0, "float32")
    layer = keras.layers.Dropout(0.25, seed=0)
    trained = np.array(layer(sixes, training=True))
    assert set(np.unique(trained)) == {0.0, 8.0} and trained.mean() == pytest.approx(6, abs=0.1)
    assert np.all(np.array(layer(sixes, training=False)) == 6)
    # Each sample has a mask of its own.
    assert len({tuple(row) for row in trained[:50]}) > 10
    classic = rw.layers.ClassicDropout(0.25, seed=0)
    assert np.all(np.array(classic(sixes, training=False)) == 4.5)
    assert set(np.unique(np.array(classic(sixes, training=True)))) == {0.0, 6.0}
    said("dropout", "4.5", "6 ÷ 0.75 = 8", "6 × 0.75 = 4.5")
    assert pytest.approx(1.8) == 3 * 0.6 and np.array(keras.layers.Dropout(0.4)(sixes / 2, training=True)).max() == 5
    said("dropout", "3 \\times 0.6 = 1.8", "3 / 0.6 = 5")
    with pytest.raises(ValueError, match="rate"):
        keras.layers.Dropout(1.1)


def test_dropout_is_off_in_predict() -> None:
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
    x = np.ones((3, 50), "float32")
    assert np.array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))
    assert not np.array_equal(model(x, training=True), model(x, training=True))


def test_standardization() -> None:
    values = np.array([2, 4, 4, 4, 5, 5, 7, 9.0])
    z = (values - values.mean()) / values.std()
    assert (values.mean(), values.std(), z.min(), z.max()) == (5, 2, -1.5, 2)
    assert (9 - 5) / values.std(ddof=1) == pytest.approx(1.871, abs=5e-4)
    assert (70 - 60) / 5 == 2 and (80 - 75) / 10 == 0.5
    said("input-normalization", "1.871", "$-1.5$", "$z = 2$", "$z = 0.5$")
    check = np.array([1, 3, 3, 5.0])
    assert (5 - check.mean()) / check.std() == pytest.approx(1.414, abs=5e-4)
    pixel = np.array([204.0, 102.0])
    np.testing.assert_allclose(keras.layers.Rescaling(1 / 255)(pixel), [0.8, 0.4], rtol=1e-5)
    np.testing.assert_allclose(keras.layers.Rescaling(1 / 127.5, offset=-1)(pixel), [0.6, -0.2], rtol=1e-5)
    # Keras divides by n; a feature that never varies gives 0.
    layer = keras.layers.Normalization()
    layer.adapt(np.stack([values, np.full(8, 3.0)], axis=1))
    found = np.array(layer(np.array([[9.0, 3.0]])))
    np.testing.assert_allclose(found, [[2.0, 0.0]], atol=1e-5)


def test_steps_of_gradient_descent() -> None:
    slow, steps = 1.0, 0
    while slow > 0.01:
        slow -= 0.019 * slow
        steps += 1
    assert abs(steps - 240) <= 1
    # Along the steep direction: below 2/100 it shrinks, above it grows.
    assert abs(1 - 0.019 * 100) < 1 < abs(1 - 0.021 * 100)
    said("input-normalization", "240", "0.981", "0.019", "2/100")


def test_normalizations_average_what_the_table_says() -> None:
    layers = keras.layers
    x = np.random.default_rng(0).normal(5, 3, size=(2, 2, 2, 4)).astype("float32")
    kinds = {
        (0, 1, 2): layers.BatchNormalization(epsilon=1e-7),
        (1, 2, 3): layers.GroupNormalization(groups=1, epsilon=1e-7),
        (1, 2): layers.GroupNormalization(groups=-1, epsilon=1e-7),
        (3,): layers.LayerNormalization(epsilon=1e-7),
    }
    pairs = {}
    for axes, layer in kinds.items():
        made = np.array(layer(x, training=True))
        np.testing.assert_allclose(made.mean(axes), 0, atol=1e-5)
        np.testing.assert_allclose(made.std(axes), 1, atol=1e-3)
        pairs[axes] = made.mean(axes).size
    assert list(pairs.values()) == [4, 2, 8, 8]
    group = np.array(layers.GroupNormalization(groups=2)(x)).reshape(2, 2, 2, 2, 2).mean((1, 2, 4))
    assert group.size == 4 and abs(group).max() < 1e-5
    said("normalizations", "2·2·2 = 8", "2·2·4 = 16", "2·4 = 8", "16·12 = 192", "16·3 = 48")


def test_moving_statistics() -> None:
    for momentum, steps, there in ((0.99, 25, "22%"), (0.99, 459, "99%"), (0.9, 25, "93%"), (0.99, 30, "26%")):
        moved = 0.0
        for _ in range(steps):
            moved = momentum * moved + (1 - momentum)
        assert f"{moved:.0%}" == there
        said("normalizations", there)
    assert keras.layers.BatchNormalization().momentum == 0.99
    alone = keras.layers.BatchNormalization()(np.random.default_rng(0).normal(size=(1, 5)), training=True)
    assert np.all(np.array(alone) == 0)


def test_slopes_and_noise_of_batches() -> None:
    def slope(z: float) -> float:
        s = 1 / (1 + math.exp(-z))
        return s * (1 - s)

    assert slope(0) == 0.25 and digits(slope(4), 4) == "0.0177" and round(slope(0) / slope(4)) == 14
    assert pytest.approx(1e-6, rel=0.05) == 0.25**10
    random = np.random.default_rng(0)
    for size, spread in ((32, 0.177), (256, 0.0625)):
        assert 1 / math.sqrt(size) == pytest.approx(spread, abs=5e-4)
        assert random.normal(size=(4000, size)).mean(1).std() == pytest.approx(spread, rel=0.05)
    said("covariate-shift", "0.0177", "0.177", "0.0625")


def test_measured_claims_are_those_of_the_page() -> None:
    """docs/claims.md is made by `make claims`; when that is run anew these lessons follow."""
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")

    def part(name: str) -> str:
        return page.partition(f'<a id="{name}">')[2].partition("<a id=")[0]

    for name, numbers, verdict in (
        ("saturation", ("0.0243", "0.000814"), "held"),
        ("learning_rate", ("3 without", "4 with"), "held"),
        ("gradients", ("-3.05", "-2.11"), "held"),
        ("covariate_shift", ("0.191", "0.0763"), "held"),
        ("regularizes", ("0.372", "0.349 ± 0.014 with batch", "0.349 ± 0.013 with layer"), "held"),
        ("speed", ("4.5", "3.67"), "not told apart"),
        ("no_dropout_needed", (), "not told apart"),
    ):
        text = part(name)
        assert [number for number in numbers if number not in text] == [], name
        assert f"**{verdict}**" in text
        said("covariate-shift", *(number.split()[0].replace("-", "−") for number in numbers))
    assert re.search(r"20%: 0\.0214 ±.*40%: -0\.00133", part("label_noise")) and "not told apart" in part("label_noise")
    said("label-smoothing", "0.021")


def test_ranks_and_distances() -> None:
    one_hot = np.eye(4)
    intercept = np.ones((4, 1))
    assert np.linalg.matrix_rank(np.hstack([intercept, one_hot])) == 4
    assert np.linalg.matrix_rank(np.hstack([intercept, one_hot[:, 1:]])) == 4
    apart = np.linalg.norm(one_hot[:, None] - one_hot[None], axis=-1)
    np.testing.assert_allclose(apart[~np.eye(4, dtype=bool)], math.sqrt(2))
    dummy = one_hot[:, 1:]
    assert np.linalg.norm(dummy[0] - dummy[1]) == 1 and np.linalg.norm(dummy[1] - dummy[2]) == pytest.approx(2**0.5)
    codes, _ = rw.dummy(["O", "A"], ["A", "B", "AB", "O"])
    assert codes.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert rw.one_hot(["경제"], ["정치", "사회", "경제", "문화"])[0].tolist() == [[0, 0, 1, 0]]


def targets(epsilon: float, classes: int) -> np.ndarray:
    """What Keras smooths a one-hot target to, read off its loss: at equal probabilities its gradient is p − target."""
    import jax

    loss = keras.losses.CategoricalCrossentropy(label_smoothing=epsilon, from_logits=True)
    one_hot = np.eye(classes)[:1]
    gradient = jax.grad(lambda logits: loss(one_hot, logits))(np.zeros((1, classes), "float32"))
    return 1 / classes - np.array(gradient)[0]


@pytest.mark.parametrize(
    ("epsilon", "classes", "right", "other"),
    [(0.1, 5, 0.92, 0.02), (0.15, 4, 0.8875, 0.0375), (0.2, 4, 0.85, 0.05), (0.3, 3, 0.8, 0.1), (0.125, 5, 0.9, 0.025)],
)
def test_smoothed_targets(epsilon: float, classes: int, right: float, other: float) -> None:
    np.testing.assert_allclose(targets(epsilon, classes), [right, *[other] * (classes - 1)], atol=1e-6)
    said("label-smoothing", str(right), str(other))


def test_smoothing_in_losses() -> None:
    losses = keras.losses
    np.testing.assert_allclose(rw.losses.smooth_labels([0], 0.15, 4, "others"), [[0.85, 0.05, 0.05, 0.05]])
    assert rw.losses.uniform_from_others(0.15, 4) == pytest.approx(0.2)
    assert math.log(0.92 / 0.02) == pytest.approx(3.83, abs=5e-3)
    # Two classes: the gap of logits where the loss is least gives the target.
    p = np.linspace(0.5, 0.999, 5000)
    found = [float(losses.BinaryCrossentropy(label_smoothing=0.15)(np.ones((1, 1)), np.array([[q]]))) for q in p[::10]]
    assert p[::10][int(np.argmin(found))] == pytest.approx(0.925, abs=2e-3)
    with pytest.raises(TypeError):
        losses.SparseCategoricalCrossentropy(label_smoothing=0.15)
    goal = np.array([0.8875, *[0.0375] * 3])
    assert -(goal * np.log(goal)).sum() == pytest.approx(0.475, abs=5e-4)
    sure = losses.CategoricalCrossentropy(label_smoothing=0.15, from_logits=True)
    assert float(sure(np.eye(4)[:1], np.array([[10.0, 0, 0, 0]]))) == pytest.approx(1.125, abs=1e-3)
    logits = np.array([[3.0, -1, 0, 1]])
    told = [
        float(losses.SparseCategoricalCrossentropy(from_logits=flag)(np.array([0]), logits)) for flag in (True, False)
    ]
    assert told == pytest.approx([0.185, 0.0], abs=5e-4)
    said("label-smoothing", "3.83", "0.925", "0.075", "0.475", "1.125", "0.185", "0.000")


def test_h5_warns_and_keras_does_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with caplog.at_level("WARNING"):
        model.save(tmp_path / "best_model.keras")
        assert not caplog.records
        model.save(tmp_path / "best_model.h5")
    assert any("legacy" in record.getMessage() for record in caplog.records)
    assert keras.models.load_model(tmp_path / "best_model.h5") is not None


def test_predictions_come_out_as_the_shipped_experiments_do() -> None:
    """What is said of the learner's choices holds for the results that the pages open with."""
    from ridgeway.studio.course.experiments.registry import shipped

    def data(name: str) -> dict[str, Any]:
        found = shipped(name)
        assert found is not None
        return found["data"]

    smoothing = data("label-smoothing")
    ece = {share["share"]: [lane["ece"] for lane in share["lanes"]] for share in smoothing["shares"]}
    accuracy = {share["share"]: [lane["accuracy"] for lane in share["lanes"]] for share in smoothing["shares"]}
    # 20 %: more accurate, worse calibrated at every strength; 40 %: calibrated better, then worse.
    assert accuracy[0.2][3] > accuracy[0.2][0] and min(ece[0.2]) == ece[0.2][0]
    assert 0 < int(np.argmin(ece[0.4])) < 4 and ece[0.4][-1] > ece[0.4][0]
    saved = data("saving-best")["curves"]
    assert sum(min(curve) < curve[-1] for curve in saved) >= 0.9 * len(saved)
    rates = data("dropout")
    train, val = (np.mean(rates[key], axis=1) for key in ("train_nll", "val_nll"))
    assert train[8] > train[0] and 0 < int(np.argmin(val)) < 9 and val[8] > val.min() < val[0]
    lanes = data("input-normalization")["lanes"]
    steps = {lane["stretch"]: lane["steps_to_target"] for lane in lanes if lane["rate"] == 0.25}
    assert steps[8.0] > 20 * steps[1.0]
