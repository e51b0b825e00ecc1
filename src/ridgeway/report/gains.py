"""What the report knows of each method: gains over its absence, or importance where there are no pairs."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ridgeway.effects import judged_at
from ridgeway.errors import InputError
from ridgeway.selection import Comparison, Value, shown

if TYPE_CHECKING:
    from ridgeway.path import Path

# Fewer configurations than this, the least that an estimator's own search draws, tell nothing of importance.
_ENOUGH = 9
# The share of strengths that must have been compared with their absence.
_COVERED = 0.9


@dataclass(frozen=True)
class Gain:
    """One strength against the method's absence; positive is better, whichever way the metric points.

    Attributes:
        name: the hyperparameter.
        value: its strength.
        against: what it was compared with.
        gain: with its interval.
        verdict: `"helps"`, `"hurts"`, `"no evidence"` or `"diverges"`.
    """

    name: str
    value: Value | None
    against: Value | None
    gain: Comparison
    verdict: str

    @property
    def label(self) -> str:
        """The hyperparameter with its value, e.g. `dropout 0.25`."""
        return f"{self.name} {written(self.value)}"

    @property
    def off(self) -> bool:
        """Whether it was compared with the method being off."""
        return self.against in (None, 0, "none")


@dataclass(frozen=True)
class Evidence:
    """All gains of a path, or the importance of its hyperparameters where lanes form no pairs.

    Attributes:
        gains: in the family's order; empty without pairs.
        units: repeats or folds that gains are averaged over.
        folds: whether units are folds.
        interactions: as `Path.interactions`; empty where none are known.
        importance: as `Path.importance`; empty where there are pairs, or hardly any configurations.
        rung: the epoch at which importance judged all configurations, where halving cut some of them.
        configurations: how many there are.
    """

    gains: tuple[Gain, ...]
    units: int
    folds: bool
    interactions: pd.DataFrame
    importance: pd.DataFrame
    rung: int | None = None
    configurations: int = 0


def written(value: Value | None) -> str:
    """A value as people read it."""
    return "–" if value is None else shown(value, 4)


def evidence(path: "Path") -> Evidence:
    """Ask the path for its effects and, without any, for importance."""
    sign = 1.0 if path.mode == "max" else -1.0
    table = path.table()
    gains: tuple[Gain, ...] = ()
    together = importance = pd.DataFrame()
    try:
        effects = path.effects()
        strengths = sum(table[name].nunique(dropna=False) - 1 for name in path.hyperparameters)
        # Draws at random form a pair here and there, which says nothing of the family as a whole.
        if len(effects) >= _COVERED * strengths:
            gains = tuple(_gain(row, sign) for row in effects.to_dict("records"))
    except InputError:
        pass
    configurations = len(path.configurations())
    if not gains and configurations >= _ENOUGH:
        importance = _importance(path)
    if any(math.isfinite(gain.gain.low) for gain in gains):
        try:
            together = path.interactions()
        except InputError:
            together = pd.DataFrame()
    return Evidence(
        gains=gains,
        units=max((gain.gain.n for gain in gains), default=0),
        folds="fold" in table and table["fold"].nunique() > 1,
        interactions=together,
        importance=importance,
        rung=judged_at(table, path.record),
        configurations=configurations,
    )


def _importance(path: "Path") -> pd.DataFrame:
    try:
        return path.importance()
    except InputError:
        return pd.DataFrame()


def _gain(row: Mapping[Hashable, Any], sign: float) -> Gain:
    low, high = sorted((sign * row["low"], sign * row["high"]))
    known = math.isfinite(low)
    gain = Comparison(sign * row["difference"], low, high, int(row["n"]), "paired lanes" if known else "unknown")
    return Gain(row["hyperparameter"], row["value"], row["against"], gain, str(row["verdict"]))
