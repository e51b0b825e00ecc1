"""Text columns and class labels as numbers, described so that `predict` does the same without unpickling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd

from ridgeway.data.coding import Coding, Unknown, indicators
from ridgeway.errors import InputError

#: A text column with more levels than this is looked at for being something else.
MANY_LEVELS = 50
# What pandas calls columns of Python objects that are all numbers, or all booleans.
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float")


@dataclass(frozen=True)
class TableEncoding:
    """How a table's columns become the columns of x.

    Numbers stay numbers, booleans become 0 and 1; text and pandas Categoricals are coded by their levels.

    Attributes:
        columns: feature columns in order.
        levels: for each column of text its levels in order; such a column becomes one 0/1 column a level.
        coding: "one_hot", or "dummy", which leaves out the column of the first level (see `ridgeway.data.coding`).
        unknown: of a level that was not trained on: "error", or "ignore" for zeros in all columns of the levels. In
            dummy coding that is also how the first level is written.
    """

    columns: tuple[str, ...]
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    coding: Coding = "one_hot"
    unknown: Unknown = "error"

    @classmethod
    def fit(cls, frame: pd.DataFrame, coding: Coding = "one_hot", unknown: Unknown = "error") -> TableEncoding:
        """Learns which columns are text, and their levels.

        The levels of a pandas Categorical are all its categories, in their order, those without a row too; other text
        is sorted. Columns of whole numbers are numbers, unless they are Categorical.

        Args:
            frame: feature columns `(row, column)`.
            coding: "one_hot" or "dummy".
            unknown: "error" or "ignore": what `transform` makes of levels that are not in `frame`.

        Raises:
            InputError: no such coding or unknown, a text cell is missing, a column of numbers has text in between, or
                almost every row has a text of its own, or dummy coding leaves no column.
        """
        for name, value, known in (("coding", coding, get_args(Coding)), ("unknown", unknown, get_args(Unknown))):
            if value not in known:
                raise InputError(f"{name}={value!r} is no choice. There are {' and '.join(map(repr, known))}.")
        frame = frame.rename(columns=str)
        levels = {name: _levels(name, frame[name]) for name in frame.columns if not _is_number(frame[name])}
        if coding == "dummy" and all(len(levels.get(name, "..")) == 1 for name in frame.columns):
            raise InputError(
                "No column varies: each holds one text, of which dummy coding leaves nothing. Add columns."
            )
        return cls(tuple(frame.columns), levels, coding, unknown)

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """float32 `(row, feature)`.

        Raises:
            InputError: a column is missing, has text where numbers were, or a level that was not trained on, unless
                those are ignored.
        """
        frame = frame.rename(columns=str)
        parts = []
        for name in self.columns:
            if name not in frame.columns:
                raise InputError(f"The data has no column '{name}', which the model was trained on. Add it.")
            if name in self.levels:
                parts.append(self._indicators(name, frame[name]))
                continue
            if not _is_number(frame[name]):
                example = frame[name].iloc[0]
                raise InputError(f"Column '{name}' holds text such as {example!r}, and the model wants numbers.")
            parts.append(frame[name].to_numpy(np.float32)[:, None])
        return np.concatenate(parts, axis=1)

    def count_unseen(self, frame: pd.DataFrame) -> dict[str, int]:
        """Number of cells with a level that was not trained on, by column; columns without one are left out."""
        frame = frame.rename(columns=str)
        counts = {
            name: int((~_as_text(name, frame[name]).isin(levels)).sum())
            for name, levels in self.levels.items()
            if name in frame.columns
        }
        return {name: count for name, count in counts.items() if count}

    def _indicators(self, name: str, column: pd.Series) -> np.ndarray:
        levels = self.levels[name]
        cells = _as_text(name, column)
        unseen = sorted(set(cells) - set(levels))
        if unseen and self.unknown == "error":
            raise InputError(
                f"Column '{name}' holds {unseen[0]!r}, which the model was not trained on. Known are "
                f"{', '.join(levels[:8])}{' ...' if len(levels) > 8 else ''}."
            )
        return indicators(cells.tolist(), levels, self.coding, self.unknown)

    def to_json(self) -> dict[str, Any]:
        """A description that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> TableEncoding:
        """Reads what `to_json` gave; before there was dummy coding, it named neither coding nor unknown."""
        return cls(
            tuple(described["columns"]),
            {name: tuple(given) for name, given in described["levels"].items()},
            described.get("coding", "one_hot"),
            described.get("unknown", "error"),
        )


def _is_number(column: pd.Series) -> bool:
    # Numbers and booleans are numeric to pandas, unless they stand in a column of Python objects.
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.infer_dtype(column, skipna=False) in _NUMBERS


def _as_text(name: str, column: pd.Series) -> pd.Series:
    missing = column.isna().to_numpy()
    if missing.any():
        raise InputError(
            f"Column '{name}' has {int(missing.sum())} missing cells, the first in data row {missing.argmax() + 1}. "
            "Fill them in or drop those rows."
        )
    return column.astype(str)


def _levels(name: str, column: pd.Series) -> tuple[str, ...]:
    """The levels of a text column, in their order."""
    cells = _as_text(name, column)
    found = sorted(cells.unique())
    if len(found) > MANY_LEVELS:
        _check_levels(name, cells, len(found))
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(found)
    levels = tuple(map(str, column.cat.categories))
    if len(set(levels)) < len(levels):
        raise InputError(f"Two categories of column '{name}' read alike as text. Rename one of {', '.join(levels)}.")
    return levels


def _check_levels(name: str, column: pd.Series, levels: int) -> None:
    """Refuses what one 0/1 column a level would learn by heart."""
    check_mixed(name, column)
    if levels > len(column) / 2:
        raise InputError(
            f"Column '{name}' holds {levels} different texts in {len(column)} rows, such as {column.iloc[0]!r}, which "
            "says nothing of new rows. Drop the column, or turn it into numbers or groups."
        )


def check_mixed(name: str, cells: pd.Series) -> None:
    """Refuses text in a column where more than half of the cells read as numbers.

    Args:
        name: of the column.
        cells: text `(row,)`; missing cells count as neither.

    Raises:
        InputError: names the first such text and its row.
    """
    text = (pd.to_numeric(cells, errors="coerce").isna() & cells.notna()).to_numpy()
    if 0 < text.sum() < cells.notna().sum() / 2:
        row = int(np.flatnonzero(text)[0])
        raise InputError(
            f"Column '{name}' holds the text {cells.iloc[row]!r} in data row {row + 1}, and the model wants numbers "
            f"there as in most rows. Mend the {int(text.sum())} cells that hold text, or drop those rows."
        )


def encode_classes(labels: np.ndarray, order: Sequence[Any] | None = None) -> tuple[np.ndarray, list[Any]]:
    """Labels as numbers from 0, and the label of each number.

    Args:
        labels: `(row,)`, none missing.
        order: all labels in the order of their numbers; by default they are sorted. A label without a row gets no
            number, for a model can't learn a class that it never sees.

    Returns:
        int32 `(row,)`, and the labels.
    """
    if order is None:
        classes, codes = np.unique(labels, return_inverse=True)
        return codes.astype(np.int32).reshape(-1), classes.tolist()
    found = set(labels.tolist())
    names = [label for label in order if label in found]
    return pd.Categorical(labels, categories=names).codes.astype(np.int32), names
