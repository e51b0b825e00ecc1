"""A path's metric, measured on outputs that are at hand."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from ridgeway.data import Dataset
from ridgeway.engine.step import COMPARED, Logs, scalars
from ridgeway.errors import InputError
from ridgeway.keras_internals import StatelessScope, build, row_losses


class Judge:
    """Measures outputs against labels, compiled once.

    Args:
        model: compiled model, whose loss and metrics are meant; built here where it is not.
        metric: a log's name with or without "val_"; "val_nll" and "val_data_loss" are the mean loss of a row.
        dataset: the rows that the outputs are for.
    """

    def __init__(self, model: keras.Model, metric: str, dataset: Dataset) -> None:
        build(model, jax.tree.map(lambda array: array[:1], (dataset.x, dataset.y, dataset.sample_weight)))
        model.reset_metrics()
        self._model = model
        self._metric = metric.removeprefix("val_")
        self._labels = jax.device_put((dataset.y, dataset.sample_weight))
        self._by_rows = metric in COMPARED or metric == "loss"
        self._start = [np.array(variable.value) for variable in model.metrics_variables]
        self._losses, self._score = jax.jit(self._of_rows), jax.jit(self.score)
        self._each = jax.jit(lambda outputs, draws: jax.lax.map(lambda rows: self._on(outputs, rows), draws))
        self._drawn = jax.jit(self._on)

    def losses(self, outputs: Any) -> np.ndarray | None:
        """The loss of each row, float64 `(row,)`, where the metric is their mean; None where it is another."""
        found = self._losses(outputs) if self._by_rows else None
        return None if found is None else np.asarray(found, np.float64)

    def __call__(self, outputs: Any, rows: np.ndarray | None = None) -> float:
        """The metric, on all rows or on a draw of them.

        Raises:
            InputError: it is none of the model's metrics.
        """
        return float(self._score(outputs) if rows is None else self._drawn(outputs, rows))

    def drawn(self, outputs: Any, draws: np.ndarray) -> np.ndarray:
        """The metric on each of several draws of rows, int `(draw, row)`; float64 `(draw,)`."""
        return np.asarray(self._each(outputs, draws), np.float64)

    def score(self, outputs: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """The metric as a scalar, to be traced; on the dataset's labels unless others are passed."""
        if y is None:
            y, sample_weight = self._labels
        losses = self._of_rows(outputs, y, sample_weight)
        if losses is not None:
            return losses.mean()
        variables = self._model.metrics_variables
        with StatelessScope(state_mapping=list(zip(variables, self._start, strict=True))):
            logs: Logs = scalars(self._model.compute_metrics(None, y, outputs, sample_weight))
        if self._metric not in logs:
            raise InputError(
                f"{self._metric!r} can't be measured on predictions: it is none of the model's metrics "
                f"({', '.join(logs)}). Evaluate the model by path.evaluate."
            )
        return logs[self._metric]

    def _on(self, outputs: Any, rows: Any) -> Any:
        return self.score(*_taken((outputs, *self._labels), rows))

    def _of_rows(self, outputs: Any, y: Any = None, sample_weight: Any = None) -> Any | None:
        if not self._by_rows:
            return None
        if y is None:
            y, sample_weight = self._labels
        return row_losses(self._model, y, outputs, sample_weight)


def _taken(structure: Any, rows: Any) -> Any:
    return jax.tree.map(lambda array: array[rows], structure)
