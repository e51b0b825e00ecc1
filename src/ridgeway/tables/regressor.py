"""`PathRegressor`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length

from ridgeway.errors import InputError
from ridgeway.tables.base import PathEstimator
from ridgeway.tables.scaling import with_scaled_output
from ridgeway.tables.weights import checked_weights


class PathRegressor(RegressorMixin, PathEstimator):
    """Predicts numbers for the rows of a table by the best of many regularized networks, or several together."""

    _task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PathRegressor:
        """Trains."""
        table = self._table(X, reset=True)
        values = self._checked_values(y)
        check_consistent_length(table, values)
        if len(values) < 2:
            raise InputError("X has n_samples=1 row, and two are the least to learn from. Pass more rows.")
        weights = checked_weights(self, table, sample_weight)
        columns = values.reshape(len(values), -1)
        mean = np.average(columns, axis=0, weights=weights if weights is not None and weights.any() else None)
        spread = np.sqrt(
            np.average(
                (columns - mean) ** 2, axis=0, weights=weights if weights is not None and weights.any() else None
            )
        )
        spread[spread <= 1e-12 * np.abs(mean)] = 1.0
        self._mean, self._spread, self._flat = mean, spread, values.ndim == 1
        evidence = self._search(table, ((columns - mean) / spread).astype(np.float32), weights, columns.shape[1])
        self.model_ = with_scaled_output(evidence.members.model(), spread, mean, "target_units")
        self._evidence = evidence
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The value of each row, float64 `(row,)`, or `(row, target)` where y had columns."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _checked_values(self, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", ensure_min_samples=0)

    def _labels(self, model: keras.Model, labels: np.ndarray, outputs: int) -> np.ndarray:
        return labels

    def _notes(self) -> dict[str, Any]:
        return {"task": self._task, "target_mean": self._mean.tolist(), "target_spread": self._spread.tolist()}

    def _score(self, labels: np.ndarray, means: np.ndarray, weights: np.ndarray | None) -> float:
        return float(r2_score(labels, means, sample_weight=weights))
