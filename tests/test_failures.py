"""What goes wrong in the middle of a run loses nothing that was trained, and leaves no ruins."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import ridgeway as rw
from engine.small import X, Y, model, train
from ridgeway.engine.executor import StackedExecutor

FOUR = rw.Grid(weight_decay=[0.0, 1e-2, 0.1, 1.0])


class Raises(keras.callbacks.Callback):
    """Raises at the end of a round, counted from 0."""

    def __init__(self, epoch, error):
        super().__init__()
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()], ids=["error", "second Ctrl-C"])
def test_lanes_under_way_count_as_far_as_they_came(error, tmp_path):
    """The second Ctrl-C raises at once; so does an error in somebody's callback."""
    with pytest.raises(type(error)) as caught:
        train(FOUR, epochs=4, slots=2, callbacks=[Raises(5, error)], out=tmp_path / "run")
    path = caught.value.path
    assert path.table()["epochs"].tolist() == [4, 4, 2, 2]
    assert path.table()["stopped"].tolist() == ["completed"] * 2 + ["interrupted"] * 2
    assert any("4 lanes were trained" in note for note in caught.value.__notes__)
    whole = train(FOUR, epochs=4, slots=2)
    some = path.history()
    assert some.equals(whole.history().merge(some[["lane", "epoch"]]))
    read = rw.load_path(tmp_path / "run")
    assert read.record["status"] == "failed"
    assert read.table().equals(path.table())
    assert json.loads((tmp_path / "run" / "events.jsonl").read_text().splitlines()[-1])["status"] == "failed"


def test_a_run_that_failed_before_its_first_epoch_leaves_the_directory_free(tmp_path, monkeypatch):
    def fails(*arguments, **keywords):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(StackedExecutor, "epoch", fails)
        with pytest.raises(RuntimeError, match="out of memory"):
            train(out=tmp_path / "run")
    assert [file.name for file in (tmp_path / "run").iterdir()] == [".lock"]
    train(out=tmp_path / "run", epochs=1)


def test_a_lane_whose_weights_are_gone_is_left_out(monkeypatch):
    take = StackedExecutor.take

    def sometimes(self, slots):
        if 1 in slots:
            raise RuntimeError("Array has been deleted")
        return take(self, slots)

    monkeypatch.setattr(StackedExecutor, "take", sometimes)
    with pytest.raises(RuntimeError, match="broken") as caught:
        train(FOUR, callbacks=[Raises(1, RuntimeError("broken"))])
    assert caught.value.path.table()["lane"].tolist() == [0, 2, 3]


def test_a_report_or_checkpoint_that_can_not_be_written_leaves_the_path(tmp_path):
    (tmp_path / "file").write_text("")
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "file" / "best.keras"), save_best_only=True)
    with pytest.raises(OSError) as caught:
        train(callbacks=[checkpoint], out=tmp_path / "run")
    assert len(caught.value.path.table()) == 4
    assert len(rw.load_path(tmp_path / "run").table()) == 4


def test_listeners_are_told_of_a_finite_lane_as_soon_as_there_is_one():
    told = []
    listener = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(logs["val_loss"]))
    # The first lane diverges at once, and its slot tells of NaN before any other.
    train(rw.Grid(weight_decay=[0.0, 3e38]), callbacks=[listener], slots=2, epochs=2)
    assert np.isfinite(told).all()
    told.clear()
    built = keras.Sequential([keras.Input((5,)), keras.layers.Rescaling(1.0, name="scale"), keras.layers.Dense(2)])
    built.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train(rw.Grid({"scale.scale": [-3e38, 1.0]}), built, callbacks=[listener], slots=2, epochs=2)
    assert np.isfinite(told).all()


def test_the_model_is_as_before_after_an_error():
    built = model(dropout=0.3)
    before = built.get_weights()
    with pytest.raises(RuntimeError):
        train(rw.Grid(dropout=[0.1, 0.2]), built, callbacks=[Raises(0, RuntimeError())])
    assert built.get_layer("drop").rate == 0.3
    for old, new in zip(before, built.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    built.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"seed": -1}, "seed=-1 is no whole number from 0"),
        ({"seed": 0.5}, "seed=0.5 is no whole number"),
    ],
)
def test_seeds(arguments, match):
    with pytest.raises(rw.InputError, match=match):
        train(**arguments)


def test_numbers_beyond_float32():
    with pytest.raises(rw.InputError, match=r"l2=1e\+39 is out of range"):
        rw.Grid(l2=[1e39])


def test_data_that_is_no_array():
    class Batches:
        def __len__(self):
            return 2

        def __getitem__(self, place):
            if place > 1:
                raise IndexError
            return X[:16], Y[:16]

    with pytest.raises(rw.InputError, match="A Batches among the data can't be read as an array"):
        rw.fit_path(model(), Batches(), Y, FOUR)


def test_layers_of_one_name_are_not_guessed_among():
    inner = [
        keras.Sequential([keras.Input((5,)), keras.layers.Dense(5), keras.layers.Dropout(0.1, name="drop")], name=name)
        for name in ("first", "second")
    ]
    built = keras.Sequential([keras.Input((5,)), *inner, keras.layers.Dense(2)])
    built.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(rw.InputError, match=r"'drop\.rate' is not clear: 2 layers are called 'drop'"):
        train(rw.Grid({"drop.rate": [0.1]}), built)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"optimizer.weight_decay": [0.1], "weight_decay": [0.1]}, "both set the same 'weight_decay'. Vary one"),
        ({"loss.label_smoothing": [0.1]}, "is the hyperparameter label_smoothing: vary it by that name"),
    ],
)
def test_two_names_for_one_number(values, match):
    built = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    built.compile(keras.optimizers.AdamW(0.01), keras.losses.CategoricalCrossentropy(from_logits=True))
    with pytest.raises(rw.InputError, match=match):
        rw.fit_path(built, X, keras.utils.to_categorical(Y), rw.Grid(values), validation_split=0.2)
