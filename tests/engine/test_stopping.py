"""Stopping and keeping on arrays, held against Keras's own callbacks on the same curves."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeway.engine.stopping import KeepingRule, KeepingState, Monitor, StoppingRule, StoppingState, keeps, stops

PUBLISHED = [0.90, 0.70, 0.60, 0.62, 0.58, 0.59, 0.61, 0.60, 0.57, 0.65]

_values = st.one_of(
    st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.55, 0.6]),
    st.floats(-1, 1, width=32, allow_subnormal=False),
).map(lambda value: float(np.float32(value)))
_curves = st.lists(_values, min_size=1, max_size=15)


class StandIn:
    """As much of a model as the callbacks touch."""

    stop_training = False
    optimizer = None

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def early_stopping(curve, **arguments):
    """Stopping epoch (None: trained to the end) and best epoch, counted from 0, by Keras."""
    callback = keras.callbacks.EarlyStopping("val_loss", restore_best_weights=True, **arguments)
    model = StandIn()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            return epoch, callback.best_epoch
    return None, callback.best_epoch


def by_rules(stopping, keeping, curve):
    """The same by the rules, in the middle one of three slots whose neighbours see other curves."""
    state, kept = StoppingState.empty(3), KeepingState.empty(3, keeping)
    for epoch, value in enumerate(curve):
        values = np.array([-value, value, 0.5 + epoch])
        epochs = np.full(3, epoch)
        keeps(keeping, kept, values, epochs)
        if stopping is not None and stops(stopping, state, values, epochs)[1]:
            return epoch, int(kept.epoch[1])
    return None, int(kept.epoch[1])


@settings(max_examples=400, deadline=None)
@given(
    curve=_curves,
    patience=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 0.05]),
    baseline=st.one_of(st.none(), _values),
    start=st.integers(0, 3),
    mode=st.sampled_from(["min", "max"]),
)
def test_early_stopping_is_that_of_keras(curve, patience, min_delta, baseline, start, mode):
    expected = early_stopping(
        curve, patience=patience, min_delta=min_delta, baseline=baseline, start_from_epoch=start, mode=mode
    )
    monitor = Monitor("val_loss", mode, min_delta)
    stopping = StoppingRule(monitor, patience, baseline, start)
    stopped, kept = by_rules(stopping, KeepingRule(monitor, start_from_epoch=start), curve)
    # Keras says 0 where no epoch was looked at.
    assert (stopped, max(kept, 0)) == expected


@settings(max_examples=200, deadline=None)
@given(curve=_curves, threshold=st.one_of(st.none(), _values), mode=st.sampled_from(["min", "max"]))
def test_best_only_checkpoints_are_those_of_keras(curve, threshold, mode):
    callback = keras.callbacks.ModelCheckpoint(
        "unused.keras", "val_loss", save_best_only=True, mode=mode, initial_value_threshold=threshold
    )
    saved = []
    callback.set_model(StandIn())
    callback._set_monitor_op()
    expected = -1
    for epoch, value in enumerate(curve):
        if callback._should_save_model(epoch, None, {"val_loss": value}, "unused.keras"):
            expected = epoch
            saved.append(epoch)
    rule = KeepingRule(Monitor("val_loss", mode), threshold=threshold)
    state = KeepingState.empty(1, rule)
    found = [e for e, value in enumerate(curve) if keeps(rule, state, np.array([value]), np.array([e]))[0]]
    assert found == saved
    assert state.epoch[0] == expected


@pytest.mark.parametrize(("patience", "stop", "best"), [(0, 3, 2), (1, 3, 2), (2, 6, 4), (3, 7, 4), (4, None, 8)])
def test_published_curve(patience, stop, best):
    monitor = Monitor("val_loss")
    found = by_rules(StoppingRule(monitor, patience), KeepingRule(monitor), PUBLISHED)
    assert found == (stop, best)
    assert early_stopping(PUBLISHED, patience=patience) == found


def test_a_slot_that_is_refilled_starts_afresh():
    monitor = Monitor("val_loss")
    stopping, keeping = StoppingRule(monitor, 1), KeepingRule(monitor, threshold=0.8)
    state, kept = StoppingState.empty(2), KeepingState.empty(2, keeping)
    for epoch, value in enumerate([0.5, 0.6]):
        stops(stopping, state, np.full(2, value), np.full(2, epoch))
        keeps(keeping, kept, np.full(2, value), np.full(2, epoch))
    state.reset(0)
    kept.reset(0, keeping)
    assert np.isnan(state.best[0]) and state.wait[0] == 0 and kept.epoch[0] == -1 and kept.best[0] == 0.8
    assert state.best[1] == 0.5 and state.wait[1] == 1 and kept.epoch[1] == 0
    assert not stops(stopping, state, np.array([0.9, 0.5]), np.array([0, 0]))[0]


def test_no_monitor_keeps_the_last_epoch():
    rule = KeepingRule(None)
    state = KeepingState.empty(1, rule)
    for epoch in range(3):
        assert keeps(rule, state, np.zeros(1), np.array([epoch]))[0]
    assert state.epoch[0] == 2
