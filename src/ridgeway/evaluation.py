"""All lanes of a path on other data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd

from ridgeway.data import Dataset, check_dataset
from ridgeway.engine.arrays import as_arrays
from ridgeway.engine.binding import bind
from ridgeway.engine.labels import check_fit, check_model_labels
from ridgeway.engine.state import read_state
from ridgeway.engine.step import EpochProgram, Lane
from ridgeway.hyperparameters import is_choice

if TYPE_CHECKING:
    from ridgeway.path import Path


def evaluate_lanes(path: Path, x: Any, y: Any, sample_weight: Any, batch_size: int | None) -> pd.DataFrame:
    """See `Path.evaluate`."""
    table = path.table()
    dataset = as_arrays(Dataset(x, y, sample_weight), path.structure(int(table["lane"].iloc[0])))
    check_dataset(dataset)
    first = (dataset.x, dataset.y, dataset.sample_weight)
    check_fit(path.structure(int(table["lane"].iloc[0])), jax.tree.map(lambda array: array[:1], first))
    size = batch_size or int(path.record["batch_size"])
    kept = table[table["best_epoch"].notna()]
    check_model_labels(path.structure(int(table["lane"].iloc[0])), dataset)
    evaluators: dict[int, _Evaluator] = {}
    rows = []
    for _, row in kept.iterrows():
        number = int(row["lane"])
        model = path.structure(number)
        if id(model) not in evaluators:
            evaluators[id(model)] = _Evaluator(path, model, dataset, size)
        own = {name: row[name] for name in path.hyperparameters}
        rows.append({"lane": number, **own, **evaluators[id(model)](path.lane_weights(number), own)})
    return pd.DataFrame(rows)


class _Evaluator:
    """Evaluates lanes of one structure, compiled once."""

    def __init__(self, path: Path, model: keras.Model, dataset: Dataset, size: int) -> None:
        data = (dataset.x, dataset.y, dataset.sample_weight)
        table = path.table()
        self._names = [name for name in path.hyperparameters if not is_choice(name)]
        values = {name: table[name].tolist() for name in self._names}
        first = jax.tree.map(lambda array: array[:1], data)
        bound = bind(model, values, path.record["decay"], int(path.record["seed"]), first)
        program = EpochProgram(model, bound, size, size, (dataset.rows,), (dataset.rows,))
        self._model, self._state, self._arrays = model, read_state(model), jax.device_put(data)

        def evaluate(weights: Any, lane: Lane, arrays: Any) -> dict[str, jax.Array]:
            state = self._state._replace(trainable=weights[0], non_trainable=weights[1])
            batches = jnp.int32(dataset.rows // size)
            logs = program.evaluate(state, lane, arrays, batches)[0]
            return {name: value for name, value in logs.items() if not value.shape}

        self._evaluate = jax.jit(evaluate)

    def __call__(self, weights: Mapping[str, np.ndarray], configuration: Mapping[str, Any]) -> dict[str, float]:
        model, state = self._model, self._state
        by_variable = {id(variable): value for variable, value in zip(model.weights, weights.values(), strict=True)}
        placed = tuple(
            [by_variable.get(id(variable), value) for variable, value in zip(variables, values_now, strict=True)]
            for variables, values_now in (
                (model.trainable_variables, state.trainable),
                (model.non_trainable_variables, state.non_trainable),
            )
        )
        numbers = {name: np.float32(configuration[name]) for name in self._names}
        logs = self._evaluate(placed, Lane(numbers, np.uint32(0), np.int32(0)), self._arrays)
        return {name: float(value) for name, value in logs.items()}
