"""When a lane stops and which epoch it keeps: Keras's rules, on arrays with a value for each lane."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Monitor:
    """What a rule looks at.

    Attributes:
        name: a log's name, such as "val_loss".
        mode: "min" or "max".
        min_delta: least change that counts as an improvement, in the log's units.
    """

    name: str
    mode: str = "min"
    min_delta: float = 0.0

    def improves(self, values: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Whether each value is better than `best` by more than `min_delta`; a comparison with NaN is False."""
        sign = 1.0 if self.mode == "min" else -1.0
        # Keras takes min_delta off in double precision and compares in single.
        return np.less((sign * values + self.min_delta).astype(np.float32), (sign * best).astype(np.float32))


@dataclass(frozen=True)
class StoppingRule:
    """`keras.callbacks.EarlyStopping`, per lane (Prechelt 1998 on such rules).

    Attributes:
        monitor: what it looks at.
        patience: epochs without improvement before a lane stops; 0 and 1 act alike, as in Keras.
        baseline: value that an improvement must also beat to reset the count.
        start_from_epoch: epochs, counted from 0, before which nothing is looked at.
    """

    monitor: Monitor
    patience: int = 0
    baseline: float | None = None
    start_from_epoch: int = 0


@dataclass(frozen=True)
class TargetRule:
    """Stops a lane in the first epoch whose value is as good as the target.

    Attributes:
        monitor: what it looks at.
        target: value, in the log's units.
    """

    monitor: Monitor
    target: float

    def reached(self, values: np.ndarray) -> np.ndarray:
        """Whether each value is as good; a comparison with NaN is False."""
        return values <= self.target if self.monitor.mode == "min" else values >= self.target


@dataclass
class StoppingState:
    """Where each slot stands with one rule; arrays of shape `(slot,)`.

    Attributes:
        best: best value so far; what stands there before any was seen is not read.
        wait: epochs since.
        seen: whether any value was seen. The first is an improvement whatever it is, NaN too, as in Keras.
    """

    best: np.ndarray
    wait: np.ndarray
    seen: np.ndarray

    @classmethod
    def empty(cls, slots: int) -> StoppingState:
        """No epoch seen yet."""
        return cls(np.full(slots, np.nan), np.zeros(slots, dtype=int), np.zeros(slots, dtype=bool))

    def reset(self, slot: int) -> None:
        """Forgets a slot's lane."""
        self.best[slot], self.wait[slot], self.seen[slot] = np.nan, 0, False


def stops(rule: StoppingRule, state: StoppingState, values: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Updates `state` with an epoch's values, in the order in which Keras does it.

    Args:
        rule: the rule.
        state: where the slots stand; changed in place.
        values: float `(slot,)`, the monitored log of the epoch.
        epochs: int `(slot,)`, each slot's epoch, counted from 0.

    Returns:
        bool `(slot,)`: whether the lane stops now.
    """
    looks = epochs >= rule.start_from_epoch
    improved = looks & (rule.monitor.improves(values, state.best) | ~state.seen)
    state.seen |= looks
    state.wait[looks] += 1
    state.best[improved] = values[improved]
    beats = improved
    if rule.baseline is not None:
        beats = improved & rule.monitor.improves(values, np.full_like(values, rule.baseline))
    state.wait[beats] = 0
    return looks & ~improved & (state.wait >= rule.patience) & (epochs > 0)


@dataclass(frozen=True)
class KeepingRule:
    """Which epoch's weights a lane keeps: `save_best_only`, or `restore_best_weights`.

    Attributes:
        monitor: what it looks at; None keeps the last epoch.
        threshold: value to beat before any epoch is kept (`initial_value_threshold`).
        start_from_epoch: epochs, counted from 0, before which nothing is kept.
    """

    monitor: Monitor | None
    threshold: float | None = None
    start_from_epoch: int = 0


@dataclass
class KeepingState:
    """What each slot keeps under one rule; arrays of shape `(slot,)`.

    Attributes:
        best: the kept epoch's value, NaN for none.
        epoch: the kept epoch, counted from 0, -1 for none.
    """

    best: np.ndarray
    epoch: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def empty(cls, slots: int, rule: KeepingRule) -> KeepingState:
        """Nothing kept yet."""
        start = np.nan if rule.threshold is None else rule.threshold
        return cls(np.full(slots, start, dtype=float), np.full(slots, -1))

    def reset(self, slot: int, rule: KeepingRule) -> None:
        """Forgets a slot's lane."""
        self.best[slot] = np.nan if rule.threshold is None else rule.threshold
        self.epoch[slot] = -1


def keeps(rule: KeepingRule, state: KeepingState, values: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Updates `state` with an epoch's values.

    Args:
        rule: the rule.
        state: what the slots keep; changed in place.
        values: float `(slot,)`, the monitored log of the epoch.
        epochs: int `(slot,)`, each slot's epoch, counted from 0.

    Returns:
        bool `(slot,)`: whether this epoch's weights are to be kept.
    """
    looks = epochs >= rule.start_from_epoch
    improved = looks
    if rule.monitor is not None:
        # Nothing kept yet is worse than any number; NaN is no number to keep an epoch for.
        improved = looks & (rule.monitor.improves(values, state.best) | (np.isnan(state.best) & ~np.isnan(values)))
    state.best[improved] = values[improved]
    state.epoch[improved] = epochs[improved]
    return improved
