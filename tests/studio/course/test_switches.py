"""Networks as lanes of one, by switches: each lane is the plain network that Keras trains alone."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np
import pytest

import ridgeway as rw
from ridgeway.studio.course.experiments import covariate_shift
from ridgeway.studio.course.experiments.data import digits
from ridgeway.studio.course.experiments.switches import KINDS, Switches, normalization, switched

EPOCHS, BATCH = 3, 30
DATA = digits(0, 300)
LANES = [(kind, activation) for kind in covariate_shift.KINDS for activation in ("sigmoid", "relu")]
FIT: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "shuffle": False, "verbose": 0}


class Noise(keras.layers.Layer):
    """As the experiment's, standing alone."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        stretch, shift = keras.random.uniform((2, 1, inputs.shape[-1]), -1.0, 1.0, seed=self.generator)
        return inputs * (1 + stretch / 4) + shift / 2


def plain(kind: str, activation: str) -> keras.Model:
    """The network of one lane as anybody would write it, with the experiment's starting weights."""
    layers: list[Any] = [keras.Input((64,))]
    for number in range(covariate_shift.HIDDEN):
        layers.append(keras.layers.Dense(covariate_shift.WIDTH, name=f"hidden_{number}"))
        if kind != "none":
            layers.append(keras.layers.BatchNormalization(momentum=0.9, name=f"normal_{number}"))
        if kind == "noisy":
            layers.append(Noise(number))
        layers.append(keras.layers.Activation(activation, name=f"activation_{number}"))
    model = keras.Sequential([*layers, keras.layers.Dense(10, name="output")])
    start = covariate_shift.network(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights(start.get_layer(layer.name).get_weights())
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


@pytest.fixture(scope="module")
def path() -> rw.Path:
    listed = rw.Listed([covariate_shift.switched(*lane) for lane in LANES])
    return rw.fit_path(
        covariate_shift.network(0), DATA.x, DATA.y, listed, validation_data=(DATA.x_val, DATA.y_val), **FIT
    )


@pytest.mark.parametrize("lane", range(len(LANES)), ids=["-".join(lane) for lane in LANES])
def test_a_lane_is_keras_own_fit_of_the_plain_network(path, lane):
    model = plain(*LANES[lane])
    alone = model.fit(DATA.x, DATA.y, validation_data=(DATA.x_val, DATA.y_val), **FIT).history
    history = path.history()
    found = history[history["lane"] == lane]
    for name, values in alone.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-4, atol=2e-4, err_msg=name)
    weights = {name.split("/", 1)[1]: value for name, value in path.lane_weights(lane, "last").items()}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            own = f"normalization_{layer.name[-1]}/batch"
        else:
            own = layer.name
        for variable in layer.weights:
            if "seed" not in variable.name:
                np.testing.assert_allclose(weights[f"{own}/{variable.name}"], variable, atol=2e-4, err_msg=own)


@pytest.mark.parametrize("kind", ["none", "batch"])
def test_what_goes_into_the_sigmoid_is_what_keras_gives(path, kind):
    model = plain(kind, "sigmoid")
    model.fit(DATA.x, DATA.y, **FIT)
    ins = [model.get_layer(f"activation_{number}").input for number in range(covariate_shift.HIDDEN)]
    expected = keras.Model(model.inputs[0], ins)(DATA.x, training=True)
    weights = path.lane_weights(LANES.index((kind, "sigmoid")), "last")
    found = covariate_shift.inside(weights, kind, DATA.x, np.random.default_rng(0))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_noise_of_the_view_is_that_of_training(path):
    weights = path.lane_weights(LANES.index(("noisy", "sigmoid")), "last")
    random = np.random.default_rng(0)
    many = [covariate_shift.inside(weights, "noisy", DATA.x, random)[0] for _ in range(200)]
    still = covariate_shift.inside(weights, "batch", DATA.x, random)[0]
    # Uniform to ±.5 has a standard deviation of .289; the batch's mean is β, near 0, whatever the stretch.
    moved = np.array([one.mean(0) - still.mean(0) for one in many])
    assert moved.std() == pytest.approx(0.289, abs=0.02)
    assert np.abs(moved).max() < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_a_normalization_that_is_switched_on_is_that_of_keras(kind):
    values = np.random.default_rng(0).normal(2, 3, (40, 5)).astype("float32")
    layer = normalization(Switches(**{kind: 1.0} if kind != "none" else {}))
    expected = {
        "none": lambda: values,
        "batch": lambda: keras.layers.BatchNormalization()(values, training=True),
        "layer": lambda: keras.layers.LayerNormalization()(values),
    }[kind]()
    np.testing.assert_allclose(layer(values, training=True), expected, atol=1e-6)


def test_values_out_of_range_leave_the_gradient_of_a_lane_without_normalization_alone():
    """The variance of such values is infinite, and its derivative no number."""
    layer = normalization(Switches())
    layer.build((4, 2))
    state = layer.trainable_variables, layer.non_trainable_variables

    def total(values: Any) -> Any:
        return layer.stateless_call(*state, values, training=True)[0].sum()

    values = np.array([[1e30, -1e30], [3e37, 2.0], [-1.0, 1e25], [0.0, 5.0]], np.float32)
    np.testing.assert_array_equal(jax.grad(total)(values), np.ones((4, 2)))


def test_switches_by_name():
    assert switched("between", "layer") == {"between.switches.batch": 0.0, "between.switches.layer": 1.0}
    assert switched("between", "none", ("none", "batch")) == {"between.switches.batch": 0.0}
