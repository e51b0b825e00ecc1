"""Small tables of lanes."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

Lanes = tuple[pd.DataFrame, dict[str, Any]]


def lanes(
    values: Mapping[str, Sequence[Any]],
    scores: Sequence[Sequence[float]],
    *,
    metric: str = "val_data_loss",
    mode: str = "min",
    row_se: float | None = None,
    norms: Sequence[float] | None = None,
    diverged: Sequence[int] = (),
    base: Mapping[str, Any] | None = None,
    validation_rows: int | None = 100,
) -> Lanes:
    """A table and a record; `scores` holds one list a configuration of the grid, one number a repeat."""
    rows: list[dict[str, Any]] = []
    for number, configuration in enumerate(itertools.product(*values.values())):
        for repeat, score in enumerate(scores[number]):
            lane = len(rows)
            rows.append(
                {
                    "lane": lane,
                    **dict(zip(values, configuration, strict=True)),
                    "repeat": repeat,
                    "fold": 0,
                    "stopped": "diverged" if lane in diverged else "completed",
                    metric: score,
                    "weight_norm": 1.0 if norms is None else norms[number],
                    "zero_share": 0.0,
                }
            )
            if row_se is not None:
                rows[-1][f"{metric}_se"] = row_se
    record = {
        "hyperparameters": {
            name: {
                "values": [*given] if isinstance(given[0], str) else sorted(given),
                "regularizes": not (name in ("learning_rate", "momentum") or isinstance(given[0], str)),
                "base": (base or {}).get(name),
            }
            for name, given in values.items()
        },
        "metric": metric,
        "mode": mode,
        "decay": "kernels",
        "data": {"validation_rows": validation_rows},
    }
    return pd.DataFrame(rows), record


@pytest.fixture(scope="session")
def make() -> Callable[..., Lanes]:
    """The function `lanes`."""
    return lanes


def random_lanes(seed: int, sizes: Sequence[int], repeats: int, **settings: Any) -> Lanes:
    """A grid of these sizes with normal scores, for properties that hold for all tables."""
    rng = np.random.default_rng(seed)
    names = ["weight_decay", "dropout", "learning_rate"]
    values = {name: np.sort(rng.random(size)).tolist() for name, size in zip(names, sizes, strict=False)}
    count = math.prod(sizes)
    scores = (1 + 0.1 * rng.standard_normal((count, repeats))).tolist()
    return lanes(values, scores, norms=rng.random(count).tolist(), **settings)


@pytest.fixture(scope="session")
def random_table() -> Callable[..., Lanes]:
    """The function `random_lanes`."""
    return random_lanes
