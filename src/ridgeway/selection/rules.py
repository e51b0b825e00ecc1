"""Rules that choose a configuration from the lanes."""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError
from ridgeway.selection.choice import Choice
from ridgeway.selection.strength import strength
from ridgeway.selection.summary import configurations, lanes_of
from ridgeway.selection.values import value_of

RULES = ("best", "one_se", "median")


def select(table: pd.DataFrame, record: Mapping[str, Any], rule: str = "best") -> Choice:
    """Choose a configuration by the mean of the record's metric over its lanes.

    - `"best"`: the best mean.
    - `"one_se"`: the most regularized configuration (see `strength`) whose mean lies within one standard
      error of the best one's; ties by smaller weight norm, then by better mean. It asks for the simplest
      model that the data can't tell from the best.
    - `"median"`: the configuration whose mean is the median one: what a strength picked without looking would have
      given. Of an even number it is the better of the middle two; ties as in `"one_se"`.

    Configurations with a diverged lane, with lanes missing, or that halving cut before the end, are chosen only when
    there is no other.

    Args:
        table: one row a lane (`Path.table()`).
        record: the path's record: `hyperparameters`, `metric`, `mode`, and `data.validation_rows` when known.
        rule: one of `RULES`.

    Returns:
        The choice.

    Raises:
        InputError: unknown rule; no lane has a finite metric; `"one_se"` without a known standard error.

    References:
        Breiman, Friedman, Olshen, Stone (1984), Classification and Regression Trees, section 3.4.3.
        Friedman, Hastie, Tibshirani (2010), Regularization Paths for Generalized Linear Models via Coordinate
        Descent, Journal of Statistical Software 33(1).
    """
    if rule not in RULES:
        near = get_close_matches(str(rule), RULES, n=1, cutoff=0.0)
        raise InputError(
            f"Unknown rule {rule!r}. The nearest is {near[0]!r}; the rules are {', '.join(map(repr, RULES))}."
        )
    summary = configurations(table, record)
    if summary["mean"].isna().all():
        raise InputError(
            f"No lane has a finite {record['metric']}, so there is nothing to choose from. Lower the "
            "learning rate or the strengths, and look at the column 'stopped' of path.table()."
        )
    rows = {"best": lambda: 0, "one_se": lambda: _one_se(summary, record), "median": lambda: _median(summary, record)}
    row = rows[rule]()
    return choice(table, record, row_of(summary, row), rule)


def row_of(summary: pd.DataFrame, place: int) -> pd.Series:
    """A row of the summary in which whole numbers stay whole: one of numbers alone would make floats of them."""
    return summary.astype(object).iloc[place]


def choice(table: pd.DataFrame, record: Mapping[str, Any], row: pd.Series, rule: str) -> Choice:
    """Make a `Choice` of one row of the summary."""
    configuration = {name: value_of(row[name]) for name in record["hyperparameters"]}
    lanes = lanes_of(table, configuration)
    values = pd.to_numeric(lanes[record["metric"]], errors="coerce").to_numpy(dtype=float, na_value=math.nan)
    sign = 1.0 if record["mode"] == "min" else -1.0
    keys = np.where(np.isfinite(values), sign * values, math.inf)
    diverged = (lanes["stopped"] == "diverged").to_numpy() if "stopped" in lanes else np.zeros(len(lanes), dtype=bool)
    best = int(np.lexsort([lanes["lane"].to_numpy(), keys, diverged])[0])
    return Choice(
        configuration=configuration,
        mean=float(row["mean"]),
        standard_error=float(row["standard_error"]),
        n=int(row["n"]),
        lanes=tuple(int(lane) for lane in lanes["lane"]),
        lane=int(lanes["lane"].iloc[best]),
        rule=rule,
        metric=record["metric"],
        mode=record["mode"],
    )


def _one_se(summary: pd.DataFrame, record: Mapping[str, Any]) -> int:
    best = summary.iloc[0]
    if not math.isfinite(best["standard_error"]):
        raise InputError(
            f"The rule 'one_se' needs the standard error of {record['metric']}, which one lane a "
            "configuration does not give. Train with repeats=2 or more, or select by 'best'."
        )
    sign = 1.0 if record["mode"] == "min" else -1.0
    loss = sign * summary["mean"].to_numpy()
    near = loss <= loss[0] + best["standard_error"]
    if summary["whole"].iloc[0]:
        near &= summary["whole"].to_numpy()
    return _most_regularized(summary, record, near)


def _median(summary: pd.DataFrame, record: Mapping[str, Any]) -> int:
    usable = summary["mean"].notna() & summary["whole"]
    if not usable.any():
        usable = summary["mean"].notna()
    # The summary is sorted best first.
    means = summary.loc[usable, "mean"].to_numpy()
    middle = means[(len(means) - 1) // 2]
    return _most_regularized(summary, record, (usable & (summary["mean"] == middle)).to_numpy())


def _most_regularized(summary: pd.DataFrame, record: Mapping[str, Any], among: np.ndarray) -> int:
    norm = summary["weight_norm"].fillna(math.inf).to_numpy()
    # The summary is sorted best first, so its own order is the last tie-break.
    order = np.lexsort([np.arange(len(summary)), norm, -strength(summary, record), ~among])
    return int(order[0])
