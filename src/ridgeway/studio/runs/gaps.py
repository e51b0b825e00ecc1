"""How far the loss of validation stands above that of training, by lane and epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ridgeway.studio.runs.lanes import strengths

#: Lanes and epochs of a picture at most: with more, one would be less than two pixels high, or one wide on a phone.
LANES, EPOCHS = 320, 240

T = TypeVar("T")


def gaps(
    history: pd.DataFrame,
    table: pd.DataFrame,
    record: Mapping[str, Any],
    labelled: Callable[[Sequence[int]], Mapping[int, str]],
) -> dict[str, Any]:
    """What the picture shows: of each drawn lane its gaps at the drawn epochs that it trained, None where not finite.

    Drawn are, from the least regularized to the most, all lanes, or evenly spread ones of many.

    Args:
        history: a row a lane and epoch.
        table: all lanes.
        record: the run's.
        labelled: gives the labels of lanes.
    """
    told: dict[str, Any] = {"lanes": [], "count": len(table), "epochs": [], "every": 1, "last": 0}
    if not {"loss", "val_loss"} <= set(history.columns) or not len(history):
        return told
    last = int(history["epoch"].max())
    epochs, every = _thinned(range(1, last + 1), EPOCHS)
    strong = strengths(table, record)
    lanes = _thinned(sorted(strong, key=lambda lane: (strong[lane], lane)), LANES)[0]
    labels = labelled(lanes)
    shown = history[history["lane"].isin(lanes) & ((history["epoch"] - 1) % every == 0)].sort_values("epoch")
    outside, inside = (pd.to_numeric(shown[name], errors="coerce") for name in ("val_loss", "loss"))
    values = dict(tuple((outside - inside).groupby(shown["lane"])))
    return told | {
        "lanes": [
            {
                "lane": lane,
                "label": labels[lane],
                "strength": round(strong[lane], 4),
                "values": [float(f"{gap:.5g}") if np.isfinite(gap) else None for gap in values.get(lane, ())],
            }
            for lane in lanes
        ],
        "epochs": list(epochs),
        "every": every,
        "last": last,
    }


def _thinned(whole: Sequence[T], most: int) -> tuple[list[T], int]:
    """Every so many of a sequence, so that there are at most `most`, and every how many."""
    every = -(-len(whole) // most) or 1
    return list(whole[::every]), every
