"""How each run stands, as the list shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ridgeway.errors import InputError
from ridgeway.locking import is_held
from ridgeway.schema import problem, read_record
from ridgeway.selection import configurations, value_of
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal
from ridgeway.studio.runs.course import Courses
from ridgeway.studio.runs.jobs import Job, Jobs, State
from ridgeway.studio.runs.places import folder_of, run_folders
from ridgeway.studio.runs.tables import Tables, unreadable
from ridgeway.studio.runs.words import STATES
from ridgeway.studio.settings import Settings

#: States of a run that a process works on, and that one may stop.
AT_WORK = ("starting", "running", "saving")
#: States of a run that can go on.
CAN_RESUME = ("interrupted", "failed", "killed")

_tables = Tables()


@dataclass(frozen=True)
class Summary:
    """A run in a few words.

    Attributes:
        name: of its directory.
        folder: its directory.
        state: a key of `words.STATES`.
        data: what it learns from.
        rows: to train on and to validate on.
        task: "classification", "regression" or empty.
        lanes: in all, None where that is not known yet.
        ended: lanes that have ended.
        share: how much is done, from 0 to 1.
        varied: what varies, with the number of its values.
        metric: by which lanes are compared.
        mode: "min" or "max".
        best: its best value.
        configuration: that gave it.
        last: the metric of the best lane at its last epoch.
        gap: how far its loss of validation stands above that of training: at the kept epoch, or the last one of a lane
            that trains.
        curve: the metric of the best lane by epoch.
        created: when it began, in seconds since 1970.
        seconds: that it took, or takes.
        device: that it trained on.
        is_ours: whether a process that the studio started works on it, or waits to.
        can_resume: whether `ridgeway resume` goes on with it.
        report: whether it has a report.
        wrong: what can't be read of it.
    """

    name: str
    folder: Path
    state: str
    data: str = ""
    rows: int | None = None
    task: str = ""
    lanes: int | None = None
    ended: int = 0
    share: float = 0.0
    varied: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""
    mode: str = "min"
    best: float | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    last: float | None = None
    gap: float | None = None
    curve: tuple[float | None, ...] = ()
    created: float | None = None
    seconds: float | None = None
    device: str = ""
    is_ours: bool = False
    can_resume: bool = False
    report: bool = False
    wrong: InputError | None = None


class Runs:
    """The runs of a workspace.

    Args:
        settings: the studio's.
        jobs: what it was asked to run.
        courses: of those that train.
    """

    def __init__(self, settings: Settings, jobs: Jobs, courses: Courses) -> None:
        self._settings, self.jobs, self.courses = settings, jobs, courses

    def all(self) -> list[Summary]:
        """Every run, the latest first, those that wait before all."""
        folders = dict(run_folders(self._settings))
        found = [self._summary(name, folder) for name, folder in folders.items()]
        for job in self.jobs.all():
            if job.name not in folders:
                found.append(self._unbegun(job))
        return sorted(found, key=lambda one: (one.state != "waiting", -(one.created or 0), one.name))

    def of(self, name: str) -> Summary | None:
        """One run, begun or waiting; None where there is none of that name.

        Raises:
            HTTPException: the name is none of a run's (404).
        """
        folder = folder_of(self._settings, name)
        if (folder / "run.json").is_file():
            return self._summary(name, folder)
        job = self.jobs.read(name)
        return None if job is None else self._unbegun(job)

    def _unbegun(self, job: Job) -> Summary:
        state = {State.waiting: "waiting", State.working: "starting", State.ended: "failed"}[self.jobs.state(job.name)]
        folder = folder_of(self._settings, job.name)
        return Summary(
            job.name,
            folder,
            state,
            job.data,
            lanes=job.lanes,
            created=job.created,
            is_ours=state != "failed",
        )

    def _summary(self, name: str, folder: Path) -> Summary:
        try:
            return self._read(name, folder, record_of(folder))
        except InputError as error:
            return Summary(name, folder, "unreadable", wrong=error)
        except OSError as error:
            return Summary(
                name, folder, "unreadable", wrong=unreadable("run.json", error.strerror or type(error).__name__)
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # What a stranger's record says where nothing is laid down: the other runs are shown all the same.
            return Summary(name, folder, "unreadable", wrong=unreadable("run.json", f"{type(error).__name__}: {error}"))

    def _read(self, name: str, folder: Path, record: dict[str, Any]) -> Summary:
        job = self.jobs.read(name)
        state = self._state(name, folder, record)
        extra = record["extra"]
        told: dict[str, Any] = {
            "data": job.data if job and job.data else _data(record, extra),
            "rows": _rows(record),
            "task": str(extra.get("task") or ""),
            "varied": {
                key: len(about["values"])
                for key, about in record["hyperparameters"].items()
                if len(about["values"]) > 1
            },
            "metric": record["metric"],
            "mode": record["mode"],
            "created": _created(record, folder),
            "device": str(record.get("device") or ""),
            "is_ours": job is not None and self.jobs.state(name) != State.ended,
            "can_resume": state in CAN_RESUME and bool(extra.get("command")),
            "report": (folder / "report.html").is_file(),
        }
        if state in (*AT_WORK, "waiting", "killed"):
            told |= self._of_course(folder, record, state)
        else:
            told |= _of_tables(folder, record)
        return Summary(name, folder, state, **told)

    def _state(self, name: str, folder: Path, record: Mapping[str, Any]) -> str:
        job = self.jobs.state(name) if self.jobs.read(name) is not None else State.ended
        if job == State.waiting:
            return "waiting"
        status = record["status"] if record["status"] in STATES else "unreadable"
        if status != "running":
            # The command reads data and writes the report outside of the run's own time.
            return "saving" if job == State.working and status == "finished" else status
        if is_held(folder) or job == State.working:
            return "running"
        return "killed"

    def _of_course(self, folder: Path, record: Mapping[str, Any], state: str) -> dict[str, Any]:
        course = self.courses.of(folder, record)
        ranked = course.ranked()
        best = ranked[0].best(course.mode) if ranked else None
        return {
            "lanes": course.planned or None,
            "ended": course.ended,
            "share": course.share,
            "best": None if best is None else best[0],
            "last": ranked[0].values[-1] if ranked and ranked[0].values else None,
            "gap": ranked[0].gap if ranked else None,
            "curve": tuple(ranked[0].values) if ranked else (),
            "seconds": None if course.began is None or course.last is None else course.last - course.began,
        }


def record_of(folder: Path) -> dict[str, Any]:
    """A run's record, with at least what the pages read of it.

    Raises:
        InputError: it can't be read, or is not as ridgeway writes it.
        OSError: the same.
    """
    record = read_record(folder / "run.json")
    if wrong := problem(record):
        raise Refusal(N_("'%(file)s' is not as ridgeway writes it: %(why)s."), file="run.json", why=wrong)
    return _as_laid_down(record)


def _as_laid_down(record: dict[str, Any]) -> dict[str, Any]:
    """The record with what `problem` leaves open in the shape that the pages read; what has another one is left out."""
    given = record.get("extra")
    extra: dict[str, Any] = given if isinstance(given, dict) else {}
    if not isinstance(extra.get("command"), dict):
        extra = {**extra, "command": None}
    folds = record.get("folds")
    seconds = record.get("seconds")
    total = seconds.get("total") if isinstance(seconds, dict) else None
    return {
        **record,
        "extra": extra,
        "folds": folds if isinstance(folds, dict) and isinstance(folds.get("rows"), list) else None,
        "seconds": {"total": total if isinstance(total, int | float) else None},
        "status": str(record.get("status", "finished")),
    }


def lanes_of(folder: Path, record: Mapping[str, Any]) -> pd.DataFrame:
    """The table of a run's lanes, with all the columns that its record names.

    Raises:
        InputError: it is missing, can't be read, or lacks a column.
    """
    table = table_of(folder, "lanes.parquet")
    wanted = {"lane", "epochs", "best_epoch", "stopped", record["metric"], *record["hyperparameters"]}
    if not wanted <= set(table.columns):
        lacking = min(wanted - set(table.columns))
        said = N_("'%(file)s' has no column '%(column)s'. Check the run by `ridgeway doctor`.")
        raise Refusal(said, file="lanes.parquet", column=lacking)
    return table


def table_of(folder: Path, name: str) -> pd.DataFrame:
    """A table of a run.

    Args:
        folder: the run's.
        name: of the file.

    Raises:
        InputError: it is missing or can't be read.
    """
    file = folder / name
    try:
        return _tables.of(file)
    except OSError:
        raise Refusal(N_("'%(file)s' is missing. Check the run by `ridgeway doctor`."), file=name) from None


def _of_tables(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"seconds": record["seconds"]["total"], "share": 1.0}
    try:
        lanes = lanes_of(folder, record)
        history = table_of(folder, "history.parquet")
        chosen = best_configuration(lanes, record)
        told |= {"lanes": len(lanes), "ended": len(lanes)}
        if chosen is not None:
            values, mean, lane = chosen
            curve = history[history["lane"] == lane][record["metric"]]
            drawn = tuple(_plain(value) for value in curve)
            told |= {"best": mean, "configuration": values, "curve": drawn, "last": drawn[-1] if drawn else None}
            if {"loss", "val_loss"} <= set(lanes.columns):
                row = lanes[lanes["lane"] == lane].iloc[0]
                told["gap"] = _plain(row["val_loss"] - row["loss"])
    except (InputError, KeyError) as error:
        told["wrong"] = error if isinstance(error, InputError) else unreadable("lanes.parquet", f"KeyError: {error}")
    return told


def best_configuration(lanes: pd.DataFrame, record: Mapping[str, Any]) -> tuple[dict[str, Any], float, int] | None:
    """The best configuration, the mean of its metric, and the number of its best lane; None where none is finite."""
    summary = configurations(lanes, record)
    if not len(summary) or not math.isfinite(summary["mean"].iloc[0]):
        return None
    first = summary.iloc[0]
    values = {name: value_of(first[name]) for name in record["hyperparameters"]}
    same = lanes
    for name, value in values.items():
        same = same[same[name] == value]
    sign = 1 if record["mode"] == "min" else -1
    lane = int(same.loc[(sign * same[record["metric"]]).idxmin(), "lane"])
    return values, float(first["mean"]), lane


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _rows(record: Mapping[str, Any]) -> int:
    data = record["data"]
    return int(data["rows"]) + int(data["validation_rows"])


def _data(record: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    command = extra.get("command") or {}
    if command.get("data"):
        return Path(str(command["data"])).name
    return str(record["data"].get("x") or "")


def _created(record: Mapping[str, Any], folder: Path) -> float | None:
    try:
        return datetime.fromisoformat(str(record["created"])).timestamp()
    except ValueError:
        return None
