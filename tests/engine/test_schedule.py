"""Results do not depend on the schedule; lanes do not touch each other; nothing trained is lost."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import ridgeway as rw
from engine.small import VALIDATION, X, Y, model, train
from ridgeway.engine.state import initial_states

TESTS = Path(__file__).parents[1]
RATES = [0.0, 0.2, 0.5]
DECAYS = [0.0, 1e-2, 0.3]


def stopped_early(slots, executor="vmap"):
    """Nine lanes that stop at different epochs, on a step size that overshoots."""
    return train(
        rw.Grid(weight_decay=DECAYS, dropout=RATES),
        model(1.5),
        epochs=8,
        slots=slots,
        executor=executor,
        callbacks=[keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)],
    )


@pytest.fixture(scope="module")
def at_once():
    return stopped_early(9)


def assert_alike(first, second, lanes=None, tolerance=1e-5):
    def rows(frame):
        frame = frame.drop(columns="seconds", errors="ignore")
        return (frame if lanes is None else frame[frame["lane"].isin(lanes)]).reset_index(drop=True)

    for name in ("table", "history"):
        one, two = rows(getattr(first, name)()), rows(getattr(second, name)())
        if tolerance:
            pd.testing.assert_frame_equal(one, two, rtol=tolerance, atol=tolerance)
        else:
            pd.testing.assert_frame_equal(one, two, check_exact=True)
    for lane in first.table()["lane"] if lanes is None else lanes:
        for epoch in ("best", "last"):
            one, two = first.lane_weights(lane, epoch), second.lane_weights(lane, epoch)
            for found, expected in zip(one.values(), two.values(), strict=True):
                np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("slots", "executor"), [(3, "vmap"), (8, "vmap"), (3, "map"), (3, "steps")])
def test_the_schedule_changes_nothing(at_once, slots, executor):
    path = stopped_early(slots, executor)
    assert at_once.table()["epochs"].nunique() > 1
    assert (at_once.table()["stopped"] == "early stopping").any()
    assert_alike(path, at_once)


def test_twice_at_the_same_number_of_slots_is_bitwise_equal():
    assert_alike(stopped_early(3), stopped_early(3), tolerance=0)


def test_lanes_of_one_repeat_see_the_same_batches():
    # Configurations that do the same: only different batches could tell them apart.
    path = train(rw.Grid(l2=[0.0, 1e-30]), repeats=2, slots=3)
    table, history = path.table(), path.history()
    for repeat in (0, 1):
        first, second = table.loc[table["repeat"] == repeat, "lane"]
        one, two = (history[history["lane"] == lane].drop(columns="lane") for lane in (first, second))
        pd.testing.assert_frame_equal(one.reset_index(drop=True), two.reset_index(drop=True), rtol=1e-6)
    losses = [history.loc[history["lane"] == lane, "loss"].to_numpy() for lane in table["lane"][:2]]
    assert not np.allclose(*losses)


@pytest.mark.parametrize("repeat", [0, 1])
def test_a_repeat_is_a_fit_with_its_own_start_and_order(repeat):
    seed, epochs, strength = 4, 3, 0.05
    path = train(rw.Grid(weight_decay=[0.0, strength]), epochs=epochs, repeats=2, seed=seed)
    table = path.table()
    lane = int(table.query(f"weight_decay == {strength} and repeat == {repeat}")["lane"].iloc[0])
    alone = model()
    state = initial_states(_built(alone), 2, seed)[repeat]
    alone.optimizer.weight_decay = strength
    alone.optimizer.exclude_from_weight_decay(var_names=["bias"])
    for variable, value in zip(alone.trainable_variables, state.trainable, strict=True):
        variable.assign(value)
    for variable, value in zip(alone.non_trainable_variables, state.non_trainable, strict=True):
        variable.assign(value)
    history = path.history().query(f"lane == {lane}")
    for epoch in range(epochs):
        order = np.random.default_rng([seed, repeat, 0, epoch]).permutation(40)
        logs = alone.fit(
            X[:40][order], Y[:40][order], batch_size=16, shuffle=False, verbose=0, validation_data=VALIDATION
        ).history
        for name, values in logs.items():
            np.testing.assert_allclose(history[name].iloc[epoch], values[0], rtol=1e-5, atol=1e-6)
    for found, variable in zip(path.lane_weights(lane, "last").values(), alone.weights, strict=True):
        np.testing.assert_allclose(found, variable.numpy(), rtol=1e-5, atol=1e-6)


def _built(built):
    built.optimizer.build(built.trainable_variables)
    return built


def test_a_diverged_lane_is_marked_and_changes_no_other():
    def run(last):
        return train(rw.Grid(learning_rate=[0.05, 0.1, 0.2, last]), model(activation="relu"), slots=4, epochs=5)

    wild, calm = run(1e20), run(0.4)
    table = wild.table().set_index("lane")
    assert table["stopped"].to_dict() == {0: "completed", 1: "completed", 2: "completed", 3: "diverged"}
    assert_alike(wild, calm, lanes=[0, 1, 2], tolerance=0)
    assert wild.best.lane != 3
    history = wild.history().query("lane == 3")
    finite = history[np.isfinite(history["loss"]) & np.isfinite(history["val_loss"])]
    if finite.empty:
        assert pd.isna(table.loc[3, "best_epoch"])
        with pytest.raises(rw.InputError, match=r"Lane 3 kept no epoch \(diverged\)"):
            wild.model(3)
    else:
        assert all(np.isfinite(value).all() for value in wild.lane_weights(3).values())


def test_a_lane_that_diverges_later_keeps_its_last_finite_best():
    # A penalty on growing weights: decay times step size above 2 doubles the kernels each step, until they overflow.
    path = train(rw.Grid(weight_decay=[0.0, 40.0]), epochs=60, slots=2)
    row = path.lane(1)
    assert row["stopped"] == "diverged"
    assert 1 <= row["best_epoch"] < row["epochs"]
    assert all(np.isfinite(value).all() for value in path.lane_weights(1).values())
    assert path.lane(0)["epochs"] == 60


def test_all_diverged_says_what_to_lower_and_loses_nothing(tmp_path):
    with pytest.raises(rw.AllLanesDiverged, match="All 2 lanes diverged.*Lower the learning rate") as caught:
        train(rw.Grid(learning_rate=[1e20, 1e30]), model(activation="relu"), epochs=5, out=tmp_path / "run")
    assert list(caught.value.path.table()["stopped"]) == ["diverged"] * 2
    assert list(rw.load_path(tmp_path / "run").table()["stopped"]) == ["diverged"] * 2


def test_events_are_json_lines(tmp_path):
    def strict(word):
        raise AssertionError(word)

    path = train(
        rw.Grid(learning_rate=[0.1, 0.2, 1e20]), model(activation="relu"), epochs=3, slots=2, out=tmp_path / "run"
    )
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line, parse_constant=strict) for line in lines]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start" and kinds[-1] == "end"
    assert events[0]["lanes"] == 3 and events[-1]["status"] == "finished"
    assert kinds.count("lane") == 3
    assert kinds.count("epoch") == len(path.history())
    stopped = {event["lane"]: event["stopped"] for event in events if event["event"] == "lane"}
    assert stopped == path.table().set_index("lane")["stopped"].to_dict()
    assert all(event["time"] > 0 for event in events)
    # Each lane says what it is before it says what it did.
    begun = {event["lane"]: event for event in events if event["event"] == "begin"}
    assert [begun[lane]["configuration"] for lane in range(3)] == [{"learning_rate": r} for r in (0.1, 0.2, 1e20)]
    assert all((event["repeat"], event["fold"]) == (0, 0) for event in begun.values())
    assert kinds.count("begin") == 3
    known = set()
    for event in events:
        if event["event"] == "begin":
            known.add(event["lane"])
        assert event["event"] != "epoch" or event["lane"] in known


def test_lanes_say_their_repeat_and_fold(tmp_path):
    path = train(rw.Random(3, weight_decay=rw.Range(1e-4, 1e-1, "log")), epochs=1, repeats=2, out=tmp_path / "run")
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    begun = {event["lane"]: event for event in map(json.loads, lines) if event["event"] == "begin"}
    for row in path.table().to_dict("records"):
        told = begun[row["lane"]]
        assert told["configuration"]["weight_decay"] == pytest.approx(row["weight_decay"])
        assert (told["repeat"], told["fold"]) == (row["repeat"], row["fold"])


def test_an_output_directory_of_another_run(tmp_path):
    train(epochs=1, out=tmp_path / "run")
    before = (tmp_path / "run" / "run.json").read_text()
    with pytest.raises(rw.InputError, match="holds another run"):
        train(epochs=1, out=tmp_path / "run")
    assert (tmp_path / "run" / "run.json").read_text() == before


SCRIPT = """
import sys
from engine.small import train
path = train(epochs=1_000_000, slots=2, out=sys.argv[1])
print("RETURNED", len(path.table()), flush=True)
"""


def test_interrupt_returns_and_saves_what_was_trained(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=TESTS,
    )
    try:
        events = folder / "events.jsonl"
        until = time.monotonic() + 90
        while time.monotonic() < until and process.poll() is None:
            if events.exists() and events.read_text().count('"epoch"') > 20:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err[-3000:]
    assert "RETURNED 2" in out
    path = rw.load_path(folder)
    assert list(path.table()["stopped"]) == ["interrupted"] * 2
    assert path.record["status"] == "interrupted"
    assert (path.table()["epochs"] > 3).all()
    path.best_model()
    assert json.loads(events.read_text().splitlines()[-1])["status"] == "interrupted"
