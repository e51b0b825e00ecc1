"""The report's tables: every configuration, every lane."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ridgeway.locale import catalogue, text
from ridgeway.report.markup import Html, say, tag
from ridgeway.report.verdict import Verdict
from ridgeway.selection import Value, value_of
from ridgeway.selection.rounding import rounded
from ridgeway.selection.summary import finite

if TYPE_CHECKING:
    from ridgeway.path import Path


def configuration_table(path: "Path", found: Verdict, lang: str) -> Html:
    """One row a configuration, best first, the named ones tagged."""
    summary = path.configurations()
    if not (summary["diverged"] > 0).any():
        summary = summary.drop(columns="diverged")
    if not (summary["zero_share"] > 0).any():
        summary = summary.drop(columns="zero_share")
    summary.insert(0, "rank", range(1, len(summary) + 1))
    roles = {_key(found.base.configuration): ["own" if found.own else "weakest"]}
    if found.simple is not None:
        roles.setdefault(_key(found.simple.configuration), []).insert(0, "one_se")
    roles.setdefault(_key(found.best.configuration), []).insert(0, "best")
    tags = [roles.get(_key({name: row[name] for name in path.hyperparameters}), []) for row in _rows(summary)]
    return _table(summary, path.hyperparameters, lang, tags)


def lane_table(path: "Path", found: Verdict, lang: str) -> Html:
    """One row a lane: its configuration, kept epoch, why it stopped, all metrics."""
    table = path.table()
    for constant in ("repeat", "fold"):
        if constant in table and table[constant].nunique() == 1:
            table = table.drop(columns=constant)
    tags = [["best"] if lane == found.best.lane else [] for lane in table["lane"]]
    return _table(table, path.hyperparameters, lang, tags)


def _key(configuration: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple(value_of(value) for value in configuration.values())


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _table(frame: pd.DataFrame, hyperparameters: Iterable[str], lang: str, tags: list[list[str]]) -> Html:
    names = set(hyperparameters)
    places = {str(column): _places(frame[column]) for column in frame.columns if str(column) not in names}
    # A mean and its error are read together, so they end at the same decimal.
    places["standard_error"] = places.get("mean", 4)
    heads = [tag("th", _head(str(column), names, lang), scope="col") for column in frame.columns]
    body = []
    for row, roles in zip(_rows(frame), tags, strict=True):
        cells = [
            _cell(column, value, places.get(column), roles if place == 0 else [], lang)
            for place, (column, value) in enumerate(row.items())
        ]
        body.append(tag("tr", *cells, class_=" ".join(role.replace("_", "-") for role in roles) or None))
    whole = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body), class_="sortable")
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=text("table.scroll", lang))


def _head(column: str, hyperparameters: set[str], lang: str) -> Html | str:
    if column not in hyperparameters and f"column.{column}" in catalogue(lang):
        return say(f"column.{column}", lang)
    return column


def _places(column: pd.Series) -> int:
    """Decimals that show four significant digits of the column's middle value."""
    middle = float(np.median(np.abs(numbers))) if len(numbers := finite(column)) else 0.0
    return min(max(3 - math.floor(math.log10(middle)), 0), 8) if middle else 4


def _cell(column: str, value: Any, places: int | None, roles: list[str], lang: str) -> Html:
    badges = [tag("span", say(f"badge.{role}", lang), class_=f"badge {role.replace('_', '-')}") for role in roles]
    if column == "stopped":
        known = f"stopped.{value}" in catalogue(lang)
        return tag("td", text(f"stopped.{value}", lang) if known else value, class_="text")
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return tag("td", "–", *badges, data_v="")
    if isinstance(value, bool | np.bool_):
        return tag("td", str(value), *badges, class_="text")
    if isinstance(value, int | float) or hasattr(value, "item"):
        number = float(value)
        return tag("td", _number(column, number, places), *badges, data_v=repr(number))
    return tag("td", value, *badges, class_="text")


def _number(column: str, number: float, places: int | None) -> str:
    if column in _COUNTS:
        return f"{number:.0f}"
    if column == "zero_share":
        return f"{number:.1%}"
    if places is None or not math.isfinite(number):
        return rounded(number, 4)
    return f"{number:.{places}f}"


_COUNTS = {"rank", "lane", "repeat", "fold", "epochs", "best_epoch", "n", "diverged"}
