"""What the chosen configuration is worth on rows that took no part in choosing it.

The best of many validation scores is better than the configuration behind it: part of its lead is luck of the
validation rows (Cawley & Talbot 2010, On Over-fitting in Model Selection).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.bootstrap import Sample, draws_of, ends_of, sample_of
from ridgeway.errors import InputError

if TYPE_CHECKING:
    from ridgeway.path import Path

logger = logging.getLogger(__name__)

TEST, NESTED = "test rows", "nested folds"


@dataclass(frozen=True)
class OuterFold:
    """The choice that the inner folds of one outer fold made.

    Attributes:
        configuration: that was chosen.
        naive: mean of its lanes on the inner folds' validation rows, by which it was chosen.
        estimate: their mean on the rows that the outer fold set aside.
        rows: number of these rows.
    """

    configuration: dict[str, Any]
    naive: float
    estimate: float
    rows: int


@dataclass(frozen=True)
class HonestEstimate:
    """A choice, judged on rows that took no part in it.

    Attributes:
        rule: that chose.
        metric: what was measured, under its validation name, such as "val_nll".
        mode: "min" or "max".
        naive: mean over the configuration's lanes on validation rows, by which it was chosen.
        estimate: the same on test rows; by nested folds the mean over outer folds, each with its own choice.
        low: lower end of the 95 % percentile interval of the estimate, by bootstrap over these rows.
        high: upper end.
        optimism: by how much the naive value is better than the estimate; negative where it is worse.
        rows: number of these rows.
        by: "test rows" or "nested folds".
        folds: the choices of the outer folds; empty with test rows.
        optimism_low: lower end of the 95 % percentile interval of the optimism, by bootstrap over the rows of both
            values, as if these were independent; outer folds are judged on the same rows, so that theirs is narrower in
            truth. None where the validation rows are not in memory.
        optimism_high: upper end.
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
    by: str = TEST
    folds: tuple[OuterFold, ...] = ()
    optimism_low: float | None = None
    optimism_high: float | None = None

    def __str__(self) -> str:
        """On one line."""
        where = "on test rows" if self.by == TEST else f"by {len(self.folds)} outer folds"
        return (
            f"{self.metric.removeprefix('val_')} {self.estimate:.4g} {where} (95 % interval {self.low:.4g} to "
            f"{self.high:.4g}), {self.naive:.4g} where it was chosen"
        )

    @classmethod
    def from_json(cls, noted: dict[str, Any]) -> HonestEstimate:
        """Reads what `dataclasses.asdict` gave, as it stands in `run.json`."""
        return cls(**{**noted, "folds": tuple(OuterFold(**fold) for fold in noted.get("folds", ()))})


def honest_estimate(path: Path, rule: str, n_boot: int, seed: int) -> HonestEstimate:
    """See `Path.honest`."""
    known = (path.record.get("honest") or {}).get(rule)
    parts = path.parts
    if parts is None or (parts.test is None and parts.nested is None):
        if known is not None:
            return HonestEstimate.from_json(known)
        raise InputError("This path has no test rows. Pass test_split=0.2, test_data or nested=5 to fit_path.")
    if n_boot < 2:
        raise InputError(f"n_boot={n_boot} draws give no interval. Pass at least 2, such as 1000.")
    choice = path.select(rule)
    folds: Sequence[OuterFold] = ()
    if parts.test is not None:
        samples = [sample_of(path, choice.lanes, parts.test)]
    else:
        folds, samples = _outer_folds(path, rule)
    estimate = float(np.mean([sample.value for sample in samples]))
    draws = draws_of(samples, n_boot, seed)
    low, high = ends_of(draws)
    sign = 1.0 if choice.mode == "max" else -1.0
    chosen_by = _chosen_by(path, choice.lanes)
    # Draws of their own: other rows.
    optimism = ends_of(sign * (draws_of(chosen_by, n_boot, [seed, 1]) - draws)) if chosen_by else (None, None)
    return HonestEstimate(
        rule,
        choice.metric,
        choice.mode,
        choice.mean,
        estimate,
        low,
        high,
        sign * (choice.mean - estimate),
        sum(sample.rows for sample in samples),
        TEST if parts.test is not None else NESTED,
        tuple(folds),
        *optimism,
    )


def _chosen_by(path: Path, lanes: Sequence[int]) -> list[Sample]:
    """A choice on the rows that it was chosen by, a sample a fold; empty where they are not in memory."""
    held = path.held_out
    if held is None:
        return []
    table = path.table().set_index("lane").loc[list(lanes)]
    kept = table[table["best_epoch"].notna()]
    own = {int(fold): kept.index[kept["fold"] == fold].tolist() for fold in kept["fold"].unique()}
    return [sample_of(path, members, held.of(fold)) for fold, members in own.items()]


def _outer_folds(path: Path, rule: str) -> tuple[list[OuterFold], list[Sample]]:
    """Each outer fold's choice by its inner folds alone, judged on the rows that it set aside."""
    assert path.parts is not None and path.parts.nested is not None
    folds, samples = [], []
    for own in path.nested:
        assert own.parts is not None and own.parts.test is not None
        if own.table()["best_epoch"].notna().any():
            choice = own.select(rule)
            sample = sample_of(own, choice.lanes, own.parts.test)
            folds.append(OuterFold(choice.configuration, choice.mean, sample.value, sample.rows))
            samples.append(sample)
    if len(folds) < len(path.parts.nested):
        raise InputError(
            f"{len(path.parts.nested) - len(folds)} of {len(path.parts.nested)} outer folds kept no epoch of any lane, "
            "so that there is no honest estimate. Give the run more time."
        )
    return folds, samples


def of_record(path: Path) -> dict[str, dict[str, Any]] | None:
    """The estimates of the rules that the report speaks of, as they stand in the record; None without such rows."""
    if path.parts is None or (path.parts.test is None and path.parts.nested is None):
        return None
    found: dict[str, dict[str, Any]] = {}
    for rule in ("best", "one_se"):
        try:
            found[rule] = asdict(path.honest(rule))
        except InputError as error:
            # Without a known standard error there is no one_se; without time, no lane of some outer fold.
            if rule == "best" and path.parts.nested is None:
                raise
            logger.info("No honest estimate by %s: %s", rule, error)
    return found or None
