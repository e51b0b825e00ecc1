"""What the bank computes and states, against Keras and NumPy."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import keras
import numpy as np
import pytest
from keras import layers, losses, optimizers

from ridgeway.studio.quiz import load_bank
from ridgeway.studio.quiz.check import combinations
from ridgeway.studio.quiz.draw import values_from
from ridgeway.studio.quiz.expressions import evaluate

BANK = load_bank()


def drawn(question_id: str) -> list[dict[str, Any]]:
    """All values that a question can have, its answer included."""
    question = BANK.question(question_id)
    return [values_from(BANK, question, parameters) for parameters in combinations(question)]


def stepped(optimizer: optimizers.Optimizer, w: float, g: float, times: int = 1) -> float:
    weight = keras.Variable(w, dtype="float32", name="bias")
    for _ in range(times):
        optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float32")], [weight])
    return float(weight.numpy())


def test_one_step_of_sgd() -> None:
    for one in drawn("decay-plain-step"):
        assert stepped(optimizers.SGD(one["eta"]), one["w"], one["g"]) == pytest.approx(one["answer"], rel=1e-5)
    for one in drawn("decay-step"):
        optimizer = optimizers.SGD(one["eta"], weight_decay=one["lam"])
        # The name of the variable is that of a bias: Keras decays it too.
        assert stepped(optimizer, one["w"], one["g"]) == pytest.approx(one["answer"], rel=1e-5)


def test_decay_alone() -> None:
    for one in drawn("decay-alone"):
        optimizer = optimizers.SGD(one["eta"], weight_decay=one["lam"])
        assert stepped(optimizer, 1.0, 0.0, int(one["n"])) == pytest.approx(one["answer"], rel=1e-5)


@pytest.mark.parametrize(
    ("make", "same"),
    [
        (lambda **more: optimizers.SGD(0.1, **more), True),
        (lambda **more: optimizers.SGD(0.1, momentum=0.9, **more), False),
        (lambda **more: optimizers.Adam(0.1, **more), False),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_where_l2_is_weight_decay(make: Any, same: bool) -> None:
    for one in drawn("decay-twin"):
        penalty = keras.regularizers.L2(one["c"])
        weight = keras.Variable(2.0, dtype="float32")
        optimizer = make()
        for _ in range(5):
            slope = jax.grad(lambda w, penalty=penalty: penalty(w))(weight.value)
            optimizer.apply([0.3 + slope], [weight])
        decayed = stepped(make(weight_decay=one["answer"]), 2.0, 0.3, 5)
        assert (abs(float(weight.numpy()) - decayed) < 1e-5) == same


@pytest.mark.parametrize(
    ("question_id", "penalty"),
    [
        ("norms-minimum-l1", lambda w, lam: np.abs(w)),
        ("norms-minimum-l2", lambda w, lam: w**2 / 2),
        ("norms-soft", lambda w, lam: lam * np.abs(w)),
    ],
)
def test_minima(question_id: str, penalty: Any) -> None:
    w = np.linspace(-4, 4, 80001)
    for one in drawn(question_id):
        loss = (w - one["a"]) ** 2 / 2 + penalty(w, one.get("lam"))
        assert w[np.argmin(loss)] == pytest.approx(one["answer"], abs=1e-4)


def test_the_tail_is_validated_on() -> None:
    x, y = np.zeros((10, 1), "float32"), np.arange(10, dtype="float32")
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.0), "mse")
    history = model.fit(x, y, validation_split=0.2, epochs=2, verbose=0).history
    assert history["val_loss"] == pytest.approx([np.mean([64, 81])] * 2)


def test_updates_of_an_epoch() -> None:
    question = BANK.question("stopping-updates")
    for rows in (160, 320):
        model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.zeros((rows, 1)), np.zeros(rows), batch_size=32, validation_split=0.2, verbose=0)
        assert int(model.optimizer.iterations.numpy()) == evaluate(question.answer, {"rows": float(rows)})


def test_defaults_of_the_callbacks() -> None:
    stopping = inspect.signature(keras.callbacks.EarlyStopping).parameters
    assert stopping["restore_best_weights"].default is False
    assert {"baseline", "start_from_epoch", "monitor", "patience"} <= set(stopping)
    checkpoint = inspect.signature(keras.callbacks.ModelCheckpoint).parameters
    assert {"save_best_only", "save_weights_only", "monitor"} <= set(checkpoint)


class Saved(keras.Model):
    """Counts what `ModelCheckpoint` saves."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[str] = []

    def save(self, filepath: str, **_: Any) -> None:
        self.times.append(str(filepath))


def test_how_often_and_what_a_checkpoint_saves() -> None:
    for name in ("saving-count", "saving-in-file", "saving-read-best"):
        for one in drawn(name):
            series = one.get("losses", one.get("val_loss"))
            callback = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
            model = Saved()
            callback.set_model(model)
            last = 0
            for epoch, loss in enumerate(series[: int(one.get("stopped", len(series)))]):
                before = len(model.times)
                callback.on_epoch_end(epoch, {"val_loss": loss})
                last = epoch + 1 if len(model.times) > before else last
            assert one["answer"] == (len(model.times) if name == "saving-count" else last)


def test_keras_dropout() -> None:
    for question_id, training in (("dropout-keras-training", True), ("dropout-keras-prediction", False)):
        for one in drawn(question_id):
            layer = layers.Dropout(one["rate"], seed=0)
            out = np.asarray(layer(np.full((50, 40), one["out"], "float32"), training=training))
            kept = out[out != 0]
            np.testing.assert_allclose(kept, one["answer"], rtol=1e-6)
            assert (len(kept) == out.size) == (not training)
            if training:
                # Each row has a mask of its own.
                assert len({tuple(row != 0) for row in out}) == len(out)


def test_scaled_inputs() -> None:
    unit, symmetric = layers.Rescaling(1 / 255), layers.Rescaling(1 / 127.5, offset=-1)
    for one in drawn("inputs-pixel-unit"):
        assert float(unit(np.float32(one["pixel"]))) == pytest.approx(one["answer"], abs=1e-6)
    for one in drawn("inputs-pixel-symmetric"):
        assert float(symmetric(np.float32(one["pixel"]))) == pytest.approx(one["answer"], abs=1e-6)
    for one in drawn("inputs-z"):
        assert (one["v"][3] - np.mean(one["v"])) / np.std(one["v"]) == pytest.approx(one["answer"])


def statistics(x: np.ndarray, axes: tuple[int, ...]) -> int:
    return x.mean(axis=axes).size


def test_how_many_statistics() -> None:
    for kind in ("batch", "layer", "instance", "group"):
        for one in drawn(f"norm-count-{kind}"):
            n, s, c = int(one["n"]), int(one["s"]), int(one["c"])
            x = np.zeros((n, s, s, c))
            if kind == "group":
                x = x.reshape(n, s, s, int(one["g"]), -1)
            axes = {"batch": (0, 1, 2), "layer": (1, 2, 3), "instance": (1, 2), "group": (1, 2, 4)}[kind]
            assert statistics(x, axes) == one["answer"]


def images() -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, (4, 5, 5, 6)).astype("float32")


def standardized(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)


def test_what_keras_layers_average_over() -> None:
    x = images()
    cases = {
        layers.GroupNormalization(groups=1): (1, 2, 3),
        layers.GroupNormalization(groups=-1): (1, 2),
        layers.LayerNormalization(): (3,),
    }
    for layer, axes in cases.items():
        np.testing.assert_allclose(np.asarray(layer(x)), standardized(x, axes), atol=1e-3)
    batch = layers.BatchNormalization()
    np.testing.assert_allclose(np.asarray(batch(x, training=True)), standardized(x, (0, 1, 2)), atol=1e-3)
    assert batch.moving_mean.shape == (6,)


def test_batch_normalization_in_training_and_prediction() -> None:
    for one in drawn("norm-moving"):
        layer = layers.BatchNormalization(momentum=one["momentum"])
        layer(np.full((4, 1), one["m"], "float32"), training=True)
        assert float(layer.moving_mean.numpy()[0]) == pytest.approx(one["answer"], rel=1e-4)
    layer = layers.BatchNormalization()
    assert not np.asarray(layer(np.array([[3.0, -2.0]], "float32"), training=True)).any(), "a batch of one"
    # In prediction a row's result does not depend on the others.
    x = images()
    alone, together = np.asarray(layers.BatchNormalization()(x[:1])), np.asarray(layers.BatchNormalization()(x))[:1]
    np.testing.assert_allclose(alone, together, rtol=1e-6)


def test_slopes_of_the_sigmoid() -> None:
    slope = jax.grad(lambda x: keras.ops.sigmoid(x))
    for one in drawn("shift-slope-ratio"):
        assert float(slope(0.0)) / float(slope(float(one["x"]))) == pytest.approx(one["answer"], rel=1e-3)
    assert max(float(slope(x)) for x in np.linspace(-3, 3, 61)) == pytest.approx(0.25, abs=1e-4)


def test_means_of_batches() -> None:
    random = np.random.default_rng(0)
    for one in drawn("shift-batch-noise"):
        means = random.normal(0, one["sigma"], (4000, int(one["m"]))).mean(axis=1)
        assert means.std() == pytest.approx(one["answer"], rel=0.05)


def test_rank_with_an_intercept() -> None:
    for one in drawn("coding-rank"):
        k = int(one["k"])
        categories = np.arange(6 * k) % k
        assert np.linalg.matrix_rank(np.column_stack([np.ones(6 * k), np.eye(k)[categories]])) == one["answer"]


def targets(eps: float, k: int) -> np.ndarray:
    """What Keras makes of a one-hot vector: the slope of the loss by the logits is prediction − target."""
    loss = losses.CategoricalCrossentropy(label_smoothing=eps, from_logits=True)
    slope = jax.grad(lambda logits: loss(np.eye(k, dtype="float32")[:1], logits))(np.zeros((1, k), "float32"))
    return 1 / k - np.asarray(slope)[0]


def test_smoothed_targets() -> None:
    for question_id, place in (("smoothing-target-true", 0), ("smoothing-target-other", 1)):
        for one in drawn(question_id):
            assert targets(one["eps"], int(one["k"]))[place] == pytest.approx(one["answer"], rel=1e-4)
    for one in drawn("smoothing-lecture-vector"):
        np.testing.assert_allclose(targets(one["answer"], 4), one["v"], rtol=1e-4)
    for one in drawn("smoothing-gap"):
        gap = np.diff(np.log(targets(one["eps"], int(one["k"]))[1::-1]))[0]
        assert gap == pytest.approx(one["answer"], rel=1e-4)


def test_smoothed_losses() -> None:
    for one in drawn("smoothing-loss"):
        k = int(one["k"])
        predicted = np.full((1, k), 0.3 / (k - 1), "float32")
        predicted[0, 0] = 0.7
        loss = losses.CategoricalCrossentropy(label_smoothing=one["eps"])(np.eye(k)[:1], predicted)
        assert float(loss) == pytest.approx(one["answer"], rel=1e-4)
    for one in drawn("smoothing-binary"):
        loss = losses.BinaryCrossentropy(label_smoothing=one["eps"], from_logits=True)
        slope = jax.grad(lambda logit, loss=loss: loss(np.ones((1, 1), "float32"), logit))(np.zeros((1, 1), "float32"))
        assert 0.5 - float(slope[0, 0]) == pytest.approx(one["answer"], rel=1e-4)


def test_sparse_cross_entropy_has_no_smoothing() -> None:
    with pytest.raises(TypeError, match="label_smoothing"):
        losses.SparseCategoricalCrossentropy(label_smoothing=0.15)


def test_dropout_in_prediction_and_by_request() -> None:
    model = keras.Sequential([keras.Input((20,)), layers.Dropout(0.5)])
    x = np.ones((3, 20), "float32")
    assert (model.predict(x, verbose=0) == model.predict(x, verbose=0)).all()
    assert not np.asarray(model(x, training=True)).all()
