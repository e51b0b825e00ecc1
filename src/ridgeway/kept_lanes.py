"""Kept lanes, put back into the program that they were trained in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ridgeway.engine.binding import bind
from ridgeway.engine.state import Weights, read_state
from ridgeway.engine.step import Batch, EpochProgram, Lane
from ridgeway.hyperparameters import is_built

if TYPE_CHECKING:
    from ridgeway.path import Path


class KeptLanes:
    """The lanes of one structure, which one compiled program evaluates or predicts by.

    Attributes:
        program: that of one lane.
        state: a state of the model's variables, into which a lane's weights fit.
    """

    def __init__(self, path: Path, model: keras.Model, batch: Batch | None, size: int = 1, rows: int = 1) -> None:
        """Binds the path's hyperparameters to the model.

        Args:
            path: the path.
            model: the model in the lanes' structure.
            batch: `(x, y, sample_weight)` of which shapes are read; None where the model is built and will predict.
            size: rows of a batch.
            rows: rows to evaluate on.
        """
        table = path.table()
        self._path, self._model = path, model
        self._names = [name for name in path.hyperparameters if not is_built(name)]
        values = {name: table[name].tolist() for name in self._names}
        bound = bind(model, values, path.record["decay"], int(path.record["seed"]), batch)
        self.program = EpochProgram(model, bound, size, size, (rows,), (rows,))
        self.state = read_state(model)

    def __getitem__(self, lane: int) -> tuple[Weights, Lane]:
        """A lane's weights in the program's order, and its values."""
        model, row = self._model, self._path.lane(lane)
        stored = self._path.lane_weights(lane).values()
        by_variable: dict[int, Any] = {
            id(variable): value for variable, value in zip(model.weights, stored, strict=True)
        }
        trainable, non_trainable = (
            [by_variable.get(id(variable), value) for variable, value in zip(variables, values_now, strict=True)]
            for variables, values_now in (
                (model.trainable_variables, self.state.trainable),
                (model.non_trainable_variables, self.state.non_trainable),
            )
        )
        numbers = {name: np.float32(row[name]) for name in self._names}
        return (trainable, non_trainable), Lane(numbers, np.uint32(0), np.int32(0))
