"""The law of lanes: a lane equals Keras's own fit, whatever trains beside it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.engine.state import repeat_seed

from .against_fit import assert_equal, compiled, fit_alone, seeded, train_lanes
from .models import EPOCHS, EVEN, IMAGES, LABELS, MODELS, OPTIMIZERS, ROWS, TABLE, cnn, logits_loss, mlp, normalized_mlp


def not_kernels(model):
    return [v for v in model.trainable_variables if "kernel" not in v.name]


# Two models under all optimizers, and all models under two: what an optimizer is given are variables and gradients.
PAIRS = [
    (name, optimizer)
    for name in MODELS
    for optimizer in OPTIMIZERS
    if name in ("normalized_mlp", "cnn") or optimizer in ("momentum", "adamw")
]


@pytest.mark.parametrize(("name", "optimizer"), PAIRS)
def test_every_model_and_every_optimizer(name, optimizer):
    build, x = MODELS[name]
    dropout = [] if name == "mlp" else [0.0, 0.4]
    family = rw.Grid(weight_decay=[0.0, 0.1, 0.2, 0.3], **({"dropout": dropout} if dropout else {}))
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, family)
    assert len(path.table()) >= 4
    configuration = {"weight_decay": 0.2, **({"dropout": 0.4} if dropout else {})}
    alone = compiled(build, OPTIMIZERS[optimizer](weight_decay=0.2))
    alone.optimizer.exclude_from_weight_decay(var_list=not_kernels(alone))
    if dropout:
        next(layer for layer in alone._flatten_layers() if layer.name == "drop").rate = 0.4
    assert_equal(path, configuration, alone, fit_alone(alone, x, LABELS))


# Every hyperparameter on three models at least; the recurrent one, slow to compile, where it is not just one more.
SOME = ["normalized_mlp", "two_inputs", "cnn", "subclassed"]


@pytest.mark.parametrize("name", SOME[:3])
def test_decay_of_all_variables(name):
    build, x = MODELS[name]
    path = train_lanes(
        compiled(build, OPTIMIZERS["adam"]()),
        x,
        LABELS,
        rw.Grid(weight_decay=[0, 0.1, 0.2, 0.3]),
        decay="all",
        batch_size=EVEN,
    )
    alone = compiled(build, OPTIMIZERS["adam"](weight_decay=0.3))
    assert_equal(path, {"weight_decay": 0.3}, alone, fit_alone(alone, x, LABELS, batch_size=EVEN))


@pytest.mark.parametrize("name", SOME)
def test_l2(name):
    build, x = MODELS[name]
    path = train_lanes(
        compiled(build, OPTIMIZERS["momentum"]()), x, LABELS, rw.Grid(l2=[0, 1e-3, 1e-2, 0.1]), batch_size=EVEN
    )
    alone = compiled(build, OPTIMIZERS["momentum"]())
    for variable in alone.trainable_variables:
        if "kernel" in variable.name:
            variable.regularizer = keras.regularizers.L2(1e-2)
    assert_equal(path, {"l2": 1e-2}, alone, fit_alone(alone, x, LABELS, batch_size=EVEN))


class Proximal(keras.constraints.Constraint):
    """What a Keras user would write for a proximal L1 step: a constraint, applied after each update."""

    def __init__(self, optimizer, strength):
        self.optimizer, self.strength = optimizer, strength

    def __call__(self, w):
        threshold = self.optimizer.learning_rate * self.strength
        return keras.ops.sign(w) * keras.ops.maximum(keras.ops.abs(w) - threshold, 0.0)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("name", SOME[:3])
def test_l1(name, optimizer):
    build, x = MODELS[name]
    path = train_lanes(
        compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(l1=[0, 1e-2, 0.1, 0.5]), batch_size=EVEN
    )
    alone = compiled(build, OPTIMIZERS[optimizer]())
    for variable in alone.trainable_variables:
        if "kernel" in variable.name:
            variable.constraint = Proximal(alone.optimizer, 0.5)
    assert_equal(path, {"l1": 0.5}, alone, fit_alone(alone, x, LABELS, batch_size=EVEN))
    zeros = path.table().set_index("l1")["zero_share"]
    assert zeros[0.0] == 0


def test_strong_l1_reaches_exact_zeros():
    path = train_lanes(
        compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(l1=[0, 0.01, 1.0, 10.0]), batch_size=EVEN
    )
    zeros = path.table().set_index("l1")["zero_share"]
    assert zeros[0.0] == 0
    assert zeros[10.0] == 1


@pytest.mark.parametrize("name", SOME)
def test_dropout(name):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS["adam"]()), x, LABELS, rw.Grid(dropout=[0, 0.1, 0.3, 0.5]))
    for rate in [0.0, 0.5] if name == "normalized_mlp" else [0.3]:
        alone = compiled(build, OPTIMIZERS["adam"]())
        next(layer for layer in alone._flatten_layers() if layer.name == "drop").rate = rate
        assert_equal(path, {"dropout": rate}, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("kind", [layers.Dropout, layers.GaussianDropout, layers.AlphaDropout])
def test_every_kind_of_dropout_layer(kind):
    def build(rate=0.0):
        return keras.Sequential(
            [keras.Input((8,)), layers.Dense(16, activation="selu"), kind(rate, seed=9), layers.Dense(3)]
        )

    path = train_lanes(
        compiled(build, OPTIMIZERS["adam"]()), TABLE, LABELS, rw.Grid(dropout=[0, 0.1, 0.3, 0.5]), batch_size=EVEN
    )
    alone = compiled(lambda: build(0.3), OPTIMIZERS["adam"]())
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, TABLE, LABELS, batch_size=EVEN))


@pytest.mark.parametrize("where", ["first", "behind_scaling", "flattened"])
def test_input_dropout_is_a_dropout_layer_there(where):
    seed = 5

    def build(rate=None):
        dropped = [] if rate is None else [layers.Dropout(rate, seed=repeat_seed(seed, 0))]
        before = {
            "first": [keras.Input((8,))],
            "behind_scaling": [keras.Input((8,)), layers.Rescaling(2.0, offset=-1.0)],
            "flattened": [keras.Input((12, 12, 2)), layers.Flatten()],
        }[where]
        return keras.Sequential([*before, *dropped, layers.Dense(16, activation="relu"), layers.Dense(3)])

    x = IMAGES if where == "flattened" else TABLE
    path = train_lanes(
        compiled(build, OPTIMIZERS["adam"]()), x, LABELS, rw.Grid(input_dropout=[0, 0.1, 0.3, 0.5]), seed=seed
    )
    alone = compiled(lambda: build(0.3), OPTIMIZERS["adam"]())
    assert_equal(path, {"input_dropout": 0.3}, alone, fit_alone(alone, x, LABELS))


def test_input_dropout_of_two_inputs():
    seed = 2
    build, x = MODELS["two_inputs"]
    path = train_lanes(
        compiled(build, OPTIMIZERS["sgd"]()), x, LABELS, rw.Grid(input_dropout=[0, 0.2, 0.3, 0.5]), seed=seed
    )

    def dropped():
        first, second = keras.Input((8,), name="a"), keras.Input((3,), name="b")
        places = [repeat_seed(seed, 0), repeat_seed(seed, 0) + 1]
        a = layers.Dense(8, activation="relu")(layers.Dropout(0.5, seed=places[0])(first))
        b = layers.Dense(4)(layers.Dropout(0.5, seed=places[1])(second))
        joined = layers.Dropout(0.2, seed=3)(layers.Concatenate()([a, b]))
        return keras.Model({"a": first, "b": second}, layers.Dense(3)(joined))

    alone = compiled(dropped, OPTIMIZERS["sgd"]())
    assert_equal(path, {"input_dropout": 0.5}, alone, fit_alone(alone, x, LABELS))


def test_label_smoothing_of_the_binary_loss():
    labels = (LABELS > 0).astype("float32")

    def build():
        return keras.Sequential([keras.Input((8,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])

    def loss(smoothing=0.0):
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)

    family = rw.Grid(label_smoothing=[0, 0.1, 0.2, 0.3])
    path = train_lanes(compiled(build, OPTIMIZERS["adam"](), loss()), TABLE, labels, family)
    alone = compiled(build, OPTIMIZERS["adam"](), loss(0.2))
    assert_equal(path, {"label_smoothing": 0.2}, alone, fit_alone(alone, TABLE, labels))


@pytest.mark.parametrize("name", SOME[:3])
@pytest.mark.parametrize("sparse", [False, True])
def test_label_smoothing_of_class_losses(name, sparse):
    build, x = MODELS[name]
    one_hot = keras.utils.to_categorical(LABELS)

    def loss(smoothing):
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)

    family = rw.Grid(label_smoothing=[0, 0.1, 0.2, 0.3])
    given = logits_loss() if sparse else loss(0.0)
    labels = LABELS if sparse else one_hot
    path = train_lanes(compiled(build, OPTIMIZERS["adam"](), given), x, labels, family)
    # Keras's sparse loss has no smoothing: the truth is the categorical one on one-hot labels.
    alone = compiled(build, OPTIMIZERS["adam"](), loss(0.3))
    assert_equal(path, {"label_smoothing": 0.3}, alone, fit_alone(alone, x, one_hot))


def test_label_smoothing_of_a_loss_named_by_a_string():
    one_hot = keras.utils.to_categorical(LABELS)

    def build():
        return keras.Sequential([keras.Input((8,)), layers.Dense(3, activation="softmax")])

    path = train_lanes(
        compiled(build, OPTIMIZERS["sgd"](), "categorical_crossentropy"),
        TABLE,
        one_hot,
        rw.Grid(label_smoothing=[0, 0.1, 0.2, 0.3]),
    )
    alone = compiled(build, OPTIMIZERS["sgd"](), keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    assert_equal(path, {"label_smoothing": 0.1}, alone, fit_alone(alone, TABLE, one_hot))


@pytest.mark.parametrize("name", SOME[:3])
@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.RMSprop])
def test_learning_rate_and_momentum(name, optimizer):
    build, x = MODELS[name]
    family = rw.Grid(learning_rate=[0.001, 0.01], momentum=[0.0, 0.9])
    path = train_lanes(compiled(build, optimizer(0.05)), x, LABELS, family, batch_size=EVEN)
    for momentum in [0.0, 0.9] if name == "normalized_mlp" else [0.9]:
        alone = compiled(build, optimizer(0.01, momentum=momentum))
        assert_equal(
            path, {"learning_rate": 0.01, "momentum": momentum}, alone, fit_alone(alone, x, LABELS, batch_size=EVEN)
        )


def _attribute_model():
    return keras.Sequential(
        [
            keras.Input((8,)),
            # No bias: batch normalization takes it out again; its gradient is rounding, which Adam scales up.
            layers.Dense(16, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.0), name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.LeakyReLU(name="leaky"),
            layers.Dense(8, name="second"),
            layers.ELU(name="elu"),
            layers.GaussianNoise(0.0, seed=3, name="noise"),
            layers.Dense(3, name="out"),
        ]
    )


#: By the name in the family: the attribute, what it is in the model, and another value.
NUMBERS = {
    "hidden.kernel_regularizer.l2": ("l2", 0.0, 0.1),
    "norm.momentum": ("momentum", 0.99, 0.5),
    "norm.epsilon": ("epsilon", 1e-3, 0.1),
    "leaky.negative_slope": ("negative_slope", 0.3, 0.1),
    "noise.stddev": ("stddev", 0.0, 0.2),
    "optimizer.beta_1": ("beta_1", 0.9, 0.5),
    "optimizer.clipnorm": ("clipnorm", 0.5, 0.1),
    "elu.alpha": ("alpha", 1.0, 0.5),
}


def _attributes(build=_attribute_model):
    return compiled(build, keras.optimizers.Adam(0.01, clipnorm=0.5))


@pytest.fixture(scope="module")
def numbers():
    """A path of the model as it is, and of one lane for each number that is another."""
    base = {name: own for name, (_, own, _) in NUMBERS.items()}
    family = rw.OneAtATime({name: [value] for name, (_, _, value) in NUMBERS.items()}, base=base)
    return train_lanes(_attributes(), TABLE, LABELS, family, batch_size=EVEN)


@pytest.mark.parametrize("name", NUMBERS)
def test_any_number_of_the_model(name, numbers):
    assert len(numbers.table()) == len(NUMBERS) + 1
    attribute, _, value = NUMBERS[name]
    alone = _attributes()
    owner = alone.optimizer if name.startswith("optimizer") else alone.get_layer(name.split(".")[0])
    if name == "noise.stddev":
        owner.seed_generator = None
        alone = _attributes(
            lambda: keras.Sequential(
                [
                    layers.GaussianNoise(value, seed=3, name="noise") if layer.name == "noise" else layer
                    for layer in [keras.Input((8,)), *_attribute_model().layers]
                ]
            )
        )
    elif "regularizer" in name:
        owner.kernel_regularizer.l2 = value
    else:
        setattr(owner, attribute, value)
    assert_equal(numbers, {name: value}, alone, fit_alone(alone, TABLE, LABELS, batch_size=EVEN))


def test_a_number_of_a_schedule():
    def made(rate):
        schedule = keras.optimizers.schedules.ExponentialDecay(rate, 5, 0.8)
        return compiled(normalized_mlp, keras.optimizers.SGD(schedule))

    name = "optimizer.learning_rate.initial_learning_rate"
    path = train_lanes(made(0.1), TABLE, LABELS, rw.Grid({name: [0.01, 0.05, 0.1, 0.2]}), batch_size=EVEN)
    alone = made(0.05)
    assert_equal(path, {name: 0.05}, alone, fit_alone(alone, TABLE, LABELS, batch_size=EVEN))


DROPOUTS = rw.Grid(dropout=[0.0, 0.1, 0.3, 0.5])


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20)),
        lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
        lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
        lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.1),
        lambda: keras.optimizers.Nadam(0.01),
        lambda: keras.optimizers.Lion(0.001, weight_decay=0.1),
        lambda: keras.optimizers.Adafactor(0.01),
        lambda: keras.optimizers.Muon(0.01),
    ],
    ids=["schedule", "ema", "accumulation", "clipnorm", "nadam", "lion", "adafactor", "muon"],
)
def test_other_optimizers(optimizer):
    path = train_lanes(compiled(normalized_mlp, optimizer()), TABLE, LABELS, DROPOUTS, batch_size=EVEN)
    alone = compiled(normalized_mlp, optimizer())
    alone.get_layer("drop").rate = 0.3
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, TABLE, LABELS, batch_size=EVEN))


WEIGHTS = np.random.default_rng(3).uniform(0.1, 2.0, ROWS).astype("float32")


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_weight": WEIGHTS},
        {"class_weight": {0: 0.5, 1: 2.0}},
        {"validation_split": 0.0, "validation_data": (TABLE[:33], LABELS[:33], WEIGHTS[:33])},
        {"validation_batch_size": 5},
        {"batch_size": 56},
        {"batch_size": 100},
    ],
    ids=["sample_weight", "class_weight", "validation_data", "validation_batches", "one_batch", "larger_batch"],
)
def test_arguments_of_fit(arguments):
    path = train_lanes(compiled(normalized_mlp, OPTIMIZERS["adam"]()), TABLE, LABELS, DROPOUTS, **arguments)
    alone = compiled(normalized_mlp, OPTIMIZERS["adam"]())
    alone.get_layer("drop").rate = 0.3
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, TABLE, LABELS, **arguments))


def test_several_outputs_with_weights():
    def build():
        inputs = keras.Input((8,))
        hidden = layers.Dropout(0.1, seed=1, name="drop")(layers.Dense(8, activation="relu")(inputs))
        return keras.Model(inputs, {"kind": layers.Dense(3, name="kind")(hidden), "size": layers.Dense(1)(hidden)})

    def made():
        model = seeded(build)
        model.compile(
            keras.optimizers.Adam(0.01),
            {"kind": logits_loss(), "size": "mse"},
            loss_weights={"kind": 1.0, "size": 0.3},
            metrics={"kind": ["accuracy"], "size": ["mae"]},
        )
        return model

    labels = {"kind": LABELS, "size": TABLE[:, 0]}
    path = train_lanes(made(), TABLE, labels, DROPOUTS)
    alone = made()
    alone.get_layer("drop").rate = 0.3
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, TABLE, labels))


class OwnStep(keras.Model):
    """A model with a training step and logs of its own."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(8, activation="relu")
        self.drop = layers.Dropout(0.1, seed=2, name="drop")
        self.out = layers.Dense(3)

    def call(self, x, training=None):
        return self.out(self.drop(self.hidden(x), training=training))

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {"loss": logs["loss"], "twice": 2.0 * logs["loss"]}, state


def test_a_training_step_of_the_users_own():
    def build():
        model = OwnStep()
        model(TABLE[:1])
        return model

    path = train_lanes(compiled(build, OPTIMIZERS["adam"]()), TABLE, LABELS, DROPOUTS)
    alone = compiled(build, OPTIMIZERS["adam"]())
    alone.drop.rate = 0.3
    history = fit_alone(alone, TABLE, LABELS)
    assert "twice" in history.history
    assert_equal(path, {"dropout": 0.3}, alone, history)


def test_bfloat16_layers_stay_bfloat16():
    def build():
        policy = keras.DTypePolicy("mixed_bfloat16")
        return keras.Sequential(
            [
                keras.Input((8,)),
                layers.Dense(16, activation="relu", dtype=policy),
                layers.Dropout(0.1, seed=3, dtype=policy, name="drop"),
                layers.Dense(3, dtype=policy),
                layers.Activation("linear", dtype="float32"),
            ]
        )

    path = train_lanes(compiled(build, OPTIMIZERS["sgd"]()), TABLE, LABELS, DROPOUTS, batch_size=EVEN)
    alone = compiled(build, OPTIMIZERS["sgd"]())
    alone.get_layer("drop").rate = 0.3
    # bfloat16 has 8 bits: a different order of sums shows from the third digit on.
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, TABLE, LABELS, batch_size=EVEN), relative=5e-3)


@pytest.mark.parametrize("executor", ["vmap", "patches", "map", "steps"])
def test_every_executor(executor):
    path = train_lanes(compiled(cnn, OPTIMIZERS["momentum"]()), IMAGES, LABELS, DROPOUTS, executor=executor, slots=4)
    assert path.record["executor"]["name"] == executor
    alone = compiled(cnn, OPTIMIZERS["momentum"]())
    alone.get_layer("drop").rate = 0.3
    assert_equal(path, {"dropout": 0.3}, alone, fit_alone(alone, IMAGES, LABELS))


def test_the_users_model_keeps_its_weights():
    model = compiled(normalized_mlp, OPTIMIZERS["adam"]())
    before = [value.numpy() for value in model.weights]
    train_lanes(model, TABLE, LABELS, DROPOUTS)
    for old, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    assert model.get_layer("drop").rate == 0.2


def test_the_data_loss_is_that_of_an_unpenalized_model():
    family = rw.Grid(l2=[0.0, 0.1], label_smoothing=[0.0, 0.2])
    path = train_lanes(compiled(mlp, OPTIMIZERS["adam"]()), TABLE, LABELS, family)
    cut = int(ROWS * 0.8)
    for _, row in path.table().iterrows():
        plain = compiled(mlp, "sgd")
        plain.set_weights(list(path.lane_weights(int(row["lane"])).values()))
        expected = plain.evaluate(TABLE[cut:], LABELS[cut:], verbose=0)[0]
        np.testing.assert_allclose(row["val_nll"], expected, rtol=1e-5)
    assert path.history()["epoch"].max() == EPOCHS
