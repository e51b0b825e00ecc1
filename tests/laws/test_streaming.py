"""Rows that are streamed: a lane is a lone `fit` on the same batches, in little memory."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ridgeway as rw
from ridgeway.data import Dataset, Reading
from ridgeway.data.sources import row_order
from ridgeway.data.sources.arrays import ArraySource

from .against_fit import assert_equal, compiled, lane_of
from .models import BATCH, EPOCHS, IMAGES, LABELS, ROWS, SECOND, TABLE, cnn, lstm, mlp, normalized_mlp, two_inputs

TRAIN = int(ROWS * 0.8)
BUFFER, SEED = 24, 4
FAMILY = rw.Grid(dropout=[0.0, 0.1, 0.3, 0.5])
PENALTIES = rw.Grid(l2=[0.0, 0.1])
WEIGHTS = np.random.default_rng(3).uniform(0.1, 2.0, ROWS).astype("float32")


def mapped(folder, **arrays):
    """The arrays, memory-mapped from files."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return [np.load(folder / f"{name}.npy", mmap_mode="r") for name in arrays]


def orders(passes, rows=TRAIN, buffer=BUFFER, seed=SEED):
    source = ArraySource(Dataset(np.arange(rows), np.arange(rows)), np.dtype("float32"))
    return [row_order(source, Reading(buffer, seed), number) for number in passes]


class InOrder(keras.utils.PyDataset):
    """Rows for `fit` in a given order for each epoch."""

    def __init__(self, arrays, orders):
        super().__init__()
        self.arrays, self.orders, self.epoch = arrays, orders, 0

    def __len__(self):
        return -(-len(self.orders[0]) // BATCH)

    def fit(self, model, **arguments):
        # Keras calls the data's own on_epoch_begin oftener than there are epochs.
        def begin(epoch, logs):
            self.epoch = epoch

        epochs = keras.callbacks.LambdaCallback(on_epoch_begin=begin)
        arguments = {"validation_data": held(*self.arrays), **arguments}
        return model.fit(self, epochs=len(self.orders), shuffle=False, verbose=0, callbacks=[epochs], **arguments)

    def __getitem__(self, place):
        rows = self.orders[self.epoch][place * BATCH : (place + 1) * BATCH]
        return tuple(keras.tree.map_structure(lambda array: array[rows], part) for part in self.arrays)


def held(*arrays):
    return tuple(keras.tree.map_structure(lambda array: array[TRAIN:], part) for part in arrays)


def stream(model, x, y, family=FAMILY, **arguments):
    arguments = {
        "epochs": EPOCHS, "batch_size": BATCH, "validation_split": 0.2, "shuffle_buffer": BUFFER, "seed": SEED,
        "verbose": 0, **arguments,
    }  # fmt: skip
    return rw.fit_path(model, x, y, family, **arguments)


def alone_with(build, arrays, optimizer="adam", rate=0.3, epochs=EPOCHS, **arguments):
    model = compiled(build, optimizer)
    model.get_layer("drop").rate = rate
    return model, InOrder(arrays, orders(range(epochs))).fit(model, **arguments)


@pytest.mark.parametrize("executor", ["vmap", "map", "auto"])
def test_a_lane_is_a_lone_fit_in_the_order_of_its_passes(executor, tmp_path):
    x, y = mapped(tmp_path, x=TABLE, y=LABELS)
    slots = None if executor == "auto" else 4
    path = stream(compiled(normalized_mlp, "adam"), x, y, executor=executor, slots=slots)
    assert_equal(path, {"dropout": 0.3}, *alone_with(normalized_mlp, (TABLE, LABELS)))
    assert path.record["data"]["shuffle_buffer"] == BUFFER
    assert path.record["data"]["rows"] == TRAIN


@pytest.mark.parametrize("build", [cnn, lstm, two_inputs])
def test_other_models(build, tmp_path):
    x = {cnn: IMAGES, lstm: np.zeros(0), two_inputs: {"a": TABLE, "b": SECOND}}[build]
    if build is lstm:
        x = np.random.default_rng(1).normal(size=(ROWS, 5, 4)).astype("float32")
    arrays = x if isinstance(x, dict) else {"x": x}
    found = dict(zip(arrays, mapped(tmp_path, **arrays), strict=True))
    path = stream(compiled(build, "adam"), found if build is two_inputs else found["x"], LABELS)
    assert_equal(path, {"dropout": 0.3}, *alone_with(build, (x, LABELS)))


def test_sample_weights(tmp_path):
    x, weight = mapped(tmp_path, x=TABLE, w=WEIGHTS)
    path = stream(compiled(normalized_mlp, "adam"), x, LABELS, sample_weight=weight)
    assert_equal(path, {"dropout": 0.3}, *alone_with(normalized_mlp, (TABLE, LABELS, WEIGHTS)))


def test_class_weights(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    weights = {0: 0.5, 1: 2.0}
    path = stream(compiled(normalized_mlp, "adam"), x, LABELS, class_weight=weights)
    alone = alone_with(normalized_mlp, (TABLE, LABELS), class_weight=weights)
    assert_equal(path, {"dropout": 0.3}, *alone)


@pytest.mark.parametrize("streamed", [True, False])
def test_validation_rows_of_their_own(streamed, tmp_path):
    x, other = mapped(tmp_path, x=TABLE[:TRAIN], other=TABLE[20:53])
    validation = (other if streamed else TABLE[20:53], LABELS[20:53])
    path = stream(compiled(normalized_mlp, "adam"), x, LABELS[:TRAIN], validation_split=0.0, validation_data=validation)
    alone = alone_with(normalized_mlp, (TABLE, LABELS), validation_data=(TABLE[20:53], LABELS[20:53]))
    assert_equal(path, {"dropout": 0.3}, *alone)
    assert (path.held_out is None) == streamed


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_other_optimizers_and_an_order_that_stays(shuffle, optimizer, tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    family = rw.Grid(weight_decay=[0.0, 0.1], l1=[0.0, 1e-3])
    path = stream(compiled(mlp, optimizer), x, LABELS, family, shuffle=shuffle)
    alone = compiled(mlp, optimizer)
    given = orders(range(EPOCHS)) if shuffle else [np.arange(TRAIN)] * EPOCHS
    history = InOrder((TABLE, LABELS), given).fit(alone)
    assert_equal(path, {"weight_decay": 0.0, "l1": 0.0}, alone, history)


class OwnSteps(keras.Model):
    """A model with steps and logs of its own."""

    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.drop = keras.layers.Dropout(0.1, seed=2, name="drop")
        self.out = keras.layers.Dense(3)

    def call(self, x, training=None):
        return self.out(self.drop(self.hidden(x), training=training))

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {"loss": logs["loss"], "twice": 2.0 * logs["loss"]}, state

    def test_step(self, state, data):
        logs, state = super().test_step(state, data)
        return {"loss": logs["loss"], "half": 0.5 * logs["loss"]}, state


@pytest.mark.parametrize("executor", ["vmap", "map"])
def test_steps_of_the_users_own(executor, tmp_path):
    def build():
        model = OwnSteps()
        model(TABLE[:1])
        return model

    (x,) = mapped(tmp_path, x=TABLE)
    path = stream(compiled(build, "adam"), x, LABELS, executor=executor, slots=4)
    model, history = alone_with(build, (TABLE, LABELS), validation_batch_size=BATCH)
    assert {"twice", "val_half"} <= set(history.history)
    assert_equal(path, {"dropout": 0.3}, model, history)


def test_averaged_weights_are_validated_and_kept(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    family = rw.Grid(ema=[0.0, 0.9])
    streamed = stream(compiled(mlp, "adam"), x, LABELS, family, shuffle=False)
    held_in_memory = rw.fit_path(
        compiled(mlp, "adam"), TABLE, LABELS, family, shuffle=False, epochs=EPOCHS, batch_size=BATCH,
        validation_split=0.2, seed=SEED, verbose=0,
    )  # fmt: skip
    for name in ("val_loss", "val_nll", "val_nll_se", "val_ece", "loss", "weight_norm"):
        np.testing.assert_allclose(streamed.table()[name], held_in_memory.table()[name], rtol=1e-5, err_msg=name)


class Given(keras.utils.PyDataset):
    """Batches of unequal size, one of them in the middle."""

    cuts = (0, 16, 32, 40, 56)

    def __len__(self):
        return len(self.cuts) - 1

    def __getitem__(self, place):
        rows = slice(self.cuts[place], self.cuts[place + 1])
        return TABLE[rows], LABELS[rows]


def test_batches_of_a_py_dataset_are_those_of_fit():
    family = rw.Grid(dropout=[0.0, 0.3])
    path = stream(
        compiled(normalized_mlp, "adam"), Given(), None, family, validation_split=0.0, shuffle=False,
        validation_data=held(TABLE, LABELS),
    )  # fmt: skip
    alone = compiled(normalized_mlp, "adam")
    alone.get_layer("drop").rate = 0.3
    history = alone.fit(Given(), epochs=EPOCHS, shuffle=False, verbose=0, validation_data=held(TABLE, LABELS))
    assert_equal(path, {"dropout": 0.3}, alone, history)
    assert path.record["batch_size"] == 16


def test_a_py_dataset_to_validate_on():
    path = stream(compiled(mlp, "adam"), Given(), None, PENALTIES, validation_split=0.0, validation_data=Given())
    np.testing.assert_allclose(
        path.history().query("lane == 0")["val_nll"].iloc[-1],
        path.model(0, "last").evaluate(TABLE[:56], LABELS[:56], verbose=0)[0],
        rtol=1e-5,
    )


def test_parquet_and_csv_give_what_arrays_give(tmp_path):
    names = [f"x{place}" for place in range(8)]
    table = pa.Table.from_arrays([*map(pa.array, TABLE.T), pa.array(LABELS)], names=[*names, "label"])
    pq.write_table(table, tmp_path / "rows.parquet")
    table.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
    (x,) = mapped(tmp_path, x=TABLE)
    first = stream(compiled(mlp, "adam"), x, LABELS, shuffle=False, family=PENALTIES).history()
    for name in ("rows.parquet", "rows.csv"):
        path = stream(compiled(mlp, "adam"), tmp_path / name, "label", shuffle=False, family=PENALTIES)
        np.testing.assert_allclose(path.history()["val_loss"], first["val_loss"], rtol=1e-5)


STOPPING = [keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)]


def test_lanes_that_start_later_share_the_pass(tmp_path, monkeypatch):
    """A lane that begins beside others sees the orders of their passes, and is a lone fit on these."""
    from ridgeway.engine.streamed import StreamedExecutor

    numbers, plain = [], StreamedExecutor.epoch

    def noted(self, lane, rows, live, batches=None):
        if batches is None:
            numbers.append(int(lane.epoch[live].max()))
            seen.append((lane.values["max_epochs"][live].tolist(), lane.epoch[live].tolist()))
        return plain(self, lane, rows, live, batches)

    seen = []
    monkeypatch.setattr(StreamedExecutor, "epoch", noted)
    (x,) = mapped(tmp_path, x=TABLE)
    family = rw.Listed([{"max_epochs": 4, "l2": 0.0}, {"max_epochs": 2, "l2": 0.0}, {"max_epochs": 3, "l2": 0.1}])
    model = compiled(mlp, "adam")
    path = stream(model, x, LABELS, family, epochs=4, slots=2, executor="vmap")
    assert numbers == [0, 1, 2, 3, 2]
    # The third lane began at the third pass.
    alone = compiled(mlp, "adam")
    for layer in alone.layers:
        layer.kernel.regularizer = keras.regularizers.L2(0.1)
    history = InOrder((TABLE, LABELS), orders([2, 3, 2])).fit(alone)
    assert_equal(path, {"max_epochs": 3.0}, alone, history)


def test_slots_are_refilled_and_a_seed_gives_one_result(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    family = rw.Grid(learning_rate=[1e-3, 0.3, 1e-2, 0.1, 3e-2, 1.0])

    def run():
        return stream(compiled(mlp, "sgd"), x, LABELS, family, epochs=8, slots=2, executor="vmap", callbacks=STOPPING)

    first, second = run(), run()
    assert first.table()["epochs"].nunique() > 1
    assert first.history().equals(second.history())
    for lane in first.table()["lane"]:
        model = first.model(lane)
        row = first.table().set_index("lane").loc[lane]
        found = model.evaluate(*held(TABLE, LABELS), verbose=0)[0]
        np.testing.assert_allclose(found, row["val_loss"], rtol=1e-4)


def test_halving_and_repeats(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    family = rw.Grid(learning_rate=[1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0])
    path = stream(compiled(mlp, "sgd"), x, LABELS, family, epochs=9, halving=3, repeats=2, slots=4)
    assert set(path.table()["stopped"]) == {"halved", "completed"}
    kept = path.table().query("stopped == 'completed'")
    # A lane that was never held up has in each epoch the order of a lone one.
    alone = compiled(mlp, keras.optimizers.SGD(kept["learning_rate"].iloc[0]))
    history = InOrder((TABLE, LABELS), orders(range(9))).fit(alone)
    lane = lane_of(path, {"learning_rate": kept["learning_rate"].iloc[0], "repeat": 0})
    found = path.history()
    found = found[found["lane"] == lane]
    np.testing.assert_allclose(found["val_loss"], history.history["val_loss"], rtol=1e-5)


def test_probes_look_at_the_first_rows(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    arguments = {"shuffle": False, "probes": ["generalization_gap", "gradients"], "family": PENALTIES}
    found = stream(compiled(mlp, "sgd"), x, LABELS, **arguments).probes()
    in_memory = rw.fit_path(
        compiled(mlp, "sgd"), TABLE, LABELS, epochs=EPOCHS, batch_size=BATCH, validation_split=0.2, seed=SEED,
        verbose=0, **arguments,
    ).probes()  # fmt: skip
    np.testing.assert_allclose(found["value"], in_memory["value"], rtol=1e-4)


def test_a_run_is_written_and_read(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    out = tmp_path / "run"
    path = stream(compiled(mlp, "sgd"), x, LABELS, PENALTIES, out=out)
    path.report(tmp_path / "report.html")
    assert rw.load_path(out).table().equals(path.table())
    with pytest.raises(rw.InputError, match="were read while it trained"):
        path.refit()
    again = path.refit(x=x, y=LABELS, epochs=1)
    assert again.evaluate(TABLE, LABELS, verbose=0)[0] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cv": 3}, "cv needs all rows in memory, and x is streamed"),
        ({"test_split": 0.2}, "test_split needs all rows in memory"),
        ({"groups": np.zeros(ROWS), "cv": 3}, "needs all rows in memory"),
        ({"executor": "steps"}, "executor='steps' would read the data once for each lane"),
        ({"family": rw.Grid(input_scaling=["none", "standardize"])}, "input_scaling is fitted on all training rows"),
        ({"shuffle_buffer": 0}, "shuffle_buffer=0 is no whole number above 0"),
        ({"y": LABELS[:5]}, "has 70 rows and y has 5"),
        ({"y": LABELS + 1}, r"Labels 0 to 55 of x, counted from there: y holds the label 3 in row \d+, outside"),
        ({"y": None}, "y is None. Pass the labels"),
        ({"validation_split": 1.5}, "validation_split=1.5 is out of range"),
    ],
)
def test_what_does_not_go_with_streamed_rows_is_refused(arguments, said, tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)
    arguments = {"y": LABELS, "family": PENALTIES, **arguments}
    if "cv" in arguments:
        arguments["validation_split"] = 0.0
    with pytest.raises(rw.InputError, match=said):
        stream(compiled(mlp, "sgd"), x, **arguments)


def test_a_buffer_for_arrays_in_memory_is_refused():
    with pytest.raises(rw.InputError, match="shuffle_buffer is for rows that are streamed"):
        stream(compiled(mlp, "sgd"), TABLE, LABELS, PENALTIES)


def test_a_split_of_batches_is_refused():
    with pytest.raises(rw.InputError, match="validation_split can't part the Given, which gives batches"):
        stream(compiled(mlp, "sgd"), Given(), None, PENALTIES)


def test_wrong_rows_are_named_when_they_are_read(tmp_path):
    spoiled = TABLE.copy()
    spoiled[40, 2] = np.nan
    (x,) = mapped(tmp_path, x=spoiled)
    before = threading.active_count()
    with pytest.raises(rw.InputError, match=r"Rows 40 to 40 of x, counted from there: x holds 1 values.*NaN"):
        stream(compiled(mlp, "sgd"), x, LABELS, PENALTIES, shuffle_buffer=16)
    assert threading.active_count() == before


def test_labels_of_batches_are_looked_at_as_they_come():
    class Wrong(Given):
        def __getitem__(self, place):
            x, y = super().__getitem__(place)
            return x, y + (place == 2) * 3

    with pytest.raises(rw.InputError, match=r"Batch 2 of the Wrong, counted from there: y holds the label"):
        stream(
            compiled(mlp, "sgd"), Wrong(), None, PENALTIES, validation_split=0.0, validation_data=held(TABLE, LABELS)
        )


def test_a_tail_that_differs_is_told_of(tmp_path):
    x, y = mapped(tmp_path, x=np.tile(TABLE, (20, 1)), y=np.sort(np.tile(LABELS, 20)))
    with pytest.warns(UserWarning, match="validation_split takes the last 280 rows as they come"):
        stream(compiled(mlp, "sgd"), x, y, PENALTIES, epochs=1)


def test_ctrl_c_keeps_what_was_trained(tmp_path):
    (x,) = mapped(tmp_path, x=TABLE)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    before = threading.active_count()
    path = stream(compiled(mlp, "sgd"), x, LABELS, PENALTIES, callbacks=[Interrupt()])
    assert set(path.table()["stopped"]) == {"interrupted"}
    # Callbacks hear of an epoch when the next one has been decided on.
    assert set(path.table()["epochs"]) == {3}
    assert threading.active_count() == before


def test_a_second_ctrl_c_ends_a_pass_in_the_middle():
    class Slow(Given):
        def __getitem__(self, place):
            time.sleep(0.05)
            if self.late and place == 2:
                for _ in range(2):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.1)
            return super().__getitem__(place)

        late = False

        def on_epoch_end(self):
            self.late = True

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt) as caught:
        stream(
            compiled(mlp, "sgd"), Slow(), None, PENALTIES, validation_split=0.0,
            validation_data=held(TABLE, LABELS),
        )  # fmt: skip
    assert set(caught.value.path.table()["epochs"]) == {1}
    assert threading.active_count() == before


LIMITED = """
import json, resource, sys
import keras
import numpy as np
import ridgeway as rw

FEATURES, ALLOWED = 64, 200 << 20

def status(name):
    # Not ru_maxrss, which a process inherits from the one that started it.
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))

def train(name, rows):
    x = np.lib.format.open_memmap(f"{sys.argv[1]}/{name}.npy", "w+", np.float32, (rows, FEATURES))
    del x
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    y = np.lib.format.open_memmap(f"{sys.argv[1]}/{name}-y.npy", "w+", np.int64, (rows,))
    del y
    path = rw.fit_path(
        model, f"{sys.argv[1]}/{name}.npy", f"{sys.argv[1]}/{name}-y.npy", rw.Grid(l2=[0.0, 0.1]), verbose=0,
        validation_split=0.1, batch_size=1024, shuffle_buffer=1 << 16, executor="vmap", slots=2,
    )
    return path.record["data"]["rows"]

train("small", 4096)
before = status("VmHWM")
limit = status("VmData") + ALLOWED
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
rows = train("large", 1_600_000)
grown = (status("VmHWM") - before) >> 20
try:
    np.load(f"{sys.argv[1]}/large.npy").sum()
    control = "fits"
except MemoryError:
    control = "does not fit"
print(json.dumps({"rows": rows, "grown": grown, "control": control}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux alone")
def test_a_file_larger_than_the_memory_that_is_left_trains(tmp_path):
    """400 MB of rows where 200 MB may be asked for, compiling included; loaded whole, the same file does not fit."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(Path(rw.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"] == 1_440_000
    assert found["control"] == "does not fit"
    assert found["grown"] < 150, found
