"""Tables as what a network takes: a scikit-learn transformer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from ridgeway.errors import InputError
from ridgeway.tables.categories import CategoryColumn
from ridgeway.tables.cells import kind_of, plain, reads_as_numbers
from ridgeway.tables.columns import BooleanColumn, LeftOut, NumberColumn
from ridgeway.tables.dates import DateColumn
from ridgeway.tables.description import Column, describe, read_columns, read_description


class TablePreparation(TransformerMixin, BaseEstimator):
    """Columns of all kinds as float32 numbers and indicators, as `PathClassifier` and `PathRegressor` need them.

    Takes arrays, lists, pandas and polars DataFrames. Each column becomes, by what it holds in `fit`:

    - numbers: one column, scaled robustly and clipped smoothly into (-3, 3) (see `RobustScaling`); missing ones are 0,
      the median;
    - durations: the same, of their days;
    - dates and times: the same, of their days, and sine and cosine of the time of the year, the week and the day;
    - booleans: 0 and 1;
    - text and Categoricals: one 0/1 column a level, at most 100 of them, the last for the rarest together; one column
      for two levels. A missing cell is a level where there was one in `fit`; other levels that were not there are
      zeros, or infrequent.

    Columns other than text have an indicator `NAME_missing` where cells were missing in `fit`. Constant columns are
    left out, and, with a warning, text that differs in almost every row. NumPy makes text of all numbers in a list that
    also holds text, so columns of an array of text that read as numbers are numbers.

    Attributes:
        n_features_in_: number of columns in `fit`.
        feature_names_in_: their names, `(column,)`; only where all were text.
        n_numbers_: number of outputs that are scaled numbers. They come first; all others are 0 or 1.
        columns_: how each column is prepared, in plain lists, dicts, numbers and text, without arrays or objects.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> TablePreparation:
        """Learns from a table.

        Args:
            X: `(row, column)`; its columns as above.
            y: not read.

        Raises:
            InputError: a column has text among numbers, infinite or complex numbers, or no column varies.
            ValueError: scikit-learn's, of what is no table.
        """
        columns, of_text = self._columns(X, reset=True)
        fitted = tuple(_fit(name, column, of_text) for name, column in zip(_names_in(self), columns, strict=True))
        if not any(column.numbers or column.indicators for column in fitted):
            rows = len(columns[0])
            raise InputError(
                f"No column of X tells its rows apart: of {rows} sample{'s' if rows > 1 else ''} each column is "
                "constant or left out. Add rows or columns."
            )
        self._set(fitted)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 `(row, feature)`, all finite.

        Args:
            X: `(row, column)`, the columns of `fit` in their order.

        Raises:
            InputError: a column holds another kind of value than in `fit`, or an infinite number.
            ValueError: scikit-learn's, of columns that are missing, more, or in another order, and of what is no table.
        """
        check_is_fitted(self)
        columns, _ = self._columns(X, reset=False)
        prepared = read_columns(self.columns_)
        features = sum(len(column.numbers) + len(column.indicators) for column in prepared)
        out = np.empty((len(columns[0]), features), np.float32)
        number, indicator = 0, self.n_numbers_
        for name, column, how in zip(_names_in(self), columns, prepared, strict=True):
            numbers = out[:, number : number + len(how.numbers)]
            indicators = out[:, indicator : indicator + len(how.indicators)]
            how.write(name, column, numbers, indicators)
            number += numbers.shape[1]
            indicator += indicators.shape[1]
        return out

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the outputs: `NAME`, `NAME_days`, `NAME_year_sin`, `NAME_LEVEL`, `NAME_missing` and so on.

        Args:
            input_features: names of the columns; by default those in `fit`, or x0, x1, and so on.

        Returns:
            Text `(feature,)`. Of names that would be alike, later ones get a number.
        """
        check_is_fitted(self)
        # scikit-learn's own check of input_features, without its private function.
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        prepared = list(zip(names, read_columns(self.columns_), strict=True))
        numbers = [f"{name}{ending}" for name, how in prepared for ending in how.numbers]
        indicators = [f"{name}{ending}" for name, how in prepared for ending in how.indicators]
        return np.array(_distinct(numbers + indicators), object)

    def sources(self) -> np.ndarray:
        """The place of the column that each output comes from, int64 `(feature,)`."""
        check_is_fitted(self)
        prepared = list(enumerate(read_columns(self.columns_)))
        numbers = [place for place, how in prepared for _ in how.numbers]
        return np.array(numbers + [place for place, how in prepared for _ in how.indicators], np.int64)

    def to_json(self) -> dict[str, Any]:
        """A description for JSON that `from_json` reads back."""
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        return {"names": None if names is None else names.tolist(), "columns": copy.deepcopy(self.columns_)}

    @classmethod
    def from_json(cls, described: Any) -> TablePreparation:
        """Reads what `to_json` gave.

        Raises:
            InputError: it is something else.
        """
        read = read_description(described)
        preparation = cls()
        if read.names is not None:
            preparation.feature_names_in_ = np.array(read.names, object)
        preparation.n_features_in_ = len(read.columns)
        preparation._set(read.columns)
        return preparation

    def _set(self, columns: tuple[Column, ...]) -> None:
        self.columns_ = describe(columns)
        self.n_numbers_ = sum(len(column.numbers) for column in columns)

    def _columns(self, X: Any, reset: bool) -> tuple[list[pd.Series], bool]:
        """The columns, and whether they come from an array of text."""
        check_collected(X)
        if not isinstance(X, pd.DataFrame) and hasattr(X, "to_pandas"):
            X = X.to_pandas()
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            # scikit-learn's check of the shape, on a stand-in: an array of X would lose the types of its columns.
            check_array(np.broadcast_to(np.float32(0), X.shape), ensure_all_finite=False, estimator=self)
            return [plain(X.iloc[:, place]) for place in range(X.shape[1])], False
        X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        return [pd.Series(X[:, place]) for place in range(X.shape[1])], X.dtype.kind == "U"


def check_collected(X: Any) -> None:
    """Refuses a table that is yet to be computed.

    Raises:
        InputError: a polars LazyFrame.
    """
    if hasattr(X, "collect") and not hasattr(X, "to_pandas"):
        raise InputError(f"X is a {type(X).__name__}, which holds no rows yet. Pass X.collect().")


def _fit(name: str, column: pd.Series, of_text: bool) -> Column:
    kind = "number" if of_text and reads_as_numbers(column) else kind_of(name, column)
    if kind == "number" or kind == "duration":
        return NumberColumn.fit(name, column, kind)
    if kind == "boolean":
        return BooleanColumn.fit(name, column)
    if kind == "date":
        return DateColumn.fit(name, column)
    return CategoryColumn.fit(name, column) if kind == "category" else LeftOut()


def _names_in(preparation: TablePreparation) -> Sequence[str]:
    """Names of the columns for messages, scikit-learn's where they have none."""
    return OneToOneFeatureMixin.get_feature_names_out(preparation)


def _distinct(names: list[str]) -> list[str]:
    """The names, with a number at the end of those that stood there before: a level may be called "missing"."""
    taken: set[str] = set()
    for place, name in enumerate(names):
        number = 2
        while names[place] in taken:
            names[place] = f"{name}_{number}"
            number += 1
        taken.add(names[place])
    return names
