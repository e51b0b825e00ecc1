"""The table of lanes as an array: which lanes differ in one hyperparameter and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError
from ridgeway.selection.units import Units
from ridgeway.selection.values import value_of

Value = float | str | None


@dataclass(frozen=True)
class Design:
    """Lanes by the codes of their values.

    Attributes:
        values: of each hyperparameter, the one that the others are compared with first, then from weak to strong.
        codes: int `(lanes, hyperparameters)`: each lane's place in them.
        repeat: int `(lanes,)`.
        fold: int `(lanes,)`.
        unit: int `(lanes,)`, from 0: the repeat, or with several folds the held-out part.
        score: float64 `(lanes,)`, NaN where not finite.
        diverged: bool `(lanes,)`: whether the loss stopped being finite, with or without an epoch before that.
        shared: what units have in common (see `selection.Units`).
    """

    values: dict[str, list[Value]]
    codes: np.ndarray
    repeat: np.ndarray
    fold: np.ndarray
    unit: np.ndarray
    score: np.ndarray
    diverged: np.ndarray
    shared: float = 0.0

    @property
    def names(self) -> list[str]:
        """The hyperparameters."""
        return list(self.values)

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max(initial=-1)) + 1

    def acting(self, names: Sequence[str]) -> np.ndarray:
        """Lanes in which what the hyperparameters need is on, bool `(lanes,)`: `p` does nothing without `lp`."""
        # It brings Keras along, which reports of a finished run do without.
        from ridgeway.hyperparameters import named

        on = np.ones(len(self.codes), dtype=bool)
        for name in names:
            others = [other for other in named(name).needs if other in self.values]
            if others and all(is_absent(self.values[other][0]) and other not in names for other in others):
                on &= np.any([self.codes[:, self.names.index(other)] > 0 for other in others], axis=0)
        return on

    def cells(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Scores by what is held fixed and what is varied.

        Args:
            names: the hyperparameters that are varied.

        Returns:
            Scores, float64 `(held, value of the first name, value of the second, ...)`, NaN where there is no lane (the
            mean where there are several); and the unit that each `held` belongs to, int `(held,)`.
        """
        varied = [self.names.index(name) for name in names]
        others = [place for place in range(len(self.names)) if place not in varied]
        use = self.acting(names) & np.isfinite(self.score)
        held = np.column_stack([self.unit, self.repeat, self.fold, self.codes[:, others]])[use]
        distinct, place, size = np.unique(held, axis=0, return_inverse=True, return_counts=True)
        place = place.reshape(-1)
        # Draws at random hold hardly anything fixed twice: without those, what follows stays small.
        whole = size >= 2 ** len(varied)
        based = np.bincount(place, (self.codes[use][:, varied] == 0).all(axis=1), minlength=len(distinct)) > 0
        kept = whole & based
        use[np.flatnonzero(use)[~kept[place]]] = False
        distinct, place = distinct[kept], (np.cumsum(kept) - 1)[place[kept[place]]]
        shape = (len(distinct), *(len(self.values[name]) for name in names))
        index = np.ravel_multi_index((place, *self.codes[use][:, varied].T), shape)
        total = np.bincount(index, self.score[use], minlength=int(np.prod(shape)))
        count = np.bincount(index, minlength=int(np.prod(shape)))
        mean = np.full(len(total), np.nan)
        np.divide(total, count, out=mean, where=count > 0)
        return mean.reshape(shape), distinct[:, 0]

    def diverging(self, name: str) -> np.ndarray:
        """How many lanes diverged with each value of a hyperparameter, int `(values,)`."""
        lanes = self.diverged & self.acting([name])
        counts: np.ndarray = np.bincount(self.codes[lanes, self.names.index(name)], minlength=len(self.values[name]))
        return counts

    def finished(self) -> Design:
        """The same lanes, as if all of them had a score: to see which pairs there were to be."""
        return replace(self, score=np.nan_to_num(self.score))

    def by_unit(self, differences: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Average differences within units.

        Args:
            differences: float64 `(held, rows)`, NaN where there is no pair.
            unit: of each, int `(held,)`.

        Returns:
            Means, float64 `(rows, units)`, NaN for a unit without pairs; and pairs a row, int `(rows,)`.
        """
        known = np.isfinite(differences)
        total, count = (np.zeros((self.units, differences.shape[1])) for _ in range(2))
        np.add.at(total, unit, np.where(known, differences, 0.0))
        np.add.at(count, unit, known.astype(float))
        mean = np.full(total.shape, np.nan)
        np.divide(total, count, out=mean, where=count > 0)
        return mean.T, known.sum(axis=0)


def refuse_cut(table: pd.DataFrame) -> None:
    """Refuse a table in which halving cut lanes: the others had more epochs, which would pass for an effect.

    Raises:
        InputError: it did.
    """
    cut = int((table["stopped"] == "halved").sum()) if "stopped" in table else 0
    if cut:
        raise InputError(
            f"Halving cut {cut} of {len(table)} lanes: they trained fewer epochs than the others, and that difference "
            "would pass for an effect. Ask path.importance(), which judges all lanes at the first cut, or train "
            "without halving to compare strengths in pairs."
        )


def design(table: pd.DataFrame, record: Mapping[str, Any], metric: str) -> Design:
    """Read the table of lanes.

    Args:
        table: a row a lane (`Path.table()`); `repeat` and `fold` may be missing.
        record: the path's record, of which `hyperparameters` and `folds` are read.
        metric: a column of the table.
    """
    units = Units.of(record)
    of_folds = units.of_lanes(table)
    values = {name: ordered(table[name], about) for name, about in record["hyperparameters"].items()}
    codes = [
        np.array([_place(cell, values[name]) for cell in table[name]], dtype=int).reshape(len(table)) for name in values
    ]
    score = pd.to_numeric(table[metric], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return Design(
        values=values,
        codes=np.column_stack(codes) if codes else np.zeros((len(table), 0), dtype=int),
        repeat=_numbered(table, "repeat"),
        fold=_numbered(table, "fold"),
        unit=_numbered(table, "repeat") if of_folds is None else pd.factorize(of_folds, sort=True)[0],
        score=np.where(np.isfinite(score), score, np.nan),
        diverged=(table["stopped"] == "diverged").to_numpy() if "stopped" in table else ~np.isfinite(score),
        shared=0.0 if of_folds is None else units.shared,
    )


def ordered(column: pd.Series, about: Mapping[str, Any]) -> list[Value]:
    """The values that occur, from the one to compare with to the strongest.

    First comes the absence of the method: None, 0 or "none". Where it does not occur, the first is the weakest value in
    the record's order: the smallest for `learning_rate`, the greatest for a limit such as `max_norm`.
    """
    seen = list(dict.fromkeys(map(plain, column)))
    given = [plain(value) for value in about.get("order") or about["values"]]
    known = [value for value in dict.fromkeys(given) if value in seen]
    rest = sorted((value for value in seen if value not in known), key=lambda value: (value is not None, str(value)))
    return sorted([*known, *rest], key=lambda value: not is_absent(value))


def is_absent(value: Value) -> bool:
    """Whether a value says that the method is off."""
    return value is None or value == 0 or value == "none"


def plain(cell: Any) -> Value:
    """A cell as a number, a word, True, False or None."""
    return None if cell is None or pd.isna(cell) else value_of(cell)


def _place(cell: Any, values: list[Value]) -> int:
    return values.index(plain(cell))


def _numbered(table: pd.DataFrame, column: str) -> np.ndarray:
    if column not in table:
        return np.zeros(len(table), dtype=int)
    codes, _ = pd.factorize(table[column], sort=True, use_na_sentinel=False)
    return np.asarray(codes, dtype=int)
