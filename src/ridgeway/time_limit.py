"""How long a run may train."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class TimeLimit:
    """Gives the moment, by `time.perf_counter`, at which lanes stop training.

    Args:
        began: the moment of the call to `fit_path`.
        limit: seconds from it; or a function that gives them from the seconds until the first epoch's end, which is
            when the moment is first asked for.
        seconds: what `limit` came to, where a run goes on that has asked; it is not asked again.
    """

    began: float
    limit: float | Callable[[float], float]
    seconds: float | None = None

    def __call__(self) -> float:
        """The moment; it does not change once asked for."""
        if self.seconds is None:
            first = time.perf_counter() - self.began
            self.seconds = float(self.limit(first)) if callable(self.limit) else self.limit
        return self.began + self.seconds
