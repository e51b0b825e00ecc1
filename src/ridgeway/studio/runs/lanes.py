"""The lanes of a run that ended: filtered, sorted, compared."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from csv import QUOTE_ALL
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ridgeway.selection import in_words, shown, strength, value_of
from ridgeway.studio.csv_export import defused

# Columns of the table beside hyperparameters and logs.
_PLAIN = ("lane", "repeat", "fold", "epochs", "best_epoch", "stopped", "weight_norm", "zero_share", "seconds")
#: What `with_ends` adds: names that no hyperparameter can have.
LAST, GAP = "last value", "loss gap"


@dataclass(frozen=True)
class Wanted:
    """What the reader wants to see.

    Attributes:
        only: for hyperparameters, the one value to show, as it is written.
        stopped: why lanes ended; empty for any.
        sort: column to sort by; empty for the metric.
        down: whether the largest come first.
    """

    only: Mapping[str, str]
    stopped: str = ""
    sort: str = ""
    down: bool = False


def written(value: Any) -> str:
    """A value of a hyperparameter as a form writes it."""
    plain = value_of(value)
    return shown(plain, 6)


def choices(table: pd.DataFrame, record: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values to filter by, for each hyperparameter that varies."""
    found = {}
    for name, about in record["hyperparameters"].items():
        order = about.get("order") or sorted(table[name].unique().tolist(), key=lambda one: (str(type(one)), one))
        there = [written(value) for value in order]
        if len(there) > 1:
            found[name] = list(dict.fromkeys(there))
    return found


def chosen(table: pd.DataFrame, record: Mapping[str, Any], wanted: Wanted) -> pd.DataFrame:
    """The lanes that are wanted, in the order that is wanted.

    Args:
        table: all lanes.
        record: the run's.
        wanted: what to show; what the run does not have is passed over.
    """
    for name, value in wanted.only.items():
        if value and name in record["hyperparameters"]:
            table = table[[written(cell) == value for cell in table[name]]]
    if wanted.stopped:
        table = table[table["stopped"] == wanted.stopped]
    metric, mode = record["metric"], record["mode"]
    column = wanted.sort if wanted.sort in table.columns else metric
    down = wanted.down if wanted.sort in table.columns else mode == "max"
    return table.sort_values([column, "lane"], ascending=[not down, True], kind="stable", na_position="last")


def with_ends(table: pd.DataFrame, history: pd.DataFrame, record: Mapping[str, Any]) -> pd.DataFrame:
    """The lanes with the metric at their last epoch, and the loss of validation less that of training at the kept."""
    last = history.sort_values("epoch", kind="stable").groupby("lane")[record["metric"]].last()
    table = table.assign(**{LAST: table["lane"].map(last)})
    if {"loss", "val_loss"} <= set(table.columns):
        table = table.assign(**{GAP: table["val_loss"] - table["loss"]})
    return table


def hyperparameters(record: Mapping[str, Any]) -> list[str]:
    """Those with several values; all where none has."""
    several = [name for name, about in record["hyperparameters"].items() if len(about["values"]) > 1]
    return several or list(record["hyperparameters"])


def logs(table: pd.DataFrame, record: Mapping[str, Any]) -> list[str]:
    """Columns of logs at the kept epoch, the metric first, without standard errors."""
    known = {*_PLAIN, LAST, GAP, *record["hyperparameters"]}
    others = [name for name in table.columns if name not in known and not name.endswith("_se")]
    metric = record["metric"]
    return [metric, *(name for name in others if name != metric)]


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; None for what is missing or not finite."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def about_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a chart has to know of the hyperparameters' values: their order, and which of them regularize."""
    about = record.get("hyperparameters", {})
    return {
        "orders": {name: [value_of(one) for one in told["order"]] for name, told in about.items() if told.get("order")},
        "regularizes": [name for name, told in about.items() if told["regularizes"] and not in_words(told)],
    }


def strengths(table: pd.DataFrame, record: Mapping[str, Any]) -> dict[int, float]:
    """How regularized each lane is, from 0 to 1 among those of the run."""
    total = strength(table, record)
    most = float(total.max()) if len(total) else 0.0
    if not most:
        # Nothing that regularizes by degrees: by the first that varies, in its order.
        names = [name for name in hyperparameters(record) if not in_words(record["hyperparameters"][name])]
        if names:
            total = table[names[0]].rank(method="dense").to_numpy(dtype=float) - 1
            most = float(total.max())
    return {int(lane): float(value) / most if most else 0.0 for lane, value in zip(table["lane"], total, strict=True)}


def csv(table: pd.DataFrame) -> bytes:
    """All lanes and columns as CSV that spreadsheets take: with the mark of UTF-8, and without formulas."""
    safe = table.rename(columns=lambda name: defused(str(name)))
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, [defused(cell) for cell in table.iloc[:, place]])
    out = io.StringIO()
    safe.to_csv(out, index=False, quoting=QUOTE_ALL)
    return out.getvalue().encode("utf-8-sig")


def numbers(given: Iterable[str], table: pd.DataFrame, most: int) -> list[int]:
    """The lanes that a request names, those that there are, each once."""
    there = set(table["lane"].tolist())
    wanted = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 10]
    return [one for one in dict.fromkeys(wanted) if one in there][:most]


def curves(
    history: pd.DataFrame,
    table: pd.DataFrame,
    record: Mapping[str, Any],
    labels: Mapping[int, str],
    lanes: Sequence[int],
) -> dict[str, Any]:
    """What charts draw: of each lane label, strength, group of repeats and logs by epoch; of all lanes a point.

    A point has the metric, the weights' norm and their share of zeros at the kept epoch.

    Args:
        history: a row a lane and epoch.
        table: all lanes.
        record: the run's.
        labels: of the lanes.
        lanes: to draw.
    """
    names = [str(name) for name in history.columns if name not in ("lane", "epoch") and not str(name).endswith("_se")]
    strong = strengths(table, record)
    varied = hyperparameters(record)
    measured = {"metric": record["metric"], "weight_norm": "weight_norm", "zero_share": "zero_share"}
    columns = dict.fromkeys(["lane", "fold", *measured.values(), *record["hyperparameters"]])
    points = rows(table.reindex(columns=list(columns)))
    group = {row["lane"]: str([row["fold"], *(row[name] for name in record["hyperparameters"])]) for row in points}
    groups = dict(tuple(history[history["lane"].isin(lanes)].groupby("lane")))
    return {
        "metric": record["metric"],
        "mode": record["mode"],
        "names": names,
        "lanes": [
            {
                "lane": int(lane),
                "label": labels[int(lane)],
                "strength": round(strong[int(lane)], 4),
                "group": group[lane],
                "logs": {name: [_short(value) for value in groups[lane][name]] for name in names},
            }
            for lane in lanes
            if lane in groups
        ],
        "points": [
            {
                "lane": row["lane"],
                "values": {name: row[name] for name in varied},
                **{name: row[column] for name, column in measured.items()},
            }
            for row in points
        ],
    }


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _short(value: Any) -> float | None:
    return float(f"{value:.6g}") if isinstance(value, float | int) and math.isfinite(value) else None
