"""How much of the differences between configurations each hyperparameter explains."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.effects.design import Design, design
from ridgeway.effects.direction import checked_metric
from ridgeway.errors import InputError

# A forest of fewer points says nothing.
_LEAST = 4
# Optuna's fANOVA takes some 5 s for so many, and four times as long for twice as many.
_MOST = 500


def importance(
    table: pd.DataFrame,
    record: Mapping[str, Any],
    metric: str | None = None,
    seed: int = 0,
    history: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Decompose the metric's variance over the family, by Optuna's fANOVA.

    A random forest learns the mean metric of a configuration from its values; the variance of its marginal over one
    hyperparameter, as a share of its whole variance, is that one's importance (Hutter, Hoos & Leyton-Brown 2014, "An
    Efficient Approach for Assessing Hyperparameter Importance"). What is missing to 1 is interactions, and noise that
    the forest learned. Values enter by their rank: trees split the same way, and the marginals are then taken over the
    configurations as the family drew them, logarithmic ranges and shares of 0 included. Of more than 500 configurations
    it takes 500 at random: the forest's time grows with the square of their number.

    Where halving cut lanes, all are judged as they stood at the end of the first rung, which all of them reached: those
    that went on are few, alike, and were trained longer.

    Args:
        table: a row a lane (`Path.table()`).
        record: the path's record.
        metric: a column of the table; the record's own by default.
        seed: of the forest, and of which configurations it takes.
        history: a row a lane and epoch (`Path.history()`); needed where halving cut lanes.

    Returns:
        A row a hyperparameter, most important first: `hyperparameter`, `importance` (0 to 1). One with a single value
        has 0, and so have all where the metric is the same everywhere.

    Raises:
        InputError: no such metric, one that halving left no history of, or fewer than 4 configurations with a finite
            one.
    """
    name = checked_metric(table, record, metric)
    rung = judged_at(table, record)
    if rung is not None:
        table = _at(rung, table, history, name)
    lanes = design(table, record, name)
    codes, means = _configurations(lanes)
    if len(codes) < _LEAST:
        when = f" at epoch {rung}" if rung else ""
        raise InputError(
            f"{len(codes)} configurations have a finite {name}{when}; importance needs {_LEAST} at least, and some "
            "dozens to be worth reading. Train more."
        )
    if len(codes) > _MOST:
        taken = np.sort(np.random.default_rng(seed).choice(len(codes), _MOST, replace=False))
        codes, means = codes[taken], means[taken]
    shares = dict.fromkeys(lanes.names, 0.0)
    varied = {n: codes[:, place] for place, n in enumerate(lanes.names) if len(np.unique(codes[:, place])) > 1}
    if np.ptp(means) > 0:
        shares |= _shares({n: _coordinates(lanes, n, column, means) for n, column in varied.items()}, means, seed)
    frame = pd.DataFrame({"hyperparameter": list(shares), "importance": list(shares.values())})
    return frame.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def judged_at(table: pd.DataFrame, record: Mapping[str, Any]) -> int | None:
    """The epoch, from 1, at which all configurations are compared: the end of the first rung; None without a cut."""
    rungs = (record.get("halving") or {}).get("rungs") or ()
    cut = "stopped" in table and bool((table["stopped"] == "halved").any())
    return int(rungs[0]) if rungs and cut else None


def _at(epoch: int, table: pd.DataFrame, history: pd.DataFrame | None, metric: str) -> pd.DataFrame:
    """The table with the metric as it stood then, NaN for lanes that time did not let come so far.

    A lane that ended earlier by itself counts with its last epoch.
    """
    if history is None or metric not in history:
        raise InputError(
            f"Halving cut lanes, and there is no {metric} by epoch to compare all of them at the first cut. Ask by a "
            "column of path.history(), or train without halving."
        )
    then = history[history["epoch"] <= epoch].sort_values("epoch").groupby("lane")[metric].last()
    short = (table["epochs"] < epoch) & table["stopped"].isin(["halved", "time is up", "interrupted"])
    return table.assign(**{metric: table["lane"].map(then).where(~short)})


def _configurations(lanes: Design) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the configurations with a finite score, and their mean scores."""
    use = np.isfinite(lanes.score)
    codes, place = np.unique(lanes.codes[use], axis=0, return_inverse=True)
    place = place.reshape(-1)
    return codes, np.bincount(place, lanes.score[use]) / np.bincount(place)


def _coordinates(lanes: Design, name: str, codes: np.ndarray, means: np.ndarray) -> np.ndarray:
    values = lanes.values[name]
    if not any(isinstance(value, str) for value in values):
        return ranks(np.array([-np.inf if value is None else value for value in values], dtype=float)[codes])
    # In the order of their means the best split of words is one between neighbours (Fisher 1958; Breiman et al. 1984,
    # section 4.2.2). One column a word, as Optuna has it, would count combinations that no configuration can have.
    by_word = np.bincount(codes, means, minlength=len(values)) / np.maximum(
        np.bincount(codes, minlength=len(values)), 1
    )
    return ranks(np.argsort(np.argsort(by_word, kind="stable"))[codes].astype(float))


def ranks(numbers: np.ndarray) -> np.ndarray:
    """Places from 0 to 1 in the sorted order, such that a tree splits it where the shares of the values part.

    A tree splits halfway between neighbours. Ties take their middle rank, except the lowest, which is often 0 with a
    large share: it is put as far below the boundary of its share as its neighbour is above.
    """
    distinct, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    shares = counts / len(numbers)
    upper = np.cumsum(shares)
    middle = upper - shares / 2
    if len(distinct) > 1:
        middle[0] = max(upper[0] - shares[1] / 2, 0.0)
    result: np.ndarray = middle[place.reshape(-1)]
    return result


def _shares(columns: Mapping[str, np.ndarray], means: np.ndarray, seed: int) -> dict[str, float]:
    # Optuna takes long to import, and nothing else here needs it.
    import optuna
    from optuna.distributions import BaseDistribution, FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator

    distributions: dict[str, BaseDistribution] = {name: FloatDistribution(0.0, 1.0) for name in columns}
    rows = [dict(zip(columns, row, strict=True)) for row in np.column_stack(list(columns.values())).tolist()]
    trials = [
        optuna.trial.create_trial(value=float(mean), params=row, distributions=distributions)
        for row, mean in zip(rows, means, strict=True)
    ]
    verbosity = optuna.logging.get_verbosity()
    # It would announce a study that exists for this one question only.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
        study.add_trials(trials)
        found = FanovaImportanceEvaluator(seed=seed).evaluate(study)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return {name: float(share) for name, share in found.items()}
