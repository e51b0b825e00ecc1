"""Tables of lanes whose effects are known."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

Lanes = tuple[pd.DataFrame, dict[str, Any]]
Score = Callable[[dict[str, Any], int, int], float]


def record_of(values: Mapping[str, Sequence[Any]], mode: str = "min", metric: str = "val_nll") -> dict[str, Any]:
    about = {name: {"values": list(given), "order": list(given), "regularizes": True} for name, given in values.items()}
    return {"hyperparameters": about, "metric": metric, "mode": mode}


def grid_of(
    values: Mapping[str, Sequence[Any]],
    score: Score,
    repeats: int = 3,
    folds: int = 1,
    mode: str = "min",
    metric: str = "val_nll",
) -> Lanes:
    """A lane for every combination, repeat and fold; `score` gets the configuration, the repeat and the fold."""
    rows = []
    for point, repeat, fold in itertools.product(itertools.product(*values.values()), range(repeats), range(folds)):
        configuration = dict(zip(values, point, strict=True))
        lane = {"lane": len(rows), **configuration, "repeat": repeat, "fold": fold, "stopped": "completed"}
        rows.append({**lane, metric: score(configuration, repeat, fold)})
    return pd.DataFrame(rows), record_of(values, mode, metric)


@pytest.fixture(scope="session")
def grid() -> Callable[..., Lanes]:
    """The function `grid_of`."""
    return grid_of


@pytest.fixture(scope="session")
def record() -> Callable[..., dict[str, Any]]:
    """The function `record_of`."""
    return record_of


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
