"""What normalization puts in, and where."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.structures.variant import structure_of, variant

random = np.random.default_rng(0)
IMAGES = (random.normal(size=(12, 6, 6, 1)) * 3 + 2).astype("float32")


def convolutional():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(8, 3, name="conv"),
            layers.ReLU(name="relu"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    return model


# Over which axes of (row, height, width, group, channel of the group) each kind makes mean 0 and deviation 1.
AXES = {"batch": (0, 1, 2), "layer": (1, 2, 3, 4), "instance": (1, 2), "group": (1, 2, 4)}


@pytest.mark.parametrize("kind", AXES)
def test_what_each_kind_makes_0_and_1(kind):
    built = variant(convolutional(), {"normalization": kind, "normalization_position": "before"})
    place = next(i for i, layer in enumerate(built.layers) if "normalization" in layer.name)
    assert built.layers[place - 1].name == "conv"
    assert built.layers[place + 1].name == "relu"
    values = IMAGES
    for layer in built.layers[: place + 1]:
        values = layer(values, training=True) if "normalization" in layer.name else layer(values)
    groups = built.layers[place].groups if kind == "group" else 8
    split = np.array(values).reshape(12, 4, 4, groups, -1)
    axes = AXES[kind]
    np.testing.assert_allclose(split.mean(axes), 0, atol=1e-4)
    np.testing.assert_allclose(split.std(axes), 1, atol=0.02)


def names(model):
    return [type(layer).__name__ for layer in model.layers]


def test_after_stands_behind_an_activation_layer_and_the_output_layer_gets_none():
    built = variant(convolutional(), {"normalization": "batch"})
    assert names(built) == ["Conv2D", "ReLU", "BatchNormalization", "Flatten", "Dense"]


def test_before_takes_the_layers_own_activation():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, activation="gelu"), layers.Dense(1, activation="tanh")]
    )
    model.compile("sgd", "mse")
    built = variant(model, {"normalization": "layer", "normalization_position": "before"})
    assert names(built) == ["Dense", "LayerNormalization", "Activation", "Dense"]
    assert built.layers[0].activation is keras.activations.linear
    assert built.layers[2].activation is keras.activations.gelu
    assert built.layers[3].activation is keras.activations.tanh


def test_hidden_layers_of_nested_models_and_shared_ones():
    shared = layers.Dense(8, name="shared")
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(8, activation="relu", name="inner")], name="nested")
    one, other = keras.Input((4,), name="one"), keras.Input((4,), name="other")
    joined = layers.Add()([shared(one), inner(shared(other))])
    model = keras.Model([one, other], layers.Softmax()(layers.Dense(3, name="out")(joined)))
    model.compile("sgd", "categorical_crossentropy")
    built = variant(model, {"normalization": "batch"})
    found = [layer.name for layer in built._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    assert sorted(found) == ["inner_batch_normalization", "shared_batch_normalization"]
    x = [random.normal(size=(5, 4)).astype("float32") for _ in range(2)]
    assert np.isfinite(built.predict(x, verbose=0)).all()


def test_the_variant_starts_from_the_models_own_weights_and_optimizer_settings():
    model = convolutional()
    model.optimizer.exclude_from_weight_decay([model.layers[0].kernel])
    built = variant(model, {"normalization": "group"})
    np.testing.assert_array_equal(built.get_layer("conv").kernel, model.layers[0].kernel)
    assert not built.optimizer._use_weight_decay(built.get_layer("conv").kernel)
    assert built.optimizer is not model.optimizer


def test_configurations_of_one_structure_share_a_program():
    one = structure_of({"normalization": "none", "normalization_position": "before", "dropout": 0.1})
    assert one == structure_of({"normalization": "none", "normalization_position": "after", "dropout": 0.9})
    assert structure_of({"input_scaling": "none"}) == structure_of({"input_scaling": "robust"})
    assert structure_of({"normalization": "batch"}) != structure_of({"normalization": "layer"})


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def fit(model, family, x=None):
    x = random.normal(size=(20, 4)).astype("float32") if x is None else x
    return rw.fit_path(model, x, x[:, :1], rw.Grid(family), validation_split=0.25, verbose=0)


def compiled(model):
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("model", "family", "message"),
    [
        (Subclassed, {"normalization": ["batch"]}, "normalization can't be put into Subclassed"),
        (Subclassed, {"input_scaling": ["unit"]}, "input_scaling can't be put into Subclassed"),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)]),
            {"normalization": ["instance"]},
            "normalization='instance' makes no sense behind",
        ),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dense(1)]),
            {"normalization": ["group"]},
            "can't split the 2 channels",
        ),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)]),
            {"normalization": ["batch"]},
            "it has no hidden Dense or convolution layer",
        ),
        (
            lambda: keras.Sequential(
                [keras.Input((4,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)]
            ),
            {"normalization": ["layer"]},
            "would stand beside the model's own BatchNormalization",
        ),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)]),
            {"normalization": ["bach"]},
            "normalization='bach' is unknown. The nearest is 'batch'",
        ),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)]),
            {"normalization_position": ["before"]},
            "'normalization_position' acts on nothing without 'normalization'",
        ),
    ],
)
def test_errors_name_the_value(model, family, message):
    with pytest.raises(rw.InputError, match=message):
        fit(compiled(model()), family)


def test_a_path_of_several_structures_is_read_back_lane_by_lane(tmp_path):
    model = compiled(keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)]))
    x = random.normal(size=(40, 4)).astype("float32")
    family = rw.Grid(normalization=["none", "batch", "layer"], input_scaling=["none", "robust"], l2=[0.0, 0.1])
    path = rw.fit_path(model, x, x[:, :1], family, validation_split=0.25, epochs=2, verbose=0, out=tmp_path / "run")
    again = rw.load_path(tmp_path / "run")
    for lane in range(12):
        np.testing.assert_allclose(
            again.model(lane).predict(x, verbose=0), path.model(lane).predict(x, verbose=0), rtol=1e-5
        )
    evaluated = path.evaluate(x[30:], x[30:, :1])
    np.testing.assert_allclose(evaluated["data_loss"], path.table()["val_data_loss"], rtol=1e-4)
    assert again.best.configuration == path.best.configuration
    assert isinstance(again.best.configuration["normalization"], str)
    best = keras.models.load_model(tmp_path / "run" / "best.keras")
    np.testing.assert_allclose(best.predict(x, verbose=0), path.best_model().predict(x, verbose=0), rtol=1e-5)
