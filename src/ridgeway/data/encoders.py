"""Text columns and class labels as numbers, described so that `predict` does the same without unpickling."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError

# A text column with more levels than this is looked at for being something else.
_MANY_LEVELS = 50


@dataclass(frozen=True)
class TableEncoding:
    """How a table's columns become the columns of x.

    Attributes:
        columns: feature columns in order.
        levels: for each text column its levels; such a column becomes one 0/1 column a level.
    """

    columns: tuple[str, ...]
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> TableEncoding:
        """Learns which columns are text, and their levels.

        Raises:
            InputError: a column of numbers has text in between, or almost every row has a text of its own.
        """
        levels = {
            str(name): tuple(sorted(frame[name].astype(str).unique()))
            for name in frame.columns
            if not pd.api.types.is_numeric_dtype(frame[name])
        }
        for name, known in levels.items():
            if len(known) > _MANY_LEVELS:
                _check_levels(name, frame.rename(columns=str)[name].astype(str), len(known))
        return cls(tuple(map(str, frame.columns)), levels)

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """float32 `(row, feature)`.

        Raises:
            InputError: a column is missing, has text where numbers were, or a level that was not trained on.
        """
        frame = frame.rename(columns=str)
        parts = []
        for name in self.columns:
            if name not in frame.columns:
                raise InputError(f"The data has no column '{name}', which the model was trained on. Add it.")
            if name in self.levels:
                parts.append(self._indicators(name, frame[name].astype(str)))
                continue
            if not pd.api.types.is_numeric_dtype(frame[name]):
                example = frame[name].iloc[0]
                raise InputError(f"Column '{name}' holds text such as {example!r}, and the model wants numbers.")
            parts.append(frame[name].to_numpy(np.float32)[:, None])
        return np.concatenate(parts, axis=1)

    def _indicators(self, name: str, column: pd.Series) -> np.ndarray:
        levels = self.levels[name]
        unknown = sorted(set(column) - set(levels))
        if unknown:
            raise InputError(
                f"Column '{name}' holds {unknown[0]!r}, which the model was not trained on. Known are "
                f"{', '.join(levels[:8])}{' ...' if len(levels) > 8 else ''}."
            )
        return (column.to_numpy()[:, None] == np.array(levels)[None, :]).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """A description that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> TableEncoding:
        """Reads what `to_json` gave."""
        return cls(tuple(described["columns"]), {name: tuple(given) for name, given in described["levels"].items()})


def _check_levels(name: str, column: pd.Series, levels: int) -> None:
    """Refuses what one 0/1 column a level would learn by heart."""
    text = pd.to_numeric(column, errors="coerce").isna().to_numpy()
    if 0 < text.mean() < 0.5:
        row = int(np.flatnonzero(text)[0])
        raise InputError(
            f"Column '{name}' holds the text {column.iloc[row]!r} in data row {row + 1}, and the model wants numbers "
            f"there as in most rows. Mend the {int(text.sum())} cells that hold text, or drop those rows."
        )
    if levels > len(column) / 2:
        raise InputError(
            f"Column '{name}' holds {levels} different texts in {len(column)} rows, such as {column.iloc[0]!r}, which "
            "says nothing of new rows. Drop the column, or turn it into numbers or groups."
        )


def encode_classes(labels: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Labels as numbers from 0, and the label of each number, sorted."""
    classes, codes = np.unique(labels, return_inverse=True)
    return codes.astype(np.int32).reshape(-1), classes.tolist()
