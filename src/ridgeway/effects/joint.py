"""Whether two methods together do more than the sum of both."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.effects.design import design, refuse_cut
from ridgeway.effects.direction import judged, metric_and_mode
from ridgeway.effects.intervals import intervals
from ridgeway.effects.single import check_bootstrap, effects
from ridgeway.errors import InputError


def interactions(
    table: pd.DataFrame,
    record: Mapping[str, Any],
    metric: str | None = None,
    n_boot: int = 9999,
    seed: int = 0,
    mode: str | None = None,
) -> pd.DataFrame:
    """Estimate the interaction of the two hyperparameters with the greatest effects.

    The greatest effect of a hyperparameter is the largest absolute mean difference over its strengths (`effects`). The
    interaction of two strengths is the difference of differences, y(a, b) − y(a, off) − y(off, b) + y(off, off), within
    the same repeat, fold and other values (Montgomery 2017, Design and Analysis of Experiments, section 5.1);
    intervals, p-values and units are those of `effects`.

    Args:
        table: a row a lane (`Path.table()`).
        record: the path's record.
        metric: a column of the table; the record's own by default.
        n_boot: bootstrap samples.
        seed: of the bootstrap.
        mode: "min" or "max"; by default the record's, or what the metric's name says.

    Returns:
        A row a pair of strengths: `first`, `first_value`, `second`, `second_value`, then the columns of `effects` from
        `difference` on. "helps": together they gain more than the sum; "hurts": less.

    Raises:
        InputError: as `effects`; fewer than two hyperparameters were varied, or never two together.
    """
    name, way = metric_and_mode(table, record, metric, mode)
    check_bootstrap(n_boot)
    single = effects(table, record, metric, n_boot=1, seed=seed, mode=mode)
    size = single.assign(size=single["difference"].abs()).groupby("hyperparameter", sort=False)["size"].max()
    if len(size) < 2:
        raise InputError(
            f"Only {size.index[0]!r} was compared in pairs. Interactions need two: add another to the family."
        )
    refuse_cut(table)
    lanes = design(table, record, name)
    strongest = size.sort_values(ascending=False, kind="stable").index[:2]
    first, second = sorted(map(str, strongest), key=lanes.names.index)
    scores, unit = lanes.cells([first, second])
    both = scores[:, 1:, 1:] - scores[:, 1:, :1] - scores[:, :1, 1:] + scores[:, :1, :1]
    numbers, pairs = lanes.by_unit(both.reshape(len(both), both.shape[1] * both.shape[2]), unit)
    if not pairs.any():
        raise InputError(
            f"{first!r} and {second!r} were never varied together, so nothing is known of their interaction. Train "
            "rw.Grid with both."
        )
    rows = [
        {"first": first, "first_value": one, "second": second, "second_value": other}
        for one in lanes.values[first][1:]
        for other in lanes.values[second][1:]
    ]
    frame = pd.DataFrame(rows).astype({"first_value": object, "second_value": object})[pairs > 0]
    found = intervals(numbers[pairs > 0], n_boot, seed, lanes.shared)
    return frame.reset_index(drop=True).assign(**judged(found, np.asarray(pairs[pairs > 0], dtype=int), way))
