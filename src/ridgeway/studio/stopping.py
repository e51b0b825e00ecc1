"""Keras's early stopping, followed along a curve that is there already: for the course's experiments and the quiz."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stop:
    """Where early stopping ends a training.

    Attributes:
        stopped: the last epoch that trains, counted from 1.
        kept: the best epoch among those seen, whose weights `restore_best_weights` keeps.
        early: whether it stopped before the epochs were over.
    """

    stopped: int
    kept: int
    early: bool


def replay(curve: Iterable[float], patience: float, min_delta: float = 0.0) -> Stop:
    """Follows `keras.callbacks.EarlyStopping` along a curve of losses.

    Args:
        curve: monitored losses by epoch.
        patience: epochs without improvement before it stops; 0 and 1 act alike, as in Keras.
        min_delta: least change that counts as an improvement.
    """
    losses = list(curve)
    best, kept, wait = math.inf, 0, 0
    for epoch, value in enumerate(losses, start=1):
        wait += 1
        if value + min_delta < best:
            best, kept, wait = value, epoch, 0
        elif wait >= patience and epoch > 1:
            return Stop(epoch, kept, epoch < len(losses))
    return Stop(len(losses), kept, False)
