"""What the chosen configuration is worth on rows that took no part in choosing it.

The best of many validation scores is better than the configuration behind it: part of its lead is luck of the
validation rows (Cawley & Talbot 2010, On Over-fitting in Model Selection).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import jax
import keras
import numpy as np

from ridgeway.data import Dataset
from ridgeway.engine.labels import check_fit
from ridgeway.engine.step import COMPARED
from ridgeway.errors import InputError
from ridgeway.keras_internals import row_losses

if TYPE_CHECKING:
    from ridgeway.path import Path


@dataclass(frozen=True)
class HonestEstimate:
    """A choice, judged on test rows.

    Attributes:
        rule: that chose.
        metric: what was measured, under its validation name, such as "val_nll".
        mode: "min" or "max".
        naive: mean over the configuration's lanes on validation rows, by which it was chosen.
        estimate: the same on test rows.
        low: lower end of the 95 % percentile interval of the estimate, by bootstrap over test rows.
        high: upper end.
        optimism: by how much the naive value is better than the estimate; negative where it is worse.
        rows: number of test rows.
    """

    rule: str
    metric: str
    mode: str
    naive: float
    estimate: float
    low: float
    high: float
    optimism: float
    rows: int

    def __str__(self) -> str:
        """On one line."""
        return (
            f"{self.metric.removeprefix('val_')} {self.estimate:.4g} on test rows (95 % interval {self.low:.4g} to "
            f"{self.high:.4g}), {self.naive:.4g} where it was chosen"
        )


def honest_estimate(path: Path, rule: str, n_boot: int, seed: int) -> HonestEstimate:
    """See `Path.honest`."""
    known = (path.record.get("honest") or {}).get(rule)
    test = None if path.parts is None else path.parts.test
    if test is None:
        if known is not None:
            return HonestEstimate(**known)
        raise InputError("This path has no test rows. Pass test_split=0.2 or test_data to fit_path.")
    if n_boot < 2:
        raise InputError(f"n_boot={n_boot} draws give no interval. Pass at least 2, such as 1000.")
    choice = path.select(rule)
    scores = [_Scores(path, lane, test) for lane in choice.lanes if lane in _kept(path)]
    estimate = float(np.mean([score(None) for score in scores]))
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_boot):
        # One draw of rows for all lanes: they are judged on the same ones.
        rows = random.integers(0, test.rows, test.rows)
        drawn.append(float(np.mean([score(rows) for score in scores])))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    sign = 1.0 if choice.mode == "max" else -1.0
    return HonestEstimate(
        rule,
        choice.metric,
        choice.mode,
        choice.mean,
        estimate,
        float(low),
        float(high),
        sign * (choice.mean - estimate),
        test.rows,
    )


def of_record(path: Path) -> dict[str, dict[str, Any]] | None:
    """The estimates of the rules that the report speaks of, as they stand in the record; None without test rows."""
    if path.parts is None or path.parts.test is None:
        return None
    found: dict[str, dict[str, Any]] = {}
    for rule in ("best", "one_se"):
        try:
            found[rule] = asdict(path.honest(rule))
        except InputError:
            # Without a known standard error there is no one_se.
            if rule == "best":
                raise
    return found


def _kept(path: Path) -> set[int]:
    table = path.table()
    return set(table.loc[table["best_epoch"].notna(), "lane"])


class _Scores:
    """A lane's metric on test rows, or on any draw of them."""

    def __init__(self, path: Path, lane: int, test: Dataset) -> None:
        self._model = path.model(lane)
        self._test = test
        self._metric = path.metric.removeprefix("val_")
        self._outputs = self._model.predict(test.x, batch_size=int(path.record["batch_size"]), verbose=0)
        first = jax.tree.map(lambda array: array[:1], (test.x, test.y, test.sample_weight))
        check_fit(self._model, first)
        self._losses: np.ndarray | None = None
        if path.metric in COMPARED or path.metric == "loss":
            losses = row_losses(self._model, test.y, self._outputs, test.sample_weight)
            self._losses = None if losses is None else np.asarray(losses, np.float64)

    def __call__(self, rows: np.ndarray | None) -> float:
        if self._losses is not None:
            return float((self._losses if rows is None else self._losses[rows]).mean())
        every = slice(None) if rows is None else rows
        y, outputs, weight = keras.tree.map_structure(
            lambda array: None if array is None else array[every],
            (self._test.y, self._outputs, self._test.sample_weight),
        )
        self._model.reset_metrics()
        logs = self._model.compute_metrics(None, y, outputs, weight)
        if self._metric not in logs:
            raise InputError(
                f"{self._metric!r} can't be measured on test rows: it is none of the model's metrics "
                f"({', '.join(logs)}). Evaluate the model by path.evaluate."
            )
        return float(logs[self._metric])
