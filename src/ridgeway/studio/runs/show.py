"""What the pages of runs show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from fastapi import HTTPException, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from ridgeway.errors import InputError
from ridgeway.report.keras_code import keras_code
from ridgeway.studio import i18n, pages, security
from ridgeway.studio.i18n import N_
from ridgeway.studio.runs import gaps as pictures
from ridgeway.studio.runs import lanes as tables
from ridgeway.studio.runs import words
from ridgeway.studio.runs.chart_words import chart_words, live_words
from ridgeway.studio.runs.course import Courses
from ridgeway.studio.runs.ordering import ORDERS, direction, ordered
from ridgeway.studio.runs.sparkline import sparkline
from ridgeway.studio.runs.summary import AT_WORK, Summary, lanes_of, record_of, table_of

#: Lanes, or runs, side by side.
COMPARED = 8
# Lanes on the leader board, and in a chart at first.
_BOARD = 12
_DRAWN = 60


def listed(request: Request, runs: Sequence[Summary], query: str, state: str, sort: str, turned: bool) -> Response:
    """The list of runs."""
    lang = i18n.language(request)
    shown = [run for run in runs if (not state or run.state == state) and _matches(run, query, lang)]
    order = sort if sort in ORDERS else "new"
    return pages.render(
        request,
        "runs/list.html",
        runs=ordered(shown, order, turned),
        total=len(runs),
        query=query,
        state=state,
        sort=order,
        sorts=ORDERS,
        turned=turned,
        direction=direction(order, turned),
        states={name: words.STATES[name] for name in words.STATES if any(run.state == name for run in runs)},
        working=any(run.state in (*AT_WORK, "waiting") for run in runs),
        sparkline=sparkline,
        **_names(lang),
    )


def live(request: Request, run: Summary, courses: Courses, place: int) -> Response:
    """A run while it trains, waits, or was broken off."""
    lang = i18n.language(request)
    begun = (run.folder / "run.json").is_file()
    record = record_of(run.folder) if begun else {}
    course = courses.of(run.folder, record) if begun else None
    names = tables.hyperparameters(record) if begun else []
    board = course.ranked()[:_BOARD] if course else []
    return pages.render(
        request,
        "runs/live.html",
        run=run,
        record=record,
        course=course,
        board=board,
        place=place,
        standing=standing(run, place),
        lane_label=lambda lane: words.configuration(
            {name: lane.configuration[name] for name in names if name in lane.configuration}, lang
        ),
        told={
            "metric": run.metric,
            "mode": run.mode,
            "board": _BOARD,
            **chart_words(lang, record),
            **live_words(lang),
        },
        **_names(lang),
    )


def finished(request: Request, run: Summary) -> Response:
    """A run that has ended: its best, its curves and its lanes."""
    lang = i18n.language(request)
    record = record_of(run.folder)
    table = _whole(run.folder, record)
    asked = request.query_params
    names = tables.hyperparameters(record)
    wanted = tables.Wanted(
        {name: asked.get(f"h_{name}", "")[:100] for name in names},
        asked.get("stopped", "")[:40],
        asked.get("sort", "")[:60],
        asked.get("down") == "1",
    )
    chosen = tables.chosen(table, record, wanted)
    logs = tables.logs(table, record)
    return pages.render(
        request,
        "runs/finished.html",
        run=run,
        place=run.folder if security.is_owner(request) else run.name,
        record=record,
        **_wrong(request, run),
        rows=tables.rows(chosen),
        names=names,
        logs=logs[:4],
        choices=tables.choices(table, record),
        reasons=sorted(table["stopped"].dropna().unique().tolist()),
        wanted=wanted,
        sorted_by=lambda name: _sorted_by(asked, name),
        last=tables.LAST,
        gap=tables.GAP if tables.GAP in table.columns else None,
        columns=set(table.columns),
        drawn=min(len(chosen), _DRAWN),
        lanes=[int(lane) for lane in chosen["lane"].head(_DRAWN)],
        best_lane=_best_lane(run, record, table),
        written=tables.written,
        told=chart_words(lang, record, logs),
        **_names(lang),
    )


def compared(request: Request, run: Summary, lanes: Sequence[str]) -> Response:
    """Lanes side by side."""
    lang = i18n.language(request)
    record = record_of(run.folder)
    table = _whole(run.folder, record)
    chosen = tables.numbers(lanes, table, COMPARED)
    rows = {row["lane"]: row for row in tables.rows(table[table["lane"].isin(chosen)])}
    logs, names = tables.logs(table, record), list(record["hyperparameters"])
    return pages.render(
        request,
        "runs/compare.html",
        run=run,
        record=record,
        lanes=chosen,
        rows=rows,
        names=names,
        differs={name for name in names if len({str(row[name]) for row in rows.values()}) > 1},
        logs=logs,
        most=COMPARED,
        last=tables.LAST,
        gap=tables.GAP if tables.GAP in table.columns else None,
        code={lane: _code(record, rows[lane], lang) for lane in chosen},
        written=tables.written,
        told=chart_words(lang, record, logs),
        **_names(lang),
    )


def together(request: Request, runs: Sequence[Summary]) -> Response:
    """Runs side by side, each by its best lane."""
    lang = i18n.language(request)
    metrics = list(dict.fromkeys(run.metric for run in runs))
    return pages.render(
        request,
        "runs/together.html",
        runs=runs,
        metrics=metrics,
        most=COMPARED,
        told={
            **chart_words(lang, {}, metrics),
            "lane": i18n.translator(lang)(N_("Run")),
            "curves": {
                "metric": metrics[0] if metrics else "",
                "names": metrics,
                "lanes": [
                    {
                        "lane": place,
                        "label": run.name,
                        "group": run.name,
                        "strength": 0,
                        "logs": {run.metric: run.curve},
                    }
                    for place, run in enumerate(runs, 1)
                ],
            },
        },
        **_names(lang),
    )


def curves(folder: Path, record: Mapping[str, Any], lanes: Sequence[str] | None, lang: str) -> dict[str, Any]:
    """The curves of lanes, the best ones where none is named."""
    table, history = lanes_of(folder, record), table_of(folder, "history.parquet")
    if lanes:
        chosen = tables.numbers(lanes, table, 400)
    else:
        ranked = tables.chosen(table, record, tables.Wanted({}))
        chosen = [int(lane) for lane in ranked["lane"].head(_DRAWN)]
    labels = _labels(table, record, chosen, lang)
    return tables.curves(history, table, record, labels, chosen)


def gaps(folder: Path, record: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The gap between the losses, by lane and epoch."""
    table = lanes_of(folder, record)
    history = table_of(folder, "history.parquet")
    return pictures.gaps(history, table, record, lambda lanes: _labels(table, record, lanes, lang))


def never_began(request: Request, run: Summary, said: str) -> Response:
    """A command that ended before there was a run."""
    names = _names(i18n.language(request))
    return pages.render(request, "runs/failed.html", run=run, wrong=None, said=pages.told(request, said), **names)


def unreadable(request: Request, run: Summary) -> Response:
    """A run's directory that can't be read."""
    return pages.render(request, "runs/failed.html", run=run, **_wrong(request, run), **_names(i18n.language(request)))


def _labels(table: pd.DataFrame, record: Mapping[str, Any], lanes: Sequence[int], lang: str) -> dict[int, str]:
    names = tables.hyperparameters(record)
    return {
        int(row["lane"]): words.configuration({name: row[name] for name in names}, lang)
        for row in tables.rows(table[table["lane"].isin(lanes)])
    }


def _wrong(request: Request, run: Summary) -> dict[str, Any]:
    return {"wrong": None if run.wrong is None else pages.explained(request, run.wrong)}


def standing(run: Summary, place: int) -> dict[str, Any]:
    """How a run stands, for its live page."""
    return {"state": run.state, "place": place, "ours": run.is_ours, "tables": (run.folder / "lanes.parquet").is_file()}


def may_change_by_itself(told: Mapping[str, Any]) -> bool:
    """Whether by how it stands more may come of a run without anyone's doing."""
    return told["state"] in (*AT_WORK, "waiting")


def what_is_in(folder: Path) -> dict[str, Any]:
    """How many files a directory holds, and how large they are."""
    try:
        sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    except OSError:
        raise HTTPException(409, N_("The run's files are changing. Try again in a moment.")) from None
    return {"count": len(sizes), "size": words.size(sum(sizes))}


def _best_lane(run: Summary, record: Mapping[str, Any], table: pd.DataFrame) -> int | None:
    same = table
    for name, value in run.configuration.items():
        same = same[same[name] == value]
    values = (1 if record["mode"] == "min" else -1) * same[record["metric"]]
    return int(same.loc[values.idxmin(), "lane"]) if run.configuration and values.notna().any() else None


def _whole(folder: Path, record: Mapping[str, Any]) -> pd.DataFrame:
    table = tables.with_ends(lanes_of(folder, record), table_of(folder, "history.parquet"), record)
    if (folder / "timings.parquet").is_file():
        return table.merge(table_of(folder, "timings.parquet"), on="lane", how="left")
    return table


def _code(record: Mapping[str, Any], row: Mapping[str, Any], lang: str) -> str:
    """The settings of a lane as Keras code; empty where its record does not tell them."""
    try:
        configuration = {name: row[name] for name in record["hyperparameters"]}
        return keras_code(record, configuration, row["best_epoch"] or row["epochs"], lang)
    except (InputError, KeyError, TypeError, ValueError, AttributeError):
        return ""


def _sorted_by(asked: QueryParams, name: str) -> dict[str, str]:
    """Where a column's head leads, and how the table is sorted by it now."""
    now = asked.get("sort") == name
    down = now and asked.get("down") == "1"
    query = {key: value for key, value in asked.items() if key not in ("sort", "down")} | {"sort": name}
    if now and not down:
        query["down"] = "1"
    return {"query": urlencode(query), "now": ("descending" if down else "ascending") if now else ""}


def _matches(run: Summary, query: str, lang: str) -> bool:
    held = " ".join(
        [run.name, run.data, *run.varied, *(words.named("hyperparameter", one, lang) for one in run.varied)]
    )
    return all(word in held.casefold() for word in query.casefold().split())


def _names(lang: str) -> dict[str, Any]:
    """What templates call things by."""
    return {
        "states_of": words.STATES,
        "looks": words.LOOKS,
        "hyperparameter": lambda name: words.short("hyperparameter", name, lang),
        "metric_name": lambda name: words.named("metric", name, lang),
        "metric_short": lambda name: words.short("metric", name, lang),
        "reason": lambda word: words.named("stopped", word, lang),
        "configuration": lambda values: words.configuration(values, lang),
        "when": lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds"),
        "duration": lambda seconds: words.duration(seconds, lang),
    }
