"""From one row a lane to one row a configuration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError
from ridgeway.selection.units import Units
from ridgeway.selection.values import Value, equal_to, sort_key, value_of

#: What is averaged over lanes beside the metric.
_MEANS = ("weight_norm", "zero_share")


def configurations(table: pd.DataFrame, record: Mapping[str, Any]) -> pd.DataFrame:
    """Summarize lanes by configuration, best first.

    The standard error of a mean over n ≥ 2 lanes (repeats, folds) is their standard deviation (ddof=1) over √n. With
    several folds, the repeats of a fold are averaged first, and n is the number of folds: they were judged on the same
    rows, so they are no new evidence of how other rows would fare. Where held-out parts overlap, the error is corrected
    for that (see `Units`). With one lane it is the metric's standard error over
    validation rows: the column `<metric>_se` where the table has it, else √(p(1−p)/validation_rows) for an accuracy p,
    else NaN: unknown. The two measure different things: lanes vary by seed (or held-out part), rows by the sample of
    validation data.

    Args:
        table: one row a lane (`Path.table()`).
        record: the path's record. Read are `hyperparameters` (the columns that make a configuration),
            `metric` (the column to average), `mode` (`"min"` or `"max"`: which way it is better), `folds` and
            `own_repeats` where there are some, and `data.validation_rows`, without which the binomial error stays
            unknown.

    Returns:
        One row a configuration: the hyperparameters, `mean`, `standard_error`, `n` (lanes with a finite
        metric), `weight_norm` and `zero_share` (means over lanes), `diverged` (lanes that diverged), `whole` (whether
        its mean can be compared with all others: no lane is missing, as where time was up, diverged, or was cut by
        halving). Sorted best first; those that are not whole come after those that are, and those without any finite
        metric last. The result does not depend on the order of the table's rows.

    Raises:
        InputError: the table has no such metric, or `mode` is neither word.
    """
    names, metric, mode = list(record["hyperparameters"]), record["metric"], record["mode"]
    validation_rows = record.get("data", {}).get("validation_rows")
    _check(table, names, metric, mode)
    # Sums of floats depend on their order: the lane's number fixes it.
    lanes = table.sort_values("lane", kind="stable", ignore_index=True)
    number = lanes.groupby(names, sort=True, dropna=False).ngroup()
    first = lanes.loc[number.drop_duplicates().sort_values().index, names]
    rows = [list(map(value_of, cells)) for cells in first.itertuples(index=False, name=None)]
    summary = pd.DataFrame(rows, columns=names)
    numeric = pd.DataFrame({name: _numbers(lanes[name]) for name in (metric, f"{metric}_se", *_MEANS) if name in lanes})
    found = numeric.groupby(number)
    means, known = found.mean(), found.count()
    stopped = lanes["stopped"] if "stopped" in lanes else pd.Series("", index=lanes.index)
    diverged, halved = ((stopped == word).groupby(number).sum() for word in ("diverged", "halved"))
    planned = _Planned.of(lanes, record)
    lacking = known[metric] < [planned.lanes(dict(zip(names, row, strict=True))) for row in rows]
    summary = summary.assign(
        mean=means[metric],
        standard_error=_standard_errors(numeric, number, metric, validation_rows, Units.of(record), lanes),
        n=known[metric],
        **{name: means.get(name, math.nan) for name in _MEANS},
        diverged=diverged,
        whole=~lacking & (diverged == 0) & (halved == 0),
    ).astype({"n": int, "diverged": int, "whole": bool})
    sign = 1.0 if mode == "min" else -1.0
    order = np.lexsort(
        [
            *(sort_key(summary[name], record["hyperparameters"][name]) for name in reversed(names)),
            sign * summary["mean"].to_numpy(),
            ~summary["whole"].to_numpy(),
            summary["mean"].isna().to_numpy(),
        ]
    )
    return summary.iloc[order].reset_index(drop=True)


@dataclass(frozen=True)
class _Planned:
    """How many lanes each configuration was to have.

    Attributes:
        repeats: of each configuration.
        folds: of each repeat.
        own: configurations with a number of repeats of their own (`Listed(repeats=)`), and that number.
    """

    repeats: int
    folds: int
    own: Sequence[tuple[Mapping[str, Value], int]]

    @classmethod
    def of(cls, table: pd.DataFrame, record: Mapping[str, Any]) -> "_Planned":
        # Counted where they occur, for the lanes of an outer fold have folds of their own. No count of one
        # configuration's lanes would do: whatever makes one longer would make all others pass for incomplete.
        repeats, folds = (table[name].nunique() if name in table else 1 for name in ("repeat", "fold"))
        own = [(one["configuration"], len(one["repeats"])) for one in record.get("own_repeats") or ()]
        return cls(repeats, folds, own)

    def lanes(self, configuration: Mapping[str, Value]) -> int:
        return self.folds * next((repeats for one, repeats in self.own if one == configuration), self.repeats)


def lanes_of(table: pd.DataFrame, configuration: Mapping[str, Value]) -> pd.DataFrame:
    """The lanes (rows of the table, by lane number) that trained this configuration."""
    same = np.ones(len(table), dtype=bool)
    for name, value in configuration.items():
        same &= equal_to(table[name], value)
    return table[same].sort_values("lane", kind="stable")


def finite(values: pd.Series) -> np.ndarray:
    """The column's finite values as float64 (shape `(k,)`); missing and infinite ones are left out."""
    numbers = _numbers(values)
    return numbers[~np.isnan(numbers)]


def is_accuracy(metric: str) -> bool:
    """Whether a log name is a share of right answers, so that its error is binomial."""
    return metric.endswith(("accuracy", "_acc")) or metric == "acc"


def _standard_errors(
    numeric: pd.DataFrame,
    number: pd.Series,
    metric: str,
    validation_rows: int | None,
    units: Units,
    lanes: pd.DataFrame,
) -> pd.Series:
    """Of each configuration's mean, by its number."""
    found = numeric.groupby(number)
    mean, n = found[metric].mean(), found[metric].count()
    errors: pd.Series = found[metric].std(ddof=1) / np.sqrt(n)
    alone = n == 1
    if is_accuracy(metric) and validation_rows:
        share = mean.where(mean.between(0.0, 1.0))
        errors = errors.where(~alone, np.sqrt(share * (1.0 - share) / validation_rows))
    if f"{metric}_se" in numeric:
        given = found[f"{metric}_se"]
        errors = errors.where(~(alone & (given.count() == 1)), given.mean())
    unit = units.of_lanes(lanes)
    if unit is not None:
        by_unit = numeric[metric].groupby([number, unit]).mean().groupby(level=0)
        several = lanes["fold"].groupby(number).nunique() > 1
        errors = errors.where(~several, by_unit.agg(lambda one: units.error(finite(one))))
    return errors


def _numbers(values: pd.Series) -> np.ndarray:
    """The column as float64 `(k,)`, NaN where it is missing or infinite."""
    array = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=math.nan)
    return np.where(np.isfinite(array), array, math.nan)


def _check(table: pd.DataFrame, names: list[str], metric: str, mode: str) -> None:
    if mode not in ("min", "max"):
        raise InputError(f"Unknown mode {mode!r}. Pass 'min' or 'max'.")
    if not names:
        raise InputError("No hyperparameters: a configuration needs at least one. Pass their names.")
    for column in [*names, metric]:
        if column not in table:
            near = get_close_matches(column, [str(name) for name in table.columns], n=3)
            hint = f" The nearest names are {', '.join(map(repr, near))}." if near else ""
            known = ", ".join(str(name) for name in table.columns)
            raise InputError(f"The table has no column {column!r}.{hint} Its columns: {known}.")
