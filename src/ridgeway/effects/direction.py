"""Which way a metric is better, and what an effect of a sign says then."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.effects.intervals import Intervals
from ridgeway.effects.multiple import holm
from ridgeway.errors import InputError

#: The corrected p-value below which a verdict is given.
LEVEL = 0.05

# Parts of names of Keras's metrics. "dice_loss" is a loss, so these are looked for first.
_LOWER = ("loss", "nll", "error", "ece", "mse", "mae", "mape", "msle", "entropy", "divergence", "hinge", "false_")
_HIGHER = ("accuracy", "auc", "precision", "recall", "f1", "fbeta", "r2", "iou", "dice", "similarity", "true_")


def metric_and_mode(
    table: pd.DataFrame, record: Mapping[str, Any], metric: str | None, mode: str | None
) -> tuple[str, str]:
    """The metric to compare by and which way it is better.

    Raises:
        InputError: the table has no such column of numbers, `mode` is neither word, or none is given and the metric's
            name says nothing.
    """
    name = checked_metric(table, record, metric)
    if mode is not None:
        if mode not in ("min", "max"):
            raise InputError(f"Unknown mode {mode!r}. Pass 'min' or 'max'.")
        return name, mode
    if name == record["metric"]:
        return name, str(record["mode"])
    if any(part in name for part in _LOWER):
        return name, "min"
    if name.endswith("_acc") or name == "acc" or any(part in name for part in _HIGHER):
        return name, "max"
    raise InputError(f"The name {name!r} does not say whether less or more of it is better. Pass mode='min' or 'max'.")


def checked_metric(table: pd.DataFrame, record: Mapping[str, Any], metric: str | None) -> str:
    """The metric's column; the record's own for None.

    Raises:
        InputError: the table has no such column of numbers.
    """
    name = str(record["metric"] if metric is None else metric)
    usable = [
        str(column)
        for column in table.columns
        if column not in (*record["hyperparameters"], "lane", "repeat", "fold")
        and pd.api.types.is_numeric_dtype(table[column])
    ]
    if name not in usable:
        near = get_close_matches(name, usable, n=3)
        hint = f"The nearest are {', '.join(near)}." if near else f"There are {', '.join(usable)}."
        raise InputError(f"The table has no metric {name!r}. {hint}")
    return name


def judged(found: Intervals, pairs: np.ndarray, mode: str) -> dict[str, Any]:
    """Columns of a table of differences: numbers, corrected p-values and verdicts.

    Args:
        found: of differences in the metric's own units.
        pairs: lanes that were compared, int `(rows,)`.
        mode: `"min"` or `"max"`: which way the metric is better.
    """
    corrected = holm(found.p)
    better = found.mean > 0 if mode == "max" else found.mean < 0
    sure = corrected <= LEVEL
    return {
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_holm": corrected,
        "verdict": np.where(sure & better, "helps", np.where(sure, "hurts", "no evidence")),
        "n": found.n,
        "pairs": pairs,
        "interval": found.kind,
    }
