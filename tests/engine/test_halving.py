"""Halving: nothing is retrained, and lanes that go on are those of a full run."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw
from engine.small import model, train
from ridgeway.engine.halving import rungs, survivors

FAMILY = rw.Grid(weight_decay=[0.0, 1e-2, 0.3], dropout=[0.0, 0.2, 0.5])
EPOCHS = 27


@given(st.integers(1, 500), st.integers(1, 300), st.integers(2, 5))
def test_rungs_rise_to_the_full_number_of_epochs(configurations, epochs, factor):
    found = rungs(configurations, epochs, factor)
    assert found[-1] == epochs and found[0] >= min(epochs, 3)
    assert list(found) == sorted(set(found))
    assert factor ** (len(found) - 1) <= configurations
    # One cut more would leave no configuration, or too few epochs.
    assert factor ** len(found) > configurations or -(-epochs // factor ** len(found)) < 3


def test_rungs_are_those_of_the_paper_from_three_epochs_on():
    """Jamieson & Talwalkar 2016, and scikit-learn's HalvingGridSearchCV(min_resources=3)."""
    assert rungs(81, 81, 3) == (3, 9, 27, 81)
    assert rungs(27, 81, 3) == (3, 9, 27, 81)
    assert rungs(9, 81, 3) == (9, 27, 81)
    assert rungs(2, 30, 3) == (30,)


@given(
    st.dictionaries(st.integers(0, 50), st.floats(allow_nan=True, allow_infinity=False), min_size=1), st.integers(2, 4)
)
def test_the_best_survive(scores, factor):
    staying = survivors(scores, factor)
    assert len(staying) == -(-len(scores) // factor)
    numbers = [scores[one] for one in staying if not np.isnan(scores[one])]
    going = [score for one, score in scores.items() if one not in staying and not np.isnan(score)]
    assert not numbers or not going or max(numbers) <= min(going)
    assert len(numbers) == len(staying) or not going


def run(executor="vmap", slots=None, **arguments):
    return train(FAMILY, model(), epochs=EPOCHS, executor=executor, slots=slots, **arguments)


@pytest.fixture(scope="module")
def full():
    return run(slots=9)


def assert_part_of(full, halved, tolerance=1e-5):
    """Every lane's epochs are the first epochs of the same lane in a full run."""
    everything, found = full.history(), halved.history()
    assert len(found) < len(everything)
    both = found.merge(everything, on=["lane", "epoch"], suffixes=("", "_full"))
    assert len(both) == len(found)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(both[name], both[f"{name}_full"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("executor", "slots"), [("vmap", 9), ("vmap", 2), ("map", 4), ("steps", 3)])
def test_lanes_go_on_from_where_they_are(full, executor, slots):
    path = run(executor, slots, halving=3)
    assert path.record["halving"] == {"factor": 3, "rungs": [3, 9, 27]}
    assert_part_of(full, path)
    table = path.table()
    assert sorted(table["epochs"]) == [3] * 6 + [9] * 2 + [27]
    assert (table.loc[table["epochs"] < 27, "stopped"] == "halved").all()
    last = table.set_index("lane").loc[table.loc[table["epochs"] == 27, "lane"].item()]
    lane = int(last.name)
    for epoch in ("best", "last"):
        for own, other in zip(
            path.lane_weights(lane, epoch).values(), full.lane_weights(lane, epoch).values(), strict=True
        ):
            np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5)


def test_the_worst_go(full):
    """By the best value that each has reached at the end of the rung."""
    path = run(halving=3)
    history, metric = full.history(), path.metric
    staying = set(full.table()["lane"])
    for rung in (3, 9):
        reached = history[(history["epoch"] <= rung) & history["lane"].isin(staying)]
        kept = reached.loc[reached.groupby("lane")["val_loss"].idxmin()].set_index("lane")[metric]
        staying = set(kept.nsmallest(-(-len(staying) // 3)).index)
        assert set(path.history().query("epoch > @rung")["lane"]) == staying


def test_early_stopping_and_kept_epochs_go_on_too():
    stop = {"callbacks": [keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)]}

    def overshooting(**arguments):
        return train(FAMILY, model(1.5), epochs=EPOCHS, executor="vmap", slots=4, **stop, **arguments)

    everything, path = overshooting(), overshooting(halving=2)
    expected, table = everything.table().set_index("lane"), path.table().set_index("lane")
    on = table[table["stopped"] != "halved"].index
    assert len(on)
    for name in ("epochs", "best_epoch", "stopped"):
        assert table.loc[on, name].tolist() == expected.loc[on, name].tolist()
    np.testing.assert_allclose(table.loc[on, "val_loss"], expected.loc[on, "val_loss"], rtol=1e-5)


def test_repeats_and_folds_of_a_configuration_stay_together():
    from engine.small import X, Y

    path = rw.fit_path(
        model(), X, Y, FAMILY, cv=3, repeats=2, epochs=EPOCHS, halving=3, shuffle=True, verbose=0, batch_size=16
    )
    epochs = path.table().groupby(["weight_decay", "dropout"])["epochs"]
    assert (epochs.nunique() == 1).all()
    assert sorted(epochs.first()) == [3] * 6 + [9] * 2 + [27]


def test_structures_wait_too():
    path = train(rw.Grid(normalization=["none", "layer"], dropout=[0.0, 0.3]), model(), epochs=12, halving=2)
    full = train(rw.Grid(normalization=["none", "layer"], dropout=[0.0, 0.3]), model(), epochs=12)
    assert_part_of(full, path)
    assert sorted(path.table()["epochs"]) == [3, 3, 6, 12]


def test_probes_go_on():
    path, full = (
        train(FAMILY, model(), epochs=EPOCHS, slots=9, executor="vmap", probes=["covariate_shift", "sharpness"], **more)
        for more in ({"halving": 3}, {})
    )
    keys = ["lane", "epoch", "layer", "probe"]
    both = path.probes().merge(full.probes(), on=keys, suffixes=("", "_full"))
    assert len(both) == len(path.probes()) and both["epoch"].max() > 1
    np.testing.assert_allclose(both["value"], both["value_full"], rtol=2e-3, atol=2e-4)


def test_an_interrupt_keeps_the_waiting_lanes():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 10:
                raise RuntimeError("enough")

    with pytest.raises(RuntimeError) as caught:
        run(slots=3, halving=3, callbacks=[Stop()])
    table = caught.value.path.table()
    assert sorted(table["lane"]) == list(range(9))
    assert set(table["stopped"]) <= {"interrupted", "halved"}


def test_time_up_ends_the_waiting_lanes_too():
    path = run(slots=3, halving=3, callbacks=[rw.callbacks.MaxTime(1e-9)])
    assert (path.table()["stopped"] == "time is up").all()


@pytest.mark.parametrize("factor", [1, 0, 2.5])
def test_factors_that_cut_nothing_are_refused(factor):
    with pytest.raises(rw.InputError, match="halving="):
        run(halving=factor)


# --- with a limit of time --------------------------------------------------------------------------------------------


class Clock:
    """Stands in for `time.perf_counter` of a run: a second goes by at each look."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1.0
        return self.now


def test_a_rung_that_runs_out_of_time_lets_its_lanes_wait_and_forgets_those_that_have_not_begun(full):
    with pytest.warns(UserWarning, match="was over before the first epoch had ended"):
        found = run(slots=2, halving=3, time_limit=1e-6)
    table = found.table()
    # The time was up before the first epoch ended; what trains then keeps it.
    assert len(table) == 2 and set(table["stopped"]) == {"time is up"} and set(table["epochs"]) == {1}
    assert_part_of(full, found)


@pytest.mark.parametrize("moment", [20, 60, 150])
def test_lanes_of_a_limited_halving_are_parts_of_the_full_run(full, moment, monkeypatch):
    """By a clock that ticks at each look, so that the cut falls at the same epoch on any machine."""
    from ridgeway.engine import queues

    clock = Clock()
    monkeypatch.setattr(queues, "time", clock)
    monkeypatch.setattr("ridgeway.run.Run._deadline", lambda self, rung: clock.now + moment)
    found = run(slots=2, halving=3)
    assert_part_of(full, found)
    table, first = found.table(), found.record["halving"]["rungs"][0]
    staying = table[table["epochs"] > first]
    # Only what came to the end of the first rung went on, and of that the best.
    reached = table[table["epochs"] >= first]
    assert len(table) <= 9 and 1 <= len(staying) <= -(-len(reached) // 3)
    scores = found.history().query("epoch <= @first").groupby("lane")["val_nll"].min()
    assert set(scores[reached["lane"]].nsmallest(len(staying)).index) == set(staying["lane"])


def test_configurations_without_all_of_their_lanes_are_not_chosen(monkeypatch):
    from ridgeway.engine import queues

    clock = Clock()
    monkeypatch.setattr(queues, "time", clock)
    monkeypatch.setattr("ridgeway.run.Run._deadline", lambda self, rung: clock.now + 16)
    found = run(slots=2, halving=3, repeats=2)
    lanes = found.table().groupby(found.hyperparameters).size()
    assert set(found.configurations()["n"]) <= {1, 2}
    assert len(found.best.lanes) == 2 and lanes.max() == 2


@pytest.mark.parametrize("wrong", [0, -1, "long", float("inf"), True])
def test_no_time_is_refused(wrong):
    with pytest.raises(rw.errors.InputError, match="time_limit="):
        run(time_limit=wrong)
