"""What a side reports."""

from __future__ import annotations

import itertools
import math
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field


def peak_megabytes() -> float:
    """Most memory that this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def spread(values: list[float], digits: int = 1) -> str:
    """The median of the values that are known, with least and most."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "–"
    middle, *ends = (f"{value:,.{digits}f}" for value in (statistics.median(known), min(known), max(known)))
    return middle if len(known) == 1 else f"{middle} ({'–'.join(ends)})"


@dataclass
class Outcome:
    """One repetition of one side.

    Attributes:
        models: trained.
        seconds: from the first model to the last result, compilation included, imports not.
        epochs: of all models together.
        warm: seconds of a model's epoch without what is set up and compiled first; nan where a side does not tell.
        best: least validation loss, where the side tells it; it shows that all sides train the same thing.
        notes: what else a side says of itself.
    """

    models: int
    seconds: float
    epochs: int
    warm: float = math.nan
    best: float = math.nan
    notes: dict[str, object] = field(default_factory=dict)


@dataclass
class Epochs:
    """When the epochs of a model ended, and whether it should stop: Keras's `EarlyStopping` for those who have none.

    Args:
        patience: epochs without a better validation loss.
    """

    patience: int
    ends: list[float] = field(default_factory=list)
    best: float = math.inf
    _since: int = 0

    def stop(self, loss: float) -> bool:
        """Notes an epoch's end and its validation loss; whether it was the last one."""
        self.ends.append(time.perf_counter())
        self._since = 0 if loss < self.best else self._since + 1
        self.best = min(self.best, loss)
        return self._since >= self.patience

    @property
    def improved(self) -> bool:
        """Whether the last epoch was the best so far."""
        return self._since == 0

    def warm(self) -> list[float]:
        """Seconds of each epoch after the first, which may have compiled."""
        return [late - early for early, late in itertools.pairwise(self.ends)]
