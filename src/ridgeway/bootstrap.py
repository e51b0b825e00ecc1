"""Lanes judged on rows of their own, and how much the draw of these rows matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.data import Dataset
from ridgeway.prediction import Predictor
from ridgeway.scoring import Judge

if TYPE_CHECKING:
    from ridgeway.path import Path

# Row numbers that are drawn at a time.
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """A configuration on rows that it was not chosen by.

    Attributes:
        value: the metric, as the mean over its lanes.
        rows: number of rows.
        on: the same on each of several draws of rows, int `(draw, row)`; float64 `(draw,)`.
    """

    value: float
    rows: int
    on: Callable[[np.ndarray], np.ndarray]


def sample_of(path: Path, lanes: Sequence[int], dataset: Dataset) -> Sample:
    """Judges the lanes that kept an epoch.

    Args:
        path: the path.
        lanes: those of one configuration.
        dataset: the rows.
    """
    table = path.table()
    kept = set(table.loc[table["best_epoch"].notna(), "lane"])
    predict = Predictor(path)
    # One configuration has one structure.
    judge = Judge(path.structure(lanes[0]), path.metric, dataset)
    scores, draws = [], []
    for lane in lanes:
        if lane in kept:
            outputs = predict(lane, dataset.x)
            losses = judge.losses(outputs)
            scores.append(judge(outputs) if losses is None else float(losses.mean()))
            draws.append(drawn(judge, outputs, losses))
    return Sample(float(np.mean(scores)), dataset.rows, lambda rows: np.mean([one(rows) for one in draws], axis=0))


def drawn(judge: Judge, outputs: Any, losses: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
    """The metric on each of several draws of rows, as `Sample.on`.

    Args:
        judge: of the rows.
        outputs: predictions for all of them.
        losses: `judge.losses(outputs)`, whose mean is the metric; None where it is no mean over rows.
    """
    if losses is None:
        return lambda rows: judge.drawn(outputs, rows)
    return lambda rows: losses[rows].mean(axis=1)


def draws_of(samples: Sequence[Sample], n_boot: int, seed: int | Sequence[int]) -> np.ndarray:
    """The samples' mean on draws of the rows of each, float64 `(n_boot, ...)`, by what `Sample.on` gives a draw.

    Args:
        samples: the draws of rows are theirs alone, and the same for all lanes of one.
        n_boot: number of draws.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    block = max(1, _AT_ONCE // max(sample.rows for sample in samples))
    means = []
    for start in range(0, n_boot, block):
        size = min(block, n_boot - start)
        each = [sample.on(random.integers(0, sample.rows, (size, sample.rows))) for sample in samples]
        means.append(np.mean(each, axis=0))
    return np.concatenate(means)


def ends_of(draws: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrap draws `(n_boot,)`."""
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)
