"""The code that reproduces a configuration runs, and does what it says."""

import ast
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ridgeway.report.keras_code import _NOT_KERNELS, keras_code

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def record(synthetic: SimpleNamespace) -> dict[str, Any]:
    return dict(synthetic.cases["grid"]().record)


def run(source: str, model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    import keras

    names: dict[str, Any] = {"keras": keras, "model": model, "x_train": x, "y_train": y}
    exec(compile(source, "winner", "exec"), names)
    return names


@pytest.fixture
def digits() -> SimpleNamespace:
    import keras

    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(3, activation="softmax")])
    return SimpleNamespace(model=model, x=rng.random((40, 5), dtype=np.float32), y=rng.integers(0, 3, 40))


def test_the_lines_read_as_a_person_would_write_them(record: dict[str, Any]) -> None:
    code = keras_code(record, {"weight_decay": 0.001, "dropout": 0.25}, 14)
    assert "optimizer = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, weight_decay=0.001)\n" in code
    assert 'optimizer.exclude_from_weight_decay(var_names=["bias"' in code
    assert 'metrics=["accuracy"]' in code
    assert "model.fit(x_train, y_train, batch_size=32, epochs=14)\n" in code
    assert "Dropout(0.25) in every dropout layer: 'dropout'" in code


def test_decay_spares_biases_as_this_run_did(record: dict[str, Any], digits: SimpleNamespace) -> None:
    run(keras_code(record, {"weight_decay": 0.1}, 1), digits.model, digits.x, digits.y)
    kernel, bias = digits.model.trainable_variables
    optimizer = digits.model.optimizer
    assert optimizer.weight_decay == 0.1
    assert optimizer._use_weight_decay(kernel) and not optimizer._use_weight_decay(bias)
    assert "exclude" not in keras_code({**record, "decay": "all"}, {"weight_decay": 0.1}, 1)
    assert "exclude" not in keras_code(record, {"weight_decay": 0.0}, 1)


def test_kernels_are_those_of_the_engine() -> None:
    from ridgeway.hyperparameters import kernels

    assert tuple(_NOT_KERNELS) == kernels._NOT_KERNELS


def test_sparse_smoothing_goes_over_one_hot_labels(record: dict[str, Any], digits: SimpleNamespace) -> None:
    code = keras_code(record, {"label_smoothing": 0.1}, 1)
    names = run(code, digits.model, digits.x, digits.y)
    assert names["y_train"].shape == (40, 3)
    assert digits.model.loss.label_smoothing == 0.1
    assert "to_categorical" not in keras_code(record, {"label_smoothing": 0.0}, 1)


def test_the_l1_constraint_is_the_proximal_step(record: dict[str, Any], digits: SimpleNamespace) -> None:
    code = keras_code(record, {"l1": 0.5, "learning_rate": 0.1}, 1)
    names = run(code, digits.model, digits.x, digits.y)
    assert "#     kernel_constraint=SoftThreshold(0.1 * 0.5)" in code and "# #" not in code
    shrunk = names["SoftThreshold"](0.1 * 0.5)(np.array([-1.0, -0.04, 0.0, 0.04, 1.0]))
    np.testing.assert_allclose(shrunk, [-0.95, 0.0, 0.0, 0.0, 0.95], rtol=1e-6)


def test_the_group_lasso_constraint_is_the_proximal_step(record: dict[str, Any], digits: SimpleNamespace) -> None:
    code = keras_code(record, {"group_lasso": 0.5, "learning_rate": 0.1}, 1)
    names = run(code, digits.model, digits.x, digits.y)
    assert "#     kernel_constraint=GroupThreshold(0.1 * 0.5)" in code and "# #" not in code
    kernel = np.array([[3.0, 4.0], [0.01, 0.02], [0.0, 0.0]])
    shrunk = names["GroupThreshold"](0.1 * 0.5)(kernel)
    np.testing.assert_allclose(shrunk, [[3.0 * 0.99, 4.0 * 0.99], [0.0, 0.0], [0.0, 0.0]], rtol=1e-6)


def test_a_relaxed_lane_keeps_its_zeros(record: dict[str, Any], digits: SimpleNamespace) -> None:
    configuration = {"group_lasso": 0.02, "relax": 2.0, "learning_rate": 0.1}
    code = keras_code(record, configuration, 4)
    assert "epochs=2)\n# From here on" in code and "initial_epoch=2, epochs=4)" in code
    import keras

    model = digits.model
    first = next(layer for layer in model.layers if hasattr(layer, "kernel"))
    before, names = code.split("model.compile(")[0], {}
    exec("import keras\n" + before, names)
    first.kernel_constraint = first.kernel.constraint = names["GroupThreshold"](0.1 * 0.02)
    first.kernel.assign(np.where(np.arange(first.kernel.shape[0])[:, None] < 3, 0, first.kernel))
    names = {"GroupThreshold": names["GroupThreshold"], "keras": keras}
    # What these features give is noise that the second fit would learn, were it let.
    x = np.where(np.arange(digits.x.shape[1]) < 3, 0, digits.x)
    seen = []

    def fit(given, *arguments, **keywords):
        seen.append(type(first.kernel.constraint).__name__)
        return keras.Model.fit(model, x if len(seen) == 1 else digits.x, *arguments, **keywords)

    model.fit = fit
    exec(code[len(before) :], {**names, "model": model, "x_train": digits.x, "y_train": digits.y})
    assert seen == ["GroupThreshold", "KeepZeros"]
    assert type(first.kernel.constraint).__name__ == "KeepZeros"
    left = np.asarray(first.kernel).any(axis=1)
    np.testing.assert_array_equal(left, np.asarray(first.kernel.constraint.kept)[:, 0])
    assert 0 < left.sum() < len(left)
    # Beside l1 each weight's own zero is kept, not only those of whole rows.
    assert "self.kept = keras.ops.not_equal(w, 0)" in keras_code(record, {**configuration, "l1": 1e-3}, 4)
    assert "self.kept = keras.ops.not_equal(w, 0)" in keras_code(record, {"l1": 1e-3, "relax": 2.0}, 4)
    averaged = keras_code(record, {**configuration, "ema": 0.9}, 4)
    assert "relax=2 is missing here" in averaged and "initial_epoch" not in averaged
    # Where the kept epoch comes before, the penalty never ends; nor where there is none.
    assert "initial_epoch" not in keras_code(record, configuration, 2)
    assert keras_code(record, {"group_lasso": 0.0, "relax": 2.0}, 4) == keras_code(record, {}, 4)


def test_a_loss_with_known_arguments_is_written_out(record: dict[str, Any]) -> None:
    model = {**record["model"], "loss_config": {"name": "x", "from_logits": True}}
    code = keras_code({**record, "model": model}, {"dropout": 0.5}, 3)
    assert "loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)," in code
    assert "Give SparseCategoricalCrossentropy" not in code


def test_a_loss_by_function_gets_its_class_for_smoothing(record: dict[str, Any]) -> None:
    model = {**record["model"], "loss": "binary_crossentropy", "loss_config": {"from_logits": False}}
    code = keras_code({**record, "model": model}, {"label_smoothing": 0.1}, 3)
    assert "loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1)," in code
    assert "loss='binary_crossentropy'," in keras_code({**record, "model": model}, {"dropout": 0.1}, 3)


@pytest.mark.parametrize("loss", ["MyLoss", "my_loss", "MeanSquaredError, Huber", "none"])
def test_a_loss_that_is_not_known_is_left_to_a_name(record: dict[str, Any], loss: str) -> None:
    code = keras_code({**record, "model": {**record["model"], "loss": loss}}, {"dropout": 0.1}, 3)
    assert "    loss=loss,\n" in code and f"as in your model, {loss!r}" in code


def test_an_unrecorded_schedule_is_named(record: dict[str, Any]) -> None:
    model = {**record["model"], "optimizer_config": {"momentum": 0.9}}
    code = keras_code({**record, "model": model}, {"dropout": 0.1}, 3)
    assert "SGD(learning_rate=learning_rate, momentum=0.9)" in code and "your model's own schedule" in code


def test_schedules_and_string_losses_are_written_out(record: dict[str, Any]) -> None:
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "ExponentialDecay",
        "config": {
            "initial_learning_rate": 0.1,
            "decay_steps": 10,
            "decay_rate": 0.9,
            "staircase": False,
            "name": "e",
        },
    }
    model = {
        **record["model"],
        "optimizer": "AdamW",
        "optimizer_config": {"learning_rate": schedule, "weight_decay": None, "beta_1": 0.9},
        "loss": "mean_squared_error",
        "loss_config": {},
    }
    code = keras_code({**record, "model": model}, {"l1": 0.1}, 3)
    assert "ExponentialDecay(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.9, staircase=False)" in code
    assert "weight_decay=None" in code and "loss='mean_squared_error'" in code and "learning_rate * 0.1" in code


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_code_parses_whatever_the_names(record: dict[str, Any], lang: str) -> None:
    evil = "x'''\nimport os\n#"
    model = {
        **record["model"],
        "layers": [{"name": evil, "class": kind, "config_line": evil} for kind in ("Dropout", "Dense", "Dense")],
        "optimizer": f"SGD{evil}",
        "loss": evil,
        "metrics": [evil, '"'],
    }
    configuration = {f"{evil}.rate": 0.5, "dropout": 0.5, "l2": 0.1, "l1": 0.1, "input_dropout": 0.2}
    configuration |= {"normalization": evil, "input_scaling": evil}
    tree = ast.parse(keras_code({**record, "model": model}, configuration, 3, lang))
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))


@pytest.mark.parametrize(
    ("kind", "convolves", "layer"),
    [
        ("batch", False, "BatchNormalization()"),
        ("layer", False, "LayerNormalization()"),
        ("layer", True, "GroupNormalization(groups=1)"),
        ("instance", True, "GroupNormalization(groups=-1)"),
        ("group", False, "GroupNormalization(groups=32)"),
        ("group", True, "GroupNormalization(groups=6)"),
    ],
)
def test_normalization_says_which_layer_goes_where(
    record: dict[str, Any], kind: str, convolves: bool, layer: str
) -> None:
    hidden = {"name": "c", "class": "Conv2D", "config_line": "Conv2D(12, (3, 3), activation='relu')"}
    if not convolves:
        hidden = {"name": "d", "class": "Dense", "config_line": "Dense(128, activation='relu')"}
    last = {"name": "out", "class": "Dense", "config_line": "Dense(10)"}
    changed = {**record, "model": {**record["model"], "layers": [hidden, last]}}
    after = keras_code(changed, {"normalization": kind, "dropout": 0.0}, 3)
    assert f"{hidden['name']!r}: keras.layers.{layer}\n" in after and "'out'" not in after
    before = keras_code(changed, {"normalization": kind, "normalization_position": "before"}, 3)
    assert f"{hidden['name']!r}: keras.layers.{layer}, keras.layers.Activation('relu')\n" in before
    assert "Normalization" not in keras_code(changed, {"normalization": "none"}, 3)


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "standardize", "minmax", "robust"])
def test_input_scaling_is_scikit_learns(record: dict[str, Any], digits: SimpleNamespace, scaling: str) -> None:
    from sklearn import preprocessing

    x = digits.x * np.array([1, 10, 0.1, 5, 2], dtype=np.float32) - 3
    float_record = {**record, "data": {**record["data"], "x": "5 float32"}}
    layer = run(keras_code(float_record, {"input_scaling": scaling}, 1), digits.model, x, digits.y)["scaling"]
    low, high = x.min(), x.max()
    truth = {
        "unit": lambda: (x - low) / (high - low),
        "symmetric": lambda: 2 * (x - low) / (high - low) - 1,
        "standardize": lambda: preprocessing.StandardScaler().fit_transform(x),
        "minmax": lambda: preprocessing.MinMaxScaler().fit_transform(x),
        "robust": lambda: preprocessing.RobustScaler().fit_transform(x),
    }[scaling]()
    np.testing.assert_allclose(np.asarray(layer(x)), truth, atol=2e-5)


def test_pixels_are_scaled_by_what_pixels_can_be(record: dict[str, Any]) -> None:
    code = keras_code(record, {"input_scaling": "unit"}, 1)
    assert "low, high = 0.0, 255.0\n" in code
    assert "scaling" not in keras_code(record, {"input_scaling": "none"}, 1)


def test_averaged_weights_are_the_optimizers(record: dict[str, Any], digits: SimpleNamespace) -> None:
    run(keras_code(record, {"ema": 0.9}, 1), digits.model, digits.x, digits.y)
    assert digits.model.optimizer.use_ema and digits.model.optimizer.ema_momentum == 0.9
    assert "keras.callbacks.SwapEMAWeights(swap_on_epoch=True)" in keras_code(record, {"ema": 0.9}, 1)
    assert "ema" not in keras_code(record, {"ema": 0.0}, 1)


def test_methods_that_act_in_layers_say_where_and_those_that_keras_lacks_say_so(record: dict[str, Any]) -> None:
    names = ["noise", "recurrent_dropout", "attention_dropout", "stochastic_depth", "mixup", "sam", "group_lasso"]
    code = keras_code(record, dict.fromkeys(names, 0.125), 1)
    ast.parse(code)
    assert (
        "# In the model, directly before the first layer with weights:\n#     keras.layers.GaussianNoise(0.125)" in code
    )
    assert "recurrent_dropout=0.125 in every recurrent layer" in code
    assert " dropout=0.125 in every attention layer" in code
    assert "keras.layers.Dropout(0.125 * l / L, noise_shape=(None, 1, ...))" in code
    assert code.count("Keras has no such method") == 2 and "kernel_constraint=GroupThreshold(" in code
    assert keras_code(record, dict.fromkeys(names, 0.0), 1) == keras_code(record, {}, 1)


def test_limits_of_norms_are_kerass_own(record: dict[str, Any], digits: SimpleNamespace) -> None:
    code = keras_code(record, {"clip_norm": 0.5, "max_norm": 2.0}, 1)
    assert "kernel_constraint=keras.constraints.MaxNorm(2.0)" in code
    run(code, digits.model, digits.x, digits.y)
    assert digits.model.optimizer.global_clipnorm == 0.5
    assert keras_code(record, {"clip_norm": 0.0, "max_norm": 0.0, "lp": 0.0, "p": 2.0}, 1) == keras_code(record, {}, 1)


@pytest.mark.parametrize("p", [None, 0.5, 3.0])
def test_the_power_penalty_is_a_regularizer_of_ours(record: dict[str, Any], p: float | None) -> None:
    import ridgeway

    code = keras_code(record, {"lp": 0.25, **({} if p is None else {"p": p})}, 1)
    line = next(line for line in code.splitlines() if "kernel_regularizer=" in line)
    regularizer = eval(line.partition("kernel_regularizer=")[2], {"ridgeway": ridgeway})
    assert regularizer.get_config() == {"p": p or 1.5, "strength": 0.25}
