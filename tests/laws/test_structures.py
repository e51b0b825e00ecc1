"""The law of lanes for choices that put layers into the model: a lane equals the model that one would write by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import ridgeway as rw

from .against_fit import assert_equal, fit_alone, seeded, train_lanes
from .models import IMAGES, LABELS, OPTIMIZERS, TABLE, logits_loss


def compiled(model, optimizer="adam"):
    model.compile(OPTIMIZERS[optimizer](), logits_loss(), metrics=["accuracy"])
    return model


def table_model(normalization=(), before=False):
    """Sequential, with hidden layers of both ways to write an activation."""
    first = [layers.Dense(16, activation=None if before else "relu", name="first")]
    made = [make() for make in normalization]
    second = [layers.Dense(12, name="second")]
    made_second = [make() for make in normalization]
    activation = [layers.Activation("tanh", name="tanh")]
    relu = [layers.Activation("relu")] if before else []
    behind = [*second, *made_second, *activation] if before else [*second, *activation, *made_second]
    return keras.Sequential(
        [keras.Input((8,)), *first, *made, *relu, *behind, layers.Dropout(0.2, seed=3), layers.Dense(3, name="out")]
    )


def weights_into(target, source):
    """The weights that both have, by the layers' names; other layers start as Keras makes them."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())
    return target


TABLE_KINDS = {
    "none": (),
    "batch": (layers.BatchNormalization,),
    "layer": (layers.LayerNormalization,),
}


@pytest.mark.parametrize("position", ["after", "before"])
def test_normalization_of_a_sequential_model(position):
    def base():
        # Not Adam: in front of a batch normalization a bias has no gradient but rounding, which Adam makes a step of.
        return compiled(seeded(table_model), "momentum")

    family = rw.Grid(normalization=["none", "batch", "layer"], normalization_position=position, weight_decay=[0, 0.1])
    path = train_lanes(base(), TABLE, LABELS, family)
    for kind in ("none", "batch", "layer"):
        alone = compiled(weights_into(table_model(TABLE_KINDS[kind], before=position == "before"), base()), "momentum")
        alone.optimizer.weight_decay = 0.1
        alone.optimizer.exclude_from_weight_decay([v for v in alone.trainable_variables if "kernel" not in v.name])
        history = fit_alone(alone, TABLE, LABELS)
        assert_equal(path, {"normalization": kind, "weight_decay": 0.1}, alone, history)


def image_model(normalization=None):
    inputs = keras.Input((12, 12, 2))
    first = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    first = normalization()(first) if normalization else first
    second = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(first)
    second = normalization()(second) if normalization else second
    # Without the ReLU an instance normalization's mean over positions would be 0, and the best class one of rounding.
    joined = layers.ReLU()(layers.Add()([first, second]))
    outputs = layers.Dense(3, name="out")(layers.GlobalAveragePooling2D()(joined))
    return keras.Model(inputs, outputs)


IMAGE_KINDS = {
    "none": None,
    "batch": layers.BatchNormalization,
    "layer": lambda: layers.GroupNormalization(groups=1),
    "instance": lambda: layers.GroupNormalization(groups=-1),
    "group": lambda: layers.GroupNormalization(groups=2),
}


def test_every_normalization_of_a_functional_model_with_a_shortcut():
    base = compiled(seeded(image_model), "momentum")
    path = train_lanes(base, IMAGES, LABELS, rw.Grid(normalization=list(IMAGE_KINDS), l2=[0.0, 0.01]))
    for kind, make in IMAGE_KINDS.items():
        alone = compiled(weights_into(image_model(make), base), "momentum")
        assert_equal(path, {"normalization": kind, "l2": 0.0}, alone, fit_alone(alone, IMAGES, LABELS))


SCALERS = {"standardize": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def wide(x):
    """The table on scales that differ by feature."""
    return (x * np.logspace(-1, 2, x.shape[-1]) + 7).astype("float32")


def scaled_model():
    return keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(3)])


def test_input_scaling_is_that_of_scikit_learn_on_the_training_rows_alone():
    x = wide(TABLE)
    # A leak would show: the rows held out are far away, and must not move the statistics.
    x[56:] += 1000.0
    names = ["none", "standardize", "minmax", "robust"]
    base = compiled(seeded(scaled_model))
    path = train_lanes(base, x, LABELS, rw.Grid(input_scaling=names))
    for name in names[1:]:
        scaler = SCALERS[name]().fit(x[:56])
        alone = compiled(seeded(scaled_model))
        history = fit_alone(alone, scaler.transform(x).astype("float32"), LABELS)
        lane = int(path.table().query(f"input_scaling == '{name}'")["lane"].iloc[0])
        found = path.history().query(f"lane == {lane}")
        for log, expected in history.history.items():
            np.testing.assert_allclose(found[log], expected, rtol=2e-4, atol=1e-5, err_msg=f"{name} {log}")
        # The exported model takes raw input.
        exported = path.model(lane, epoch="last")
        np.testing.assert_allclose(
            exported.predict(x, verbose=0),
            alone.predict(scaler.transform(x).astype("float32"), verbose=0),
            rtol=2e-3,
            atol=2e-3,
        )
    lane = int(path.table().query("input_scaling == 'none'")["lane"].iloc[0])
    alone = compiled(seeded(scaled_model))
    history = fit_alone(alone, x, LABELS)
    found = path.history().query(f"lane == {lane}")
    np.testing.assert_allclose(found["val_loss"], history.history["val_loss"], rtol=1e-5)


def test_a_dropout_layer_built_with_rate_0_in_every_structure():
    """A path gives such a layer a generator, in the user's model too: the next structure must have one as well."""

    def model():
        keras.utils.set_random_seed(4)
        return compiled(keras.Sequential([keras.Input((8,)), layers.Dense(8), layers.Dropout(0.0), layers.Dense(3)]))

    family = rw.Grid(normalization=["none", "batch"], dropout=[0.0, 0.5])
    path = train_lanes(model(), TABLE, LABELS, family, epochs=2)
    again = train_lanes(path.structure(0), TABLE, LABELS, family, epochs=2)
    np.testing.assert_array_equal(again.history()["val_loss"], path.history()["val_loss"])
    assert path.history().groupby("lane")["val_loss"].last().nunique() == 4
