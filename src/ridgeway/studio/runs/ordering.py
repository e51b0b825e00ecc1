"""The order of the list of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ridgeway.studio.i18n import N_
from ridgeway.studio.runs.summary import Summary

#: Orders by their names, each with what it does first.
ORDERS = {
    "new": N_("newest first"),
    "name": N_("by name"),
    "best": N_("best value first"),
    "time": N_("longest first"),
    "lanes": N_("most lanes first"),
}
# Those whose smallest value comes first.
_RISING = ("name", "best")


def ordered(runs: Sequence[Summary], order: str, turned: bool) -> list[Summary]:
    """Runs in an order, or in the other direction; what is not known yet stands last in both.

    Args:
        runs: the newest first.
        order: a name of `ORDERS`.
        turned: whether in the other direction.
    """
    if order == "new":
        return list(reversed(runs)) if turned else list(runs)
    if order == "name":
        return sorted(runs, key=lambda run: run.name, reverse=turned)
    value: Callable[[Summary], float | None] = {
        "best": _signed,
        "time": lambda run: None if run.seconds is None else -run.seconds,
        "lanes": lambda run: None if run.lanes is None else -run.lanes,
    }[order]
    sign = -1 if turned else 1

    def key(run: Summary) -> tuple[Any, ...]:
        found = value(run)
        # Values of different metrics can't be compared: each metric's runs stand together.
        return found is None, run.metric if order == "best" else "", sign * (found or 0)

    return sorted(runs, key=key)


def direction(order: str, turned: bool) -> str:
    """How a column that the list is sorted by is marked."""
    return "ascending" if (order in _RISING) != turned else "descending"


def _signed(run: Summary) -> float | None:
    return run.best if run.best is None or run.mode == "min" else -run.best
