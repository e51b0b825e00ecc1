"""Every bad input of `fit_path` is one clear error that names the value, and loses nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import ridgeway as rw

random = np.random.default_rng(0)
X = random.normal(size=(40, 3)).astype(np.float32)
Y = random.integers(0, 3, 40)


def classifier(compiled: bool = True, dropout: bool = True, **compile_with: Any) -> keras.Model:
    middle = [keras.layers.Dropout(0.0)] if dropout else []
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), *middle, keras.layers.Dense(3)], name="net")
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(**{"optimizer": "sgd", "loss": loss, "metrics": ["accuracy"], **compile_with})
    return model


def spoiled(array: np.ndarray, value: float) -> np.ndarray:
    array = array.astype(np.float32)
    array.reshape(-1)[7] = value
    return array


def train(**changes: Any) -> rw.Path:
    arguments = {"model": classifier(), "x": X, "y": Y, "family": FAMILY, "validation_split": 0.2, "verbose": 0}
    return rw.fit_path(**{**arguments, **changes})


FAMILY = rw.Grid(weight_decay=[0.0, 0.1])
STOPPING, CHECKPOINT = keras.callbacks.EarlyStopping, keras.callbacks.ModelCheckpoint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": Y[:30]}, "x has 40 rows and y has 30"),
        ({"sample_weight": np.ones(39)}, "x has 40 rows and sample_weight has 39"),
        ({"y": None}, "y is None. Pass the labels"),
        ({"x": [*X.tolist()[:-1], [1.0]]}, "x is a list whose rows differ in length"),
        ({"y": ["cat"] * 40}, "y holds .* such as .*cat.*ridgeway.one_hot"),
        ({"x": []}, "x is empty"),
        ({"x": X[:0], "y": Y[:0]}, "x is empty"),
        ({"x": spoiled(X, np.nan)}, r"x holds 1 values that are NaN or infinite; the first, NaN, is in row 2"),
        ({"x": spoiled(X, np.inf)}, r"x holds 1 values .* infinity, is in row 2"),
        ({"y": spoiled(Y, np.nan)}, "y holds 1 values .* NaN, is in row 7"),
        ({"y": spoiled(Y, np.inf)}, "y holds 1 values .* infinity, is in row 7"),
        ({"validation_data": (spoiled(X, np.nan), Y)}, "holds 1 values .* NaN"),
        ({"x": np.full((40, 3), "red")}, "x holds .* such as .*red.*, and the model wants numbers"),
        ({"y": np.full(40, "cat")}, "y holds .* such as .*cat"),
        ({"y": np.where(Y == 2, 3, Y)}, "y holds the label 3 in row .*, outside the model's 3 classes 0 to 2"),
        ({"y": np.where(Y == 0, -1, Y)}, "y holds the label -1 in row"),
        ({"validation_data": (X, Y + 5)}, "y holds the label [567] in row 0, outside the model's 3 classes"),
        ({"model": classifier(compiled=False)}, r"The model 'net' is not compiled. Call model.compile"),
        ({"model": "model.keras"}, "model is 'model.keras', no keras.Model"),
        ({"family": {"dropout": [0.5]}}, r"family is \{'dropout': \[0.5\]\}. Pass one such as ridgeway.Grid"),
        ({"validation_split": 1.0}, "validation_split=1 is out of range"),
        ({"validation_split": -0.2}, "validation_split=-0.2 is out of range"),
        ({"validation_split": 0.999}, "validation_split=0.999 of 40 rows leaves one side empty"),
        ({"validation_data": X}, "validation_data is no"),
        ({"epochs": 0}, "epochs=0 is no whole number above 0"),
        ({"batch_size": 2.5}, "batch_size=2.5 is no whole number"),
        ({"repeats": -1}, "repeats=-1 is no whole number"),
        ({"callbacks": [STOPPING("val_los")]}, "val_los.*watches a metric that"),
        ({"callbacks": [CHECKPOINT("a.keras", "val_auc", save_best_only=True)]}, "val_auc.*watches a metric that"),
        ({"callbacks": ["early"]}, "callbacks holds 'early'"),
        ({"executor": "cuda"}, "cuda"),
        ({"slots": 0}, "slots.*0"),
        ({"decay": "biases"}, "biases"),
        ({"class_weight": {0: 2.0}, "sample_weight": np.ones(40)}, "class_weight and sample_weight can't be given"),
    ],
)
def test_arguments(change: dict[str, Any], said: str) -> None:
    with pytest.raises(rw.InputError, match=said):
        train(**change)


@pytest.mark.filterwarnings("ignore:No validation data")
def test_a_monitor_that_needs_validation_data() -> None:
    with pytest.raises(rw.InputError, match="val_loss.*watches a metric that.*validation"):
        train(callbacks=[STOPPING("val_loss")], validation_split=0.0)


def test_labels_that_are_not_one_hot() -> None:
    with pytest.raises(rw.InputError, match=r"shape \(32,\).*each of the model's 3 classes"):
        train(model=classifier(loss="categorical_crossentropy"))


def test_labels_of_a_binary_loss() -> None:
    with pytest.raises(rw.InputError, match="the label 2 in row .*binary_crossentropy wants labels from 0 to 1"):
        train(model=classifier(loss="binary_crossentropy"), y=np.eye(3)[Y] * 2)


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ({"dropout": [0.0, 1.0]}, "dropout.*1"),
        ({"dropout": [-0.1]}, "dropout.*-0.1"),
        ({"weight_decay": [0.1, -1.0]}, "weight_decay.*-1"),
        ({"label_smoothing": [1.0]}, "label_smoothing.*1"),
        ({"learning_rate": [0.0]}, "learning_rate.*0"),
        ({"weight_decay": [float("nan")]}, "weight_decay.*nan"),
        ({"weight_decay": []}, "weight_decay"),
        ({"weight_dcay": [0.1]}, "weight_dcay.*weight_decay"),
        ({"dense_99.rate": [0.1]}, "dense_99"),
    ],
)
def test_strengths(family: dict[str, list[float]], said: str) -> None:
    with pytest.raises(rw.InputError, match=said):
        train(family=rw.Grid(family))


def test_a_hyperparameter_that_acts_on_nothing() -> None:
    with pytest.raises(rw.InputError, match=r"dropout(.|\n)*Dropout\(0\.0\)"):
        train(model=classifier(dropout=False), family=rw.Grid(dropout=[0.0, 0.5]))


def test_label_smoothing_of_a_regression() -> None:
    with pytest.raises(rw.InputError, match="label_smoothing.*[mM]ean_?[sS]quared_?[eE]rror"):
        model = classifier(loss=keras.losses.MeanSquaredError(), metrics=[])
        train(model=model, y=np.eye(3)[Y], family=rw.Grid(label_smoothing=[0.0, 0.1]))


def test_all_lanes_diverged(tmp_path: Path) -> None:
    model = classifier(optimizer=keras.optimizers.SGD(1e30), loss="mse", metrics=[])
    with pytest.raises(rw.AllLanesDiverged, match="All 2 lanes diverged.* Lower the learning rate") as caught:
        train(model=model, y=random.normal(size=(40, 3)), epochs=3, out=tmp_path / "run")
    assert len(caught.value.path.table()) == 2
    assert len(rw.load_path(tmp_path / "run").table()) == 2


def test_a_directory_that_holds_another_run(tmp_path: Path) -> None:
    first = train(out=tmp_path / "run")
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    with pytest.raises(rw.InputError, match="run' holds another run. Pass another directory"):
        train(out=tmp_path / "run")
    second = train()
    with pytest.raises(rw.InputError, match="run' holds another run"):
        second.save(tmp_path / "run")
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before
    assert rw.load_path(tmp_path / "run").record["id"] == first.record["id"]
    (tmp_path / "file").write_text("")
    with pytest.raises(rw.InputError, match="file' is a file. Pass a directory"):
        train(out=tmp_path / "file")


def test_bad_input_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(rw.InputError):
        train(y=Y[:30], out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()
    train(out=tmp_path / "run")


class Breaking(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epochs += 1
        if self.epochs == 3:
            raise RuntimeError("broken callback")


def test_nothing_trained_is_lost_when_a_callback_breaks(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken callback") as caught:
        train(epochs=2, slots=1, out=tmp_path / "run", callbacks=[Breaking()])
    kept = rw.load_path(tmp_path / "run")
    assert kept.record["status"] == "failed"
    # The lane under way counts as far as it came.
    assert kept.table()[["lane", "epochs", "stopped"]].to_numpy().tolist() == [
        [0, 2, "completed"],
        [1, 1, "interrupted"],
    ]
    assert len(caught.value.path.table()) == 2  # type: ignore[attr-defined]
    whole = train(epochs=2, slots=1)
    assert len(whole.table()) == 2


@pytest.mark.parametrize("imports", ["import ridgeway as rw", "import keras; import ridgeway as rw"])
def test_another_backend(imports: str) -> None:
    code = f"""
import json
{imports}
try:
    rw.fit_path
except rw.InputError as error:
    print(json.dumps(str(error)))
"""
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert "Keras runs on the backend 'numpy', and ridgeway needs JAX. Set KERAS_BACKEND=jax" in said
