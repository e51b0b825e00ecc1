"""The path: tables, models, storage."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import ridgeway as rw
import small_run

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 6)).astype("float32")
Y = (X[:, :3] + RANDOM.normal(size=(300, 3))).argmax(1)
CUT = 240


def build():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(16, activation="relu"), layers.Dropout(0.0), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "digits"
    family = rw.Grid(dropout=[0.0, 0.4], l2=[0.0, 0.01], label_smoothing=[0.0, 0.1])
    stopping = keras.callbacks.EarlyStopping(patience=2)
    path = rw.fit_path(
        build(), X, Y, family, validation_split=0.2, epochs=8, callbacks=[stopping], repeats=2, out=folder
    )
    return path, folder


def test_the_table_has_a_row_a_lane(run):
    path, _ = run
    table = path.table()
    assert list(table.columns) == [
        "lane", "dropout", "l2", "label_smoothing", "repeat", "fold", "epochs", "best_epoch", "stopped",
        "accuracy", "loss", "val_accuracy", "val_ece", "val_loss", "val_nll", "val_nll_se",
        "weight_norm", "zero_share", "seconds",
    ]  # fmt: skip
    assert len(table) == 2 * 2 * 2 * 2
    assert table["lane"].tolist() == list(range(16))
    assert set(table["stopped"]) <= {"early stopping", "completed"}
    assert (table["best_epoch"] <= table["epochs"]).all()


def test_the_history_has_a_row_a_lane_and_epoch(run):
    path, _ = run
    history, table = path.history(), path.table()
    assert history.groupby("lane").size().tolist() == table["epochs"].tolist()
    best = history.merge(table[["lane", "best_epoch"]], on="lane")
    best = best[best["epoch"] == best["best_epoch"]]
    np.testing.assert_array_equal(best["val_loss"], table["val_loss"])
    np.testing.assert_array_equal(history.groupby("lane")["val_loss"].min(), table["val_loss"])


def test_changing_a_table_changes_nothing(run):
    path, _ = run
    mine = path.table()
    mine["val_loss"] = 0.0
    assert (path.table()["val_loss"] > 0).all()


def test_a_lanes_model_scores_as_its_row_says(run):
    path, _ = run
    for lane in (0, 7, 15):
        row = path.lane(lane)
        scores = path.model(lane).evaluate(X[CUT:], Y[CUT:], verbose=0, return_dict=True)
        assert scores["accuracy"] == pytest.approx(row["val_accuracy"], abs=1e-6)
        if row["label_smoothing"] == 0:
            # Keras's own loss: the penalty is written into the model.
            assert scores["loss"] == pytest.approx(row["val_loss"], rel=1e-5)


def test_rates_and_strengths_are_written_into_the_model(run):
    path, _ = run
    lane = path.table().query("dropout == 0.4 and l2 == 0.01")["lane"].iloc[0]
    model = path.model(int(lane))
    assert model.layers[1].rate == 0.4
    assert model.layers[0].kernel_regularizer.l2 == 0.01


def test_evaluate_is_keras_evaluate_of_each_lane(run):
    path, _ = run
    found = path.evaluate(X[:77], Y[:77], batch_size=20).set_index("lane")
    for lane in (1, 10):
        expected = path.model(lane).evaluate(X[:77], Y[:77], batch_size=20, verbose=0, return_dict=True)
        assert found.loc[lane, "accuracy"] == pytest.approx(expected["accuracy"], abs=1e-6)
        if path.lane(lane)["label_smoothing"] == 0:
            assert found.loc[lane, "loss"] == pytest.approx(expected["loss"], rel=1e-5)


def test_training_goes_on_from_a_lanes_model(run):
    path, _ = run
    model = path.best_model()
    before = model.get_weights()
    model.fit(X, Y, epochs=1, verbose=0)
    assert any((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    np.testing.assert_array_equal(path.best_model().get_weights()[0], before[0])


def test_a_run_is_read_back_bit_for_bit(run):
    path, folder = run
    read = rw.load_path(folder)
    assert read.table().equals(path.table())
    assert read.history().equals(path.history())
    assert read.record == json.loads(json.dumps(path.record))
    assert read.best == path.best
    for lane in (0, 9):
        for epoch in ("best", "last"):
            old, new = path.lane_weights(lane, epoch), read.lane_weights(lane, epoch)
            assert list(old) == list(new)
            for name in old:
                np.testing.assert_array_equal(old[name], new[name])
    np.testing.assert_array_equal(read.model(9).predict(X, verbose=0), path.model(9).predict(X, verbose=0))


def test_the_directory_holds_what_the_design_says(run):
    _, folder = run
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "run.json", "lanes.parquet", "timings.parquet", "history.parquet", "calibration.parquet", "weights.safetensors",
            "last_weights.safetensors", "model.keras", "best.keras", "report.html", "events.jsonl", "checksums.json",
            ".lock",
    }  # fmt: skip


def test_the_best_model_loads_where_ridgeway_is_not(run, tmp_path):
    path, folder = run
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "expected.npy", path.best_model().predict(X, verbose=0))
    code = f"""
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] == "ridgeway":
            raise ImportError("ridgeway is not here")
sys.meta_path.insert(0, Absent())
import keras, numpy as np
model = keras.models.load_model({str(folder / "best.keras")!r})
found = model.predict(np.load({str(tmp_path / "x.npy")!r}), verbose=0)
assert np.array_equal(found, np.load({str(tmp_path / "expected.npy")!r}))
assert "ridgeway" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_saving_where_another_run_is(run, tmp_path):
    path, folder = run
    path.save(folder)  # its own directory
    path.save(tmp_path / "copy")
    assert rw.load_path(tmp_path / "copy").table().equals(path.table())
    with pytest.raises(rw.InputError, match="holds another run. Pass another directory"):
        rw.fit_path(build(), X, Y, rw.Grid(dropout=[0.0]), validation_split=0.2, out=folder)
    assert rw.load_path(folder).table().equals(path.table())


def test_a_record_that_was_tampered_with_is_named(run, tmp_path):
    path, _ = run
    path.save(tmp_path / "copy")
    file = tmp_path / "copy" / "run.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "mode": "sideways"}))
    with pytest.raises(rw.InputError, match=r"run.json' is not as ridgeway writes it: mode"):
        rw.load_path(tmp_path / "copy")
    file.write_text(json.dumps({**record, "schema": 99}))
    with pytest.raises(rw.InputError, match="was written in schema 99, and this ridgeway reads 1"):
        rw.load_path(tmp_path / "copy")
    file.write_text("{")
    with pytest.raises(rw.InputError, match="is no JSON"):
        rw.load_path(tmp_path / "copy")


def test_what_can_not_be_asked(run, tmp_path):
    path, _ = run
    with pytest.raises(rw.InputError, match="There is no lane 99. Lanes go from 0 to 15"):
        path.model(99)
    with pytest.raises(rw.InputError, match="Pass 'best' or 'last'"):
        path.model(0, epoch="first")
    with pytest.raises(rw.InputError, match="holds no finished run"):
        rw.load_path(tmp_path)


class Own(keras.Model):
    """A class that Keras can't make again from a file."""

    def __init__(self, width):
        super().__init__()
        self.hidden, self.out = layers.Dense(width, activation="relu"), layers.Dense(3)

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_class_that_can_not_be_copied_takes_the_weights_itself(tmp_path):
    model = Own(8)
    model(X[:1])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    path = rw.fit_path(model, X, Y, rw.Grid(l2=[0.0, 0.1]), validation_split=0.2, epochs=2)
    exported = path.model(1)
    assert exported is model
    accuracy = exported.evaluate(X[CUT:], Y[CUT:], verbose=0)[1]
    assert accuracy == pytest.approx(path.lane(1)["val_accuracy"], abs=1e-6)


def test_without_validation_data_the_last_epoch_is_kept():
    with pytest.warns(UserWarning, match="No validation data"):
        path = rw.fit_path(build(), X, Y, rw.Grid(dropout=[0.0, 0.5]), epochs=3)
    assert path.table()["best_epoch"].tolist() == [3, 3]
    assert path.metric == "loss"
    for name, value in path.lane_weights(0).items():
        np.testing.assert_array_equal(value, path.lane_weights(0, "last")[name])


def test_the_events_of_a_run_tell_the_size_of_each_lanes_weights(tmp_path):
    path = small_run.train(out=tmp_path / "run")
    told = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    ended = pd.DataFrame([one for one in told if one["event"] == "lane"]).sort_values("lane")
    for name in ("weight_norm", "zero_share"):
        np.testing.assert_array_equal(ended[name], path.table()[name])
    kernels = [w for w in path.model(2).trainable_weights if w.path.endswith("kernel")]
    norm = np.sqrt(sum(float(np.sum(np.square(np.asarray(w), dtype=np.float64))) for w in kernels))
    assert path.table()["weight_norm"][2] == pytest.approx(norm)
