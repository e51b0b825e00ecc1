"""The bar that a terminal shows while lanes train."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ridgeway.engine.lanes import LaneResult
from ridgeway.engine.slots import Round


class ProgressBar:
    """Epoch, live lanes, best metric so far and time left.

    Args:
        lanes: lanes in all.
        epochs: most epochs of a lane.
        metric: log whose best value is shown.
        mode: "min" or "max".
        verbose: "auto" shows it on a terminal only; 1 shows it anywhere; 0 never.
    """

    def __init__(self, lanes: int, epochs: int, metric: str, mode: str, verbose: Any) -> None:
        console = Console(stderr=True)
        shown = console.is_terminal if verbose == "auto" else bool(verbose)
        self._lanes, self._epochs, self._metric, self._mode = lanes, epochs, metric, mode
        self._best: float | None = None
        self._done = 0
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("lane-epochs, {task.fields[live]} live, best {task.fields[best]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not shown,
            transient=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=lanes * epochs, epoch=0, live=0, best="-")

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._progress.stop()

    def go_on(self, ended: Sequence[LaneResult], under_way: Sequence[LaneResult]) -> None:
        """Shows what was trained before."""
        self._done = sum(len(result.history) for result in [*ended, *under_way])
        saved = sum(self._epochs - len(result.history) for result in ended)
        total = (self._progress.tasks[0].total or 0) - saved
        self._progress.update(self._task, completed=self._done, total=total)

    def round(self, news: Round) -> None:
        """Shows what a round brought; what stopped lanes leave undone is taken off the work to come."""
        for result in news.results:
            value = result.history[-1].get(self._metric)
            better = min if self._mode == "min" else max
            if value is not None and value == value:
                self._best = value if self._best is None else better(self._best, value)
        self._done += len(news.results)
        saved = sum(self._epochs - len(result.history) for result in news.finished)
        task = self._progress.tasks[0]
        self._progress.update(
            self._task,
            completed=self._done,
            total=(task.total or 0) - saved,
            epoch=max((len(result.history) for result in news.results), default=task.fields["epoch"]),
            live=news.live,
            best="-" if self._best is None else f"{self._metric} {self._best:.4g}",
        )
