"""What is said of hyperparameters that can't be used: the value, and what to do."""

import keras
import pytest
from keras import layers

import ridgeway as rw
from engine.small import X, Y, model, train


def bare(loss="mse", optimizer="sgd", outputs=1):
    built = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="hidden"), layers.Dense(outputs, name="out")])
    built.compile(optimizer, loss)
    return built


FAMILY = [
    ({"weight decay": [0.1]}, r"Unknown hyperparameter 'weight decay'. The nearest are weight_decay"),
    ({"width": [(8, 8)]}, r"width=\(8, 8\) can't be recorded. Pass whole numbers"),
    ({"width": [8, float("nan")]}, r"width=nan can't be recorded"),
    ({"width": [8, "wide"]}, r"width=\[8, 'wide'\] mixes words, numbers, or True and False"),
    ({"width": [8, True]}, r"width=\[8, True\] mixes words"),
    ({"epochs": [8]}, r"'epochs' is the name of a column of path.table\(\).*Give the function's argument another name"),
    ({"dropout": [0.5, 1]}, r"dropout=1 is out of range. Pass numbers from 0 to below 1"),
    ({"input_dropout": -0.1}, r"input_dropout=-0.1 is out of range. Pass numbers from 0 to below 1"),
    ({"weight_decay": [-1, 0]}, r"weight_decay=-1 is out of range. Pass numbers from 0\."),
    ({"learning_rate": [0]}, r"learning_rate=0 is out of range. Pass numbers above 0"),
    ({"l2": [float("nan")]}, r"l2=nan is out of range"),
    ({"l1": [float("inf")]}, r"l1=inf is out of range"),
    ({"l2": ["much"]}, r"l2='much' is no number. Pass numbers from 0"),
    ({"l2": "0.1, 0.2"}, r"l2='0.1, 0.2' is no number"),
    ({"drop.rate": [None]}, r"drop.rate=None is no number. Pass numbers that are finite"),
    ({"l2": []}, r"l2=\[\] holds no value. Pass at least one number"),
    ({}, r"The family varies nothing. Pass values, as in Grid\(weight_decay="),
]


@pytest.mark.parametrize(("values", "match"), FAMILY)
def test_families(values, match):
    with pytest.raises(rw.InputError, match=match):
        rw.Grid(values)


def with_schedule():
    return bare(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)))


def frozen():
    built = bare()
    built.trainable = False
    built.compile("sgd", "mse")
    return built


MODELS = [
    (bare, {"weight_decy": [0.1]}, r"Unknown hyperparameter 'weight_decy'. The nearest are weight_decay"),
    (bare, {"drop_out": [0.1]}, r"Unknown hyperparameter 'drop_out'. The nearest are dropout"),
    (bare, {"zzz": [0.1]}, r"Unknown hyperparameter 'zzz'. There are weight_decay, l1, l2, .* a function that builds"),
    (bare, {"dropout": 0.1}, r"dropout acts on nothing.*it has no dropout layer. Add keras\.layers\.Dropout\(0\.0\)"),
    (lambda: bare(optimizer="adam"), {"momentum": 0.5}, r"momentum acts on nothing.*Adam has none.*SGD or RMSprop"),
    (
        with_schedule,
        {"learning_rate": 0.5},
        r"learning_rate acts on nothing.*SGD follows a schedule.*initial_learning_rate",
    ),
    (bare, {"label_smoothing": 0.1}, r"label_smoothing acts on nothing.*its loss \(.*\) has no class labels to smooth"),
    (model, {"hidden.units": [4, 8]}, r"'hidden\.units' acts on nothing in this model: no training step reads it"),
    (model, {"hiden.units": 4}, r"'hiden\.units' names no layer of this model. Its layers include hidden"),
    (model, {"drop.rat": 0.1}, r"'drop\.rat' acts on nothing.*Dropout has no 'rat'.*Numbers there: rate"),
    (
        model,
        {"hidden.kernel_regularizer.l2": 0.1},
        r"Dense has no 'kernel_regularizer', or it is None.*Build the layer with one",
    ),
    (model, {"hidden.activation": 0.1}, r"'hidden\.activation' is .* no number that training reads"),
    (model, {"hidden.use_bias": 1}, r"'hidden\.use_bias' is True, no number that training reads"),
    (model, {"dropout": 0.1, "drop.rate": 0.2}, r"'dropout' and 'drop\.rate' both set the same 'rate'. Vary one"),
    (model, {"momentum": 0.1, "optimizer.momentum": 0.2}, r"'momentum' and 'optimizer\.momentum' both set"),
    (model, {"optimizer.learning_rate": 0.2}, r"is the hyperparameter learning_rate: vary it by that name"),
    (frozen, {"l2": 0.1}, r"l2 acts on nothing in this model: it has no trainable kernel.*trainable=True"),
]


@pytest.mark.parametrize(("build", "values", "match"), MODELS)
def test_models(build, values, match):
    with pytest.raises(rw.InputError, match=match):
        train(rw.Grid(values), build())


def test_weight_decay_where_everything_is_excluded():
    built = model()
    built.optimizer.exclude_from_weight_decay(var_names=["kernel"])
    with pytest.raises(rw.InputError, match="weight_decay acts on nothing.*every variable is excluded"):
        train(rw.Grid(weight_decay=[0.1]), built)


def test_an_attribute_that_the_model_branches_on():
    @keras.saving.register_keras_serializable()
    class Switch(layers.Layer):
        def __init__(self, level=0.0, **more):
            super().__init__(**more)
            self.level = level

        def call(self, inputs):
            return inputs * self.level if self.level > 0.5 else inputs

    built = keras.Sequential([keras.Input((5,)), Switch(name="switch"), layers.Dense(2)])
    built.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(rw.InputError, match=r"'switch\.level' can't be varied from 0\.2 to 0\.8 in one family.*0\.5"):
        train(rw.Grid({"switch.level": [0.2, 0.8]}), built)
    assert built.get_layer("switch").level == 0.0
    assert len(train(rw.Grid({"switch.level": [0.6, 0.8]}), built, epochs=1).table()) == 2


def test_the_model_is_as_before_after_an_error():
    built = model(dropout=0.3)
    built.fit(X, Y, verbose=0)
    before = built.get_weights()
    with pytest.raises(rw.InputError):
        train(rw.Grid({"dropout": 0.1, "drop.rate": 0.2}), built)
    assert built.get_layer("drop").rate == 0.3
    assert all((a == b).all() for a, b in zip(before, built.get_weights(), strict=True))
