"""All lanes of a path on other data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd

from ridgeway.data import Dataset, check_dataset
from ridgeway.engine.arrays import as_arrays
from ridgeway.engine.binding import bind
from ridgeway.engine.state import read_state
from ridgeway.engine.step import EpochProgram, Lane, scalars

if TYPE_CHECKING:
    from ridgeway.path import Path


def evaluate_lanes(
    path: Path, model: keras.Model, x: Any, y: Any, sample_weight: Any, batch_size: int | None
) -> pd.DataFrame:
    """See `Path.evaluate`."""
    dataset = as_arrays(Dataset(x, y, sample_weight))
    check_dataset(dataset)
    data = (dataset.x, dataset.y, dataset.sample_weight)
    size = batch_size or int(path.record["batch_size"])
    first = jax.tree.map(lambda array: array[:1], data)
    table = path.table()
    values = {name: table[name].tolist() for name in path.hyperparameters}
    bound = bind(model, values, path.record["decay"], int(path.record["seed"]), first)
    program = EpochProgram(model, bound, size, size, dataset.rows, dataset.rows)
    state = read_state(model)
    evaluate = jax.jit(
        lambda weights, lane, arrays: scalars(
            program.evaluate(
                state._replace(trainable=weights[0], non_trainable=weights[1]),
                lane,
                arrays,
                dataset.rows,
                size,
                jnp.int32(dataset.rows // size),
            )[0]
        )
    )
    arrays = jax.device_put(data)
    rows = []
    for _, row in table[table["best_epoch"].notna()].iterrows():
        number = int(row["lane"])
        stored = iter(path.lane_weights(number).values())
        by_variable = {id(variable): value for variable, value in zip(model.weights, stored, strict=True)}
        weights = tuple(
            [by_variable.get(id(variable), value) for variable, value in zip(variables, values_now, strict=True)]
            for variables, values_now in (
                (model.trainable_variables, state.trainable),
                (model.non_trainable_variables, state.non_trainable),
            )
        )
        lane = Lane({name: np.float32(row[name]) for name in path.hyperparameters}, np.uint32(0), np.int32(0))
        logs = evaluate(weights, lane, arrays)
        own = {name: row[name] for name in path.hyperparameters}
        rows.append({"lane": number, **own, **{name: float(value) for name, value in logs.items()}})
    return pd.DataFrame(rows)
