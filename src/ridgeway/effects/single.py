"""What each strength of each hyperparameter does against its absence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.effects.design import Design, design, refuse_cut
from ridgeway.effects.direction import judged, metric_and_mode
from ridgeway.effects.intervals import intervals
from ridgeway.errors import InputError


def effects(
    table: pd.DataFrame,
    record: Mapping[str, Any],
    metric: str | None = None,
    n_boot: int = 9999,
    seed: int = 0,
    mode: str | None = None,
) -> pd.DataFrame:
    """Compare every strength with the method's absence, in pairs of lanes that differ in nothing else.

    Two lanes of a pair have the same repeat, fold and other values, hence the same first weights, rows and batches:
    what a lucky seed does to both cancels. All pairs of one repeat still share that seed, and those of one fold the
    rows that they were judged on. So they are no independent witnesses: their mean is one number, and the interval is
    over such numbers, one a repeat, or one a fold where there are several. One alone has no interval, and no verdict.

    The mean over a grid's other values is what the method does on average over them; `interactions` tells whether it
    depends on them. A method that needs another (`p` needs `lp`) is judged where the other is on.

    Lanes that diverged count with the epoch that they kept; those that kept none leave their pairs out, and only
    survivors are left. So a strength with which lanes diverged, while none did without it, never "helps", and one with
    which no lane of a pair finished has a row all the same.

    Args:
        table: a row a lane (`Path.table()`).
        record: the path's record: `hyperparameters`, `metric` and `mode` are read.
        metric: a column of the table; the record's own by default.
        n_boot: bootstrap samples (see `intervals`).
        seed: of the bootstrap.
        mode: "min" or "max"; by default the record's, or what the metric's name says.

    Returns:
        A row a strength, in the family's order: `hyperparameter`, `value`, `against`, `difference` (metric with it less
        metric without, in the metric's units), `low`, `high` (its 95 % interval), `p`, `p_holm` (Holm's, of all rows),
        `verdict` ("helps", "hurts", "no evidence": by `p_holm` at 5 % and by which way the metric is better; "diverges"
        where the strength has no finished lane to judge, or would help by survivors only), `n` (units), `pairs`,
        `interval` (how it was made) and `diverged` (lanes with this strength that diverged).

    Raises:
        InputError: no such metric, or one of unknown direction; fewer than one bootstrap sample; a family in which
            nothing varies, or without pairs; no pair in which both lanes have a finite metric.
    """
    name, way = metric_and_mode(table, record, metric, mode)
    check_bootstrap(n_boot)
    refuse_cut(table)
    lanes = design(table, record, name)
    rows, numbers, pairs, diverged, without = [], [], [], [], []
    for hyperparameter, values in lanes.values.items():
        if len(values) < 2:
            continue
        means, compared = _differences(lanes, hyperparameter)
        _, meant = _differences(lanes.finished(), hyperparameter)
        lost = lanes.diverging(hyperparameter)
        for place, value in enumerate(values[1:]):
            if meant[place]:
                rows.append({"hyperparameter": hyperparameter, "value": value, "against": values[0]})
                numbers.append(means[place])
                pairs.append(compared[place])
                diverged.append(lost[place + 1])
                without.append(lost[0])
    if not rows:
        raise InputError(_no_pairs(lanes))
    if not any(pairs):
        raise InputError(
            f"In every pair of lanes that differ in one hyperparameter alone, one at least has no finite {name}, so "
            f"that nothing can be compared ({int(lanes.diverged.sum())} of {len(table)} lanes diverged). Lower the "
            "learning rate or the strengths."
        )
    found = intervals(np.array(numbers), n_boot, seed, lanes.shared)
    # Words and numbers stand in one column as what they are.
    frame = pd.DataFrame(rows).astype({"value": object, "against": object})
    frame = frame.assign(**judged(found, np.array(pairs, dtype=int), way), diverged=np.array(diverged, dtype=int))
    # Nothing is left to judge, or only survivors that speak for it.
    hidden = (frame["pairs"] == 0) | ((frame["verdict"] == "helps") & (np.array(without) == 0))
    return frame.assign(verdict=frame["verdict"].mask(hidden & (frame["diverged"] > 0), "diverges"))


def check_bootstrap(n_boot: int) -> None:
    """Refuse a number of bootstrap samples below 1."""
    if not isinstance(n_boot, int | np.integer) or n_boot < 1:
        raise InputError(f"n_boot={n_boot!r} is no whole number from 1. Pass some thousands.")


def _differences(lanes: Design, hyperparameter: str) -> tuple[np.ndarray, np.ndarray]:
    scores, unit = lanes.cells([hyperparameter])
    return lanes.by_unit(scores[:, 1:] - scores[:, :1], unit)


def _no_pairs(lanes: Design) -> str:
    if all(len(values) < 2 for values in lanes.values.values()):
        return "Nothing was varied: each hyperparameter has one value. Give one several, as in dropout=[0.0, 0.5]."
    return (
        "No two lanes of this family differ in one hyperparameter alone, as is usual for draws at random. Ask "
        "path.importance() instead, or train a Grid or OneAtATime."
    )
