"""What the chosen configuration is worth on rows that took no part in choosing it.

The best of many validation scores is better than the configuration behind it: part of its lead is luck of the
validation rows (Cawley & Talbot 2010, On Over-fitting in Model Selection).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.data import Dataset
from ridgeway.errors import InputError
from ridgeway.scoring import Judge

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
    scores = [_score(path, lane, test) for lane in choice.lanes if lane in _kept(path)]
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


def _score(path: Path, lane: int, test: Dataset) -> Callable[[np.ndarray | None], float]:
    """A lane's metric on test rows, or on any draw of them."""
    model = path.model(lane)
    outputs = model.predict(test.x, batch_size=int(path.record["batch_size"]), verbose=0)
    judge = Judge(model, path.metric, test)
    losses = judge.losses(outputs)
    if losses is None:
        return lambda rows: judge(outputs, rows)
    return lambda rows: float((losses if rows is None else losses[rows]).mean())
