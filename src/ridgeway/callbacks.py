"""Keras callbacks that Keras lacks. They work in plain `model.fit`, and for each lane in `fit_path`."""

from __future__ import annotations

import datetime
import math
import time
from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.telling import warn

__all__ = ["MaxTime", "PathStopping", "TargetReached"]


def seconds_of(name: str, given: Any) -> float:
    """A time in seconds.

    Args:
        name: of what is set by it, for the error.
        given: a number of seconds, or a `datetime.timedelta`.

    Raises:
        InputError: it is no positive time.
    """
    seconds = given.total_seconds() if isinstance(given, datetime.timedelta) else given
    if not _is_number(seconds) or not 0 < seconds < math.inf:
        raise InputError(f"{name}={given!r} is no time above 0. Pass seconds, such as 600, or a timedelta.")
    return float(seconds)


class MaxTime(keras.callbacks.Callback):
    """Ends training with the epoch in which its time is up.

    In `fit_path` the time is that of the whole path; lanes that train then stop as "time is up", and lanes that have
    not begun are left out. Early stopping by a budget of time makes results depend on the machine (Prechelt 1998
    compares rules that do not).

    Args:
        seconds: wall time since training began, in seconds, or a `datetime.timedelta`.

    Raises:
        InputError: it is no positive time.
    """

    def __init__(self, seconds: float | datetime.timedelta) -> None:
        super().__init__()
        self.seconds = seconds_of("MaxTime", seconds)
        self._began = math.nan

    def on_train_begin(self, logs: Any = None) -> None:
        """The time runs from here."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the clock."""
        if time.perf_counter() - self._began >= self.seconds:
            self.model.stop_training = True


class TargetReached(keras.callbacks.Callback):
    """Ends training with the first epoch whose monitored value is as good as a target.

    Unlike `EarlyStopping(baseline=...)`, which ends training that has *not* reached a value in time.

    Args:
        monitor: a log's name, such as "val_accuracy".
        target: the value that is good enough, in the log's units.
        mode: "min", "max", or "auto" for the direction of the metric as Keras knows it.

    Raises:
        InputError: the target is not finite, or the mode unknown.
    """

    def __init__(self, monitor: str, target: float, mode: str = "auto") -> None:
        super().__init__()
        if not _is_number(target) or not math.isfinite(target):
            raise InputError(f"TargetReached(target={target!r}) is no finite number. Pass one, such as 0.95.")
        self.monitor, self.target, self.mode = monitor, float(target), _mode("TargetReached", mode)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compares; a log that is missing or NaN never reaches a target."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warn(f"TargetReached watches '{self.monitor}', which is not among the logs.")
            return
        less = self.mode == "min" or (self.mode == "auto" and self._less())
        if value <= self.target if less else value >= self.target:
            self.model.stop_training = True

    def _less(self) -> bool:
        from ridgeway.keras_internals import monitor_direction

        return monitor_direction(keras.callbacks.EarlyStopping(self.monitor), self.model) == "min"


class PathStopping(keras.callbacks.Callback):
    """Ends a whole path when no live lane can win any more by its own patience.

    A lane is out of the race when it has trained `patience` epochs of its own without beating the best value of any
    lane so far. When all lanes that still train are out, and none waits to begin, all of them stop as "path stopped":
    what they would still find would not be chosen. The path then depends on which lanes train beside one another,
    which is why it has to be asked for. In plain `model.fit` there is one lane: use `EarlyStopping`.

    Args:
        monitor: a log's name.
        patience: epochs, at least 1.
        min_delta: least change that counts as better, in the log's units.
        mode: "min", "max", or "auto" for the direction of the metric as Keras knows it.

    Raises:
        InputError: patience below 1, min_delta not finite, or the mode unknown.
    """

    def __init__(
        self, monitor: str = "val_loss", patience: int = 5, min_delta: float = 0.0, mode: str = "auto"
    ) -> None:
        super().__init__()
        if isinstance(patience, bool) or not isinstance(patience, int | np.integer) or patience < 1:
            raise InputError(f"PathStopping(patience={patience!r}) is no whole number above 0. Pass one, such as 5.")
        if not _is_number(min_delta) or not math.isfinite(min_delta):
            raise InputError(f"PathStopping(min_delta={min_delta!r}) is no finite number. Pass one, such as 0.001.")
        self.monitor, self.patience = monitor, int(patience)
        self.min_delta, self.mode = abs(float(min_delta)), _mode("PathStopping", mode)

    def on_train_begin(self, logs: Any = None) -> None:
        """Says that one model has no path."""
        warn("PathStopping compares the lanes of fit_path and does nothing in model.fit. Use EarlyStopping.")


def _is_number(value: Any) -> bool:
    # True is 1 to Python, and a slip for a person.
    return isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)


def _mode(name: str, mode: str) -> str:
    if mode not in ("auto", "min", "max"):
        raise InputError(f"{name}(mode={mode!r}) is unknown. Pass 'auto', 'min' or 'max'.")
    return mode
