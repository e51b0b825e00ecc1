"""All lanes of a path on other data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
import pandas as pd

from ridgeway.data import Dataset, check_dataset
from ridgeway.engine.labels import check_fit, check_model_labels
from ridgeway.kept_lanes import KeptLanes
from ridgeway.streaming import at_hand

if TYPE_CHECKING:
    from ridgeway.path import Path


def evaluate_lanes(path: Path, x: Any, y: Any, sample_weight: Any, batch_size: int | None) -> pd.DataFrame:
    """See `Path.evaluate`."""
    table = path.table()
    dataset = at_hand(Dataset(x, y, sample_weight), path.structure(int(table["lane"].iloc[0])))
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
        rows.append({"lane": number, **own, **evaluators[id(model)](number)})
    return pd.DataFrame(rows)


class _Evaluator:
    """Evaluates lanes of one structure, compiled once."""

    def __init__(self, path: Path, model: keras.Model, dataset: Dataset, size: int) -> None:
        data = (dataset.x, dataset.y, dataset.sample_weight)
        self._lanes = KeptLanes(path, model, jax.tree.map(lambda array: array[:1], data), size, dataset.rows)
        self._arrays = jax.device_put(data)
        program, state = self._lanes.program, self._lanes.state

        def evaluate(weights: Any, lane: Any, arrays: Any) -> dict[str, jax.Array]:
            own = state._replace(trainable=weights[0], non_trainable=weights[1])
            logs = program.evaluate(own, lane, arrays, jnp.int32(dataset.rows // size))[0]
            return {name: value for name, value in logs.items() if not value.shape}

        self._evaluate = jax.jit(evaluate)

    def __call__(self, lane: int) -> dict[str, float]:
        logs = self._evaluate(*self._lanes[lane], self._arrays)
        return {name: float(value) for name, value in logs.items()}
