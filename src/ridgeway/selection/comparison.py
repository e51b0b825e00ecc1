"""By how much one configuration beats another, with an interval."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ridgeway.selection.choice import Choice
from ridgeway.selection.rules import choice, row_of
from ridgeway.selection.strength import strength
from ridgeway.selection.summary import configurations, finite, lanes_of
from ridgeway.selection.units import Units
from ridgeway.selection.values import Value, equal_to, in_words

Means = Literal["paired lanes", "standard errors", "unequal epochs", "unknown", "same"]


@dataclass(frozen=True)
class Comparison:
    """The gain of one configuration over another, in the metric's units.

    Attributes:
        gain: how much better the first is; negative when it is worse, whichever way the metric points.
        low: lower end of the 95 % interval of the gain; NaN when unknown.
        high: upper end.
        n: pairs of lanes, or folds where there are several, that the gain is averaged over.
        means: where the interval comes from: `"paired lanes"` (t-interval of the differences within each
            repeat and fold), `"standard errors"` (normal, from the two standard errors as if independent;
            both were measured on the same validation rows, so the true interval is narrower as a rule),
            `"unequal epochs"` (no interval: halving cut one of them), `"unknown"`, or `"same"` when both are one
            configuration.
    """

    gain: float
    low: float
    high: float
    n: int
    means: Means

    @property
    def clear(self) -> bool:
        """Whether the interval is known and leaves out zero."""
        return bool(self.low > 0 or self.high < 0)


def baseline(table: pd.DataFrame, record: Mapping[str, Any]) -> tuple[Choice, bool]:
    """Find what the winner is to be compared with.

    It is the model as the user brought it: every hyperparameter at its own value (`base`). Where the family
    does not hold that configuration, it is the family's least regularized one (the best of them, when several
    are).

    Returns:
        The configuration, with the rule `"baseline"`, and whether it is the user's own model.
    """
    summary = configurations(table, record)
    own = np.ones(len(summary), dtype=bool)
    for name in record["hyperparameters"]:
        base = _own_value(name, record)
        if isinstance(base, str | bool):
            own &= equal_to(summary[name], base)
        elif in_words(record["hyperparameters"][name]):
            own &= False
        else:
            own &= np.isclose(summary[name].to_numpy(dtype=float), base, rtol=1e-6, atol=0)
    usable = summary["mean"].notna().to_numpy()
    if (own & usable).any():
        return choice(table, record, row_of(summary, int(np.argmax(own & usable))), "baseline"), True
    return weakest(table, record), False


def weakest(table: pd.DataFrame, record: Mapping[str, Any]) -> Choice:
    """The family's least regularized configuration (see `strength`), the best of them when several are.

    Raises:
        IndexError: the table is empty.
    """
    summary = configurations(table, record)
    usable = summary["mean"].notna().to_numpy()
    # Sorted best first, and argmin takes the first of equals: the best of the least regularized.
    row = int(np.where(usable, strength(summary, record), math.inf).argmin())
    return choice(table, record, row_of(summary, row), "baseline")


def compare(table: pd.DataFrame, first: Choice, second: Choice, record: Mapping[str, Any] | None = None) -> Comparison:
    """Estimate by how much the first configuration is better than the second.

    Lanes of one repeat and fold share their seed, rows and batches, so they are compared in pairs, which
    removes what a lucky seed does to both. Where held-out parts of folds overlap, the interval is corrected for that
    (see `Units`).

    Args:
        table: one row a lane (`Path.table()`).
        first: the configuration whose gain is asked.
        second: the one that it is compared with.
        record: the path's record, of which `folds` is read; without it folds count as independent.

    Returns:
        The gain with a 95 % interval.
    """
    sign = 1.0 if first.mode == "max" else -1.0
    if first.configuration == second.configuration:
        return Comparison(0.0, math.nan, math.nan, first.n, "same")
    left, right = (
        lanes_of(table, side.configuration).set_index(["repeat", "fold"])[first.metric] for side in (first, second)
    )
    paired = pd.concat([left, right], axis=1, join="inner", keys=["first", "second"]).astype(float).reset_index()
    by_lane = sign * (paired["first"] - paired["second"])
    units = Units.of(record or {})
    unit = units.of_lanes(paired)
    # Repeats of a fold are judged on the same rows: their mean is one observation.
    differences = finite(by_lane if unit is None else by_lane.groupby(unit).mean())
    n = len(differences)
    if any(_cut(lanes_of(table, side.configuration)) for side in (first, second)):
        return Comparison(sign * (first.mean - second.mean), math.nan, math.nan, n, "unequal epochs")
    if n >= 2:
        gain = float(differences.mean())
        half = float(stdtrit(n - 1, 0.975)) * (Units() if unit is None else units).error(differences)
        return Comparison(gain, gain - half, gain + half, n, "paired lanes")
    gain = sign * (first.mean - second.mean)
    half = 1.959964 * math.hypot(first.standard_error, second.standard_error)
    means: Means = "standard errors" if math.isfinite(half) else "unknown"
    return Comparison(gain, gain - half, gain + half, n, means)


def _cut(lanes: pd.DataFrame) -> bool:
    return "stopped" in lanes and bool((lanes["stopped"] == "halved").any())


def _own_value(name: str, record: Mapping[str, Any]) -> Value:
    base = record["hyperparameters"][name].get("base")
    if base is None:
        # No decay and no proximal step are the same as strength 0; elsewhere None means "none, or several".
        return 0.0 if name in ("weight_decay", "l1") else math.nan
    if isinstance(base, str | bool):
        return base
    if name == "weight_decay" and base > 0 and record.get("decay") != "all":
        # Keras decays biases too, so the user's own decay is not in a family that decays kernels only.
        return math.nan
    return float(base)
