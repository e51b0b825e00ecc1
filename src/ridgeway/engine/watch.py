"""When a whole path stops: its time is up, or no live lane can win any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ridgeway.engine.lanes import PATH_STOPPED, TIME_UP, LaneResult
from ridgeway.engine.stopping import Monitor


@dataclass(frozen=True)
class PathRule:
    """Ends a path when each live lane has trained `patience` epochs of its own without beating the best of all lanes.

    Attributes:
        monitor: what it looks at.
        patience: epochs, at least 1.
    """

    monitor: Monitor
    patience: int


@dataclass(frozen=True)
class Watched:
    """What a watch has seen: the best value, each lane's epochs since its own beat it, and seconds that went by."""

    best: float
    behind: Mapping[int, int]
    seconds: float


@dataclass
class Watch:
    """Looks at all lanes of a path after each round, whatever group they train in.

    Args:
        seconds: after which the path ends with the round that is under way, None for no limit.
        rule: when no lane can win any more, None to let each lane stop by itself.
        ends: asked after each round for the moment from which the path ends likewise, None for none.
        clock: seconds from some fixed moment.
    """

    seconds: float | None = None
    rule: PathRule | None = None
    ends: Callable[[], float] | None = None
    clock: Callable[[], float] = time.perf_counter
    _best: float = np.nan
    _behind: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The time runs from here."""
        self._began = self.clock()

    def seen(self) -> Watched:
        """For `go_on`, later or elsewhere."""
        return Watched(self._best, dict(self._behind), self.clock() - self._began)

    def go_on(self, seen: Watched) -> None:
        """Takes up what another one has seen."""
        self._best, self._behind, self._began = seen.best, dict(seen.behind), self.clock() - seen.seconds

    def verdict(self, trained: Sequence[LaneResult], live: Sequence[LaneResult], waiting: int) -> str | None:
        """Why all live lanes stop now, or None.

        Args:
            trained: the lanes that trained in this round.
            live: those of them that would train on.
            waiting: lanes that have not begun.
        """
        if self.rule is not None:
            self._look(trained)
        if self.seconds is not None and self.clock() - self._began >= self.seconds:
            return TIME_UP
        if self.ends is not None and self.clock() >= self.ends():
            return TIME_UP
        if self.rule is None or waiting or not live:
            return None
        behind = [self._behind[result.plan.lane] for result in live]
        return PATH_STOPPED if min(behind) >= self.rule.patience else None

    def _look(self, trained: Sequence[LaneResult]) -> None:
        assert self.rule is not None
        monitor = self.rule.monitor
        values = np.array([result.history[-1][monitor.name] for result in trained])
        better = monitor.improves(values, np.full_like(values, self._best)) | (np.isnan(self._best) & ~np.isnan(values))
        for result, improved in zip(trained, better, strict=True):
            lane = result.plan.lane
            self._behind[lane] = 0 if improved else self._behind.get(lane, 0) + 1
        best = np.nanmin if monitor.mode == "min" else np.nanmax
        seen = np.append(values, self._best)
        self._best = float(best(seen)) if not np.isnan(seen).all() else np.nan
