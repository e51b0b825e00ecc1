"""Predictions of many lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import keras
import numpy as np

from ridgeway.data import Dataset, is_streamed, leaves
from ridgeway.engine.arrays import as_arrays
from ridgeway.errors import InputError
from ridgeway.kept_lanes import KeptLanes
from ridgeway.streaming import inputs_in_pieces

if TYPE_CHECKING:
    from ridgeway.path import Path


class Predictor:
    """Predicts by the lanes of a path, each structure compiled once for each number of rows.

    Args:
        path: the path.
        batch_size: rows computed at a time; 256, or the run's own where that is more.
    """

    def __init__(self, path: Path, batch_size: int | None = None) -> None:
        self._path = path
        self.size = batch_size or max(256, int(path.record["batch_size"]))
        self._known: dict[int, tuple[KeptLanes, Any]] = {}

    def __call__(self, lane: int, x: Any) -> Any:
        """A lane's outputs `(row, ...)`, in the structure of the model's; `x` are arrays."""
        model = self._path.structure(lane)
        if id(model) not in self._known:
            if not model.built:
                model(jax.tree.map(lambda array: array[:1], x))
            lanes = KeptLanes(self._path, model, None)
            program = lanes.program

            def predict(weights: Any, values: Any, x: Any) -> Any:
                size = min(self.size, jax.tree.leaves(x)[0].shape[0])
                return program.predict(weights, values, x, size)

            self._known[id(model)] = lanes, jax.jit(predict)
        lanes, compiled = self._known[id(model)]
        return keras.tree.map_structure(np.asarray, compiled(*lanes[lane], x))


def predict_lanes(path: Path, x: Any, lanes: Sequence[int] | None, batch_size: int | None, label: str | None) -> Any:
    """See `Path.predict`."""
    table = path.table()
    if lanes is None:
        lanes = table.loc[table["best_epoch"].notna(), "lane"].tolist()
    wanted = np.atleast_1d(np.asarray(lanes, dtype=object)).tolist()
    if not wanted:
        raise InputError("lanes names no lane. Pass at least one number, or None for all that kept an epoch.")
    predictor = Predictor(path, batch_size)
    if is_streamed(x):
        found = [_predicted(predictor, wanted, piece) for piece in inputs_in_pieces(x, label, predictor.size)]
        return keras.tree.map_structure(lambda *each: np.concatenate(each, axis=1), *found)
    x = as_arrays(Dataset(x, None), path.structure(int(wanted[0]))).x
    shapes = {where: np.shape(array)[:1] for where, array in leaves(x)}
    if len(set(shapes.values())) != 1 or (0,) in shapes.values():
        raise InputError(f"x has no equal numbers of rows, from 1: {sorted(set(shapes.values()))}. Pass whole rows.")
    return _predicted(predictor, wanted, x)


def _predicted(predictor: Predictor, lanes: Sequence[int], x: Any) -> Any:
    x = jax.device_put(x)
    return keras.tree.map_structure(lambda *each: np.stack(each), *[predictor(int(lane), x) for lane in lanes])
