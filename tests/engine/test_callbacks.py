"""Keras callbacks: understood per lane, told once a round, or refused by name."""

import csv

import keras
import numpy as np
import pytest

import ridgeway as rw
from engine.small import VALIDATION, X, Y, model, train
from ridgeway.engine.callbacks import understand

callbacks = keras.callbacks


class AtBatches(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


REFUSED = {
    "TensorBoard": lambda: callbacks.TensorBoard("unused"),
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau(),
    "LearningRateScheduler": lambda: callbacks.LearningRateScheduler(lambda epoch, rate: rate),
    "AtBatches": AtBatches,
    "LambdaCallback": lambda: callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    "ModelCheckpoint": lambda: callbacks.ModelCheckpoint("unused.keras", save_freq=10),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name):
    with pytest.raises(rw.InputError, match=name):
        train(callbacks=[REFUSED[name]()])


def test_what_is_no_callback_is_refused():
    with pytest.raises(rw.InputError, match=r"holds 'EarlyStopping', which is no keras\.callbacks\.Callback"):
        train(callbacks=["EarlyStopping"])


class Stops(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            self.model.stop_training = True


class Reads(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            self.model.get_weights()


@pytest.mark.parametrize(
    ("kind", "match"), [(Stops, r"Stops sets model\.stop_training"), (Reads, r"Reads reads model\.get_weights")]
)
def test_refused_while_running_with_what_was_trained(kind, match, tmp_path):
    # Two slots, two epochs a lane: two lanes are finished and two more end with the fourth round.
    with pytest.raises(rw.InputError, match=match) as caught:
        train(
            rw.Grid(weight_decay=[0.0, 1e-3, 1e-2, 0.1, 1.0, 2.0]),
            epochs=2,
            slots=2,
            callbacks=[kind()],
            out=tmp_path / "run",
        )
    table = caught.value.path.table()
    assert sorted(table["lane"]) == [0, 1, 2, 3]
    assert list(rw.load_path(tmp_path / "run").table()["lane"]) == list(table["lane"])


def test_refused_in_the_first_round_there_is_no_path():
    class Early(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.fit(X, Y)

    with pytest.raises(rw.InputError, match=r"Early reads model\.fit"):
        train(callbacks=[Early()])


def test_the_description_of_the_model_may_be_read():
    names = []

    class Describes(callbacks.Callback):
        def on_train_begin(self, logs=None):
            names.append((self.model.count_params(), self.params["epochs"]))

    train(callbacks=[Describes()])
    assert names == [(66, 4)]


def test_csv_logger_writes_the_best_lane_a_round(tmp_path):
    file = tmp_path / "log.csv"
    path = train(callbacks=[callbacks.CSVLogger(str(file))])
    with open(file) as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3]
    history = path.history()
    for number, row in enumerate(rows):
        sofar = history[history["epoch"] <= number + 1]
        best = sofar.loc[sofar[path.metric].idxmin()]
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert float(row[name]) == pytest.approx(best[name])


def test_listeners_are_told_of_begin_and_end():
    calls = []
    listener = callbacks.LambdaCallback(
        on_train_begin=lambda logs: calls.append("begin"),
        on_epoch_begin=lambda epoch, logs: calls.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: calls.append(("end", epoch, "val_loss" in logs)),
        on_train_end=lambda logs: calls.append("end"),
    )
    train(callbacks=[listener], epochs=2, slots=2)
    rounds = [call for number in range(4) for call in (("begin", number), ("end", number, True))]
    assert calls == ["begin", *rounds, "end"]


@pytest.mark.parametrize(
    "kind",
    [callbacks.EarlyStopping, lambda monitor: callbacks.ModelCheckpoint("unused.keras", monitor, save_best_only=True)],
)
def test_monitor_not_among_the_metrics(kind):
    with pytest.raises(rw.InputError, match=r"monitor='val_f1'\) watches a metric .* It has .*val_loss"):
        train(callbacks=[kind(monitor="val_f1")])


@pytest.mark.filterwarnings("ignore:No validation data")
def test_monitor_on_validation_without_validation_data():
    with pytest.raises(rw.InputError, match=r"monitor='val_loss'.*Pass validation_split or validation_data"):
        train(callbacks=[callbacks.EarlyStopping()], validation_data=None)


def test_direction_of_a_metric_of_ones_own_must_be_said():
    def share(y_true, y_pred):
        return keras.ops.mean(y_pred)

    built = model()
    built.compile("sgd", built.loss, metrics=[share])
    with pytest.raises(rw.InputError, match=r"EarlyStopping\(monitor='val_share'\) does not tell .* Pass mode='min'"):
        train(built=built, callbacks=[callbacks.EarlyStopping("val_share")])
    path = train(built=built, callbacks=[callbacks.EarlyStopping("val_share", mode="max")])
    assert (path.metric, path.mode) == ("val_share", "max")


def test_accuracy_is_to_grow():
    path = train(callbacks=[callbacks.EarlyStopping("val_accuracy", patience=5, restore_best_weights=True)])
    assert (path.metric, path.mode) == ("val_accuracy", "max")
    history = path.history()
    for _, row in path.table().iterrows():
        own = history[history["lane"] == row["lane"]]
        assert row["best_epoch"] == own.loc[own["val_accuracy"].idxmax(), "epoch"]


def best_row(path):
    return path.lane(path.best.lane)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_checkpoint_writes_the_best_epoch_of_the_chosen_lane(ending, tmp_path):
    file = tmp_path / "deep" / f"best.{ending}"
    path = train(callbacks=[callbacks.ModelCheckpoint(str(file), save_best_only=True)], epochs=6)
    restored = keras.models.load_model(file)
    row = best_row(path)
    assert restored.evaluate(*VALIDATION, verbose=0)[0] == pytest.approx(row["val_loss"], rel=1e-5)
    for found, expected in zip(restored.get_weights(), path.best_model().get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_checkpoint_of_weights_only(tmp_path):
    file = tmp_path / "best.weights.h5"
    path = train(callbacks=[callbacks.ModelCheckpoint(str(file), save_best_only=True, save_weights_only=True)])
    other = model()
    other.load_weights(file)
    for found, expected in zip(other.get_weights(), path.best_model().get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_placeholders_in_the_name_of_a_checkpoint(tmp_path):
    pattern = str(tmp_path / "{epoch:02d}-{val_loss:.3f}.keras")
    path = train(callbacks=[callbacks.ModelCheckpoint(pattern, save_best_only=True)])
    row = best_row(path)
    assert [file.name for file in tmp_path.iterdir()] == [f"{int(row['best_epoch']):02d}-{row['val_loss']:.3f}.keras"]


def test_a_wrong_placeholder_names_the_logs_and_loses_nothing(tmp_path):
    pattern = str(tmp_path / "{val_f1:.3f}.keras")
    with pytest.raises(rw.InputError, match=r"names 'val_f1', which is no log .* It has .*val_loss"):
        train(callbacks=[callbacks.ModelCheckpoint(pattern, save_best_only=True)], out=tmp_path / "run")
    assert len(rw.load_path(tmp_path / "run").table()) == 4


def test_a_checkpoint_of_every_epoch_ends_with_the_last(tmp_path):
    file = tmp_path / "{epoch}.keras"
    path = train(built=model(2.0), epochs=6, callbacks=[callbacks.ModelCheckpoint(str(file))])
    restored = keras.models.load_model(tmp_path / "6.keras")
    for found, expected in zip(restored.get_weights(), path.model(path.best.lane, "last").get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_threshold_that_no_epoch_beats(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(
        str(tmp_path / "best.keras"), save_best_only=True, initial_value_threshold=1e-6
    )
    stopping = callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    with pytest.warns(UserWarning, match="saved nothing: no epoch of lane . beat initial_value_threshold=1e-06"):
        path = train(callbacks=[stopping, checkpoint])
    assert not (tmp_path / "best.keras").exists()
    assert path.table()["best_epoch"].notna().all()


def test_early_stopping_restores_the_best_weights_of_each_lane():
    arguments = {"patience": 1, "restore_best_weights": True}
    path = train(built=model(2.0), epochs=12, shuffle=False, callbacks=[callbacks.EarlyStopping(**arguments)])
    assert (path.table()["stopped"] == "early stopping").any()
    alone = model(2.0)
    alone.fit(
        X[:40], Y[:40], batch_size=16, epochs=12, shuffle=False, verbose=0,
        validation_data=VALIDATION, callbacks=[callbacks.EarlyStopping(**arguments)],
    )  # fmt: skip
    assert len(alone.history.history["loss"]) == path.table()["epochs"][0]
    for found, expected in zip(path.model(0).get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_which_epoch_is_the_best():
    built = model()
    logs = ["loss", "accuracy", "val_loss", "val_accuracy"]
    built.fit(X, Y, verbose=0)

    def monitor(*given, names=logs):
        keeping = understand(given, built, names, 3).rules.keeping[0].monitor
        return keeping and keeping.name

    watching = callbacks.EarlyStopping("loss")
    restoring = callbacks.EarlyStopping("val_accuracy", restore_best_weights=True)
    saving = callbacks.ModelCheckpoint("unused.keras", monitor="accuracy", save_best_only=True)
    assert monitor(watching, saving, restoring) == "val_accuracy"
    assert monitor(watching, saving) == "accuracy"
    assert monitor(watching) == "loss"
    assert monitor() == "val_loss"
    assert monitor(names=logs[:2]) is None


def test_terminate_on_nan_is_taken_for_granted():
    assert (train(callbacks=[callbacks.TerminateOnNaN()]).table()["stopped"] == "completed").all()
