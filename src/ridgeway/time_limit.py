"""How long a run may train."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from ridgeway.compile_time import seconds_compiled


@dataclass
class TimeLimit:
    """Gives the moment, by `time.perf_counter`, at which lanes stop training.

    Args:
        began: the moment of the call to `fit_path`.
        limit: seconds from it; or a function that gives them from the seconds until the first epoch's end, which is
            when the moment is first asked for.
        seconds: what `limit` came to, where a run goes on that has asked; it is not asked again.
        compiled: `seconds_compiled()` at the call.
    """

    began: float
    limit: float | Callable[[float], float]
    seconds: float | None = None
    compiled: float = 0.0

    def __call__(self) -> float:
        """The moment; it does not change once asked for."""
        return self.began + self.length()

    def length(self) -> float:
        """Seconds from the call to that moment, as they were given: differences of moments are rounded."""
        if self.seconds is None:
            first = time.perf_counter() - self.began
            self.seconds = float(self.limit(first)) if callable(self.limit) else self.limit
        return self.seconds

    def warn(self, first: float) -> None:
        """Warns where the time was over before it was looked at first, at the end of the first epoch.

        Args:
            first: seconds from the call until then.
        """
        warn_of_compiling(self.length(), first, seconds_compiled() - self.compiled)


def warn_of_compiling(limit: float, first: float, compiling: float) -> None:
    """Warns where a limit was over before the first epoch had ended.

    Args:
        limit: seconds.
        first: seconds from the call until the first epoch's end.
        compiling: those of them that compiling took.
    """
    if limit <= first:
        warnings.warn(
            f"time_limit={limit:.3g} s was over before the first epoch had ended, {first:.1f} s after the call, "
            f"{compiling:.1f} s of which compiling took. Lanes have hardly trained, and those that had not begun are "
            f"left out. Pass more, such as time_limit={max(math.ceil(5 * first), 1)}.",
            UserWarning,
            stacklevel=3,
        )
