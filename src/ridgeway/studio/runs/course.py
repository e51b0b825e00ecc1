"""How a run has gone so far, from its events."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ridgeway.studio.runs.following import Follower

# Runs whose courses are kept in memory; and seconds of training from which the time left is told.
_KEPT = 60
_RECENT = 30.0


@dataclass
class Lane:
    """A lane so far.

    Attributes:
        number: its number.
        configuration: its value of each hyperparameter; empty where its run did not say.
        epochs: how many it has done.
        stopped: why it ended; empty while it trains.
        values: the run's metric after each epoch, None where it was not finite.
        logs: of the last epoch.
    """

    number: int
    configuration: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 0
    stopped: str = ""
    values: list[float | None] = field(default_factory=list)
    logs: Mapping[str, Any] = field(default_factory=dict)

    def best(self, mode: str) -> tuple[float, int] | None:
        """The best value of the metric and its epoch, from 1; None where there is none."""
        sign = 1.0 if mode == "min" else -1.0
        found = [(sign * value, place) for place, value in enumerate(self.values, 1) if value is not None]
        return (sign * min(found)[0], min(found)[1]) if found else None

    @property
    def gap(self) -> float | None:
        """How far the loss of validation stands above that of training, at the last epoch."""
        outside, inside = self.logs.get("val_loss"), self.logs.get("loss")
        if isinstance(outside, int | float) and isinstance(inside, int | float):
            return float(outside - inside)
        return None


class Course:
    """What a run's events say, read on at each `read`.

    Args:
        folder: the run's.
        metric: log by which lanes are compared.
        mode: "min" or "max".
    """

    def __init__(self, folder: Path, metric: str, mode: str) -> None:
        self.metric, self.mode = metric, mode
        self._follower = Follower(folder / "events.jsonl")
        self._forget()

    def _forget(self) -> None:
        self.lanes: dict[int, Lane] = {}
        self.planned = self.epochs = 0
        self.slots: int | None = None
        self.status = ""
        self.began: float | None = None
        self.last: float | None = None
        self._paces: list[tuple[float, int]] = []
        self._done = 0

    def read(self) -> Course:
        """Reads on; gives itself."""
        while True:
            news = self._follower.read()
            if news.again:
                self._forget()
            for event in news.events:
                try:
                    self._take(event)
                except (KeyError, TypeError, ValueError, AttributeError):
                    # Of another version, or altered: what is understood of the rest is shown.
                    continue
            if not news.events:
                return self

    def _take(self, event: dict[str, Any]) -> None:
        kind, now = event["event"], float(event["time"])
        if kind in ("start", "resume"):
            self.planned, self.epochs = int(event["lanes"]), int(event["epochs"])
            slots = (event.get("executor") or {}).get("slots")
            self.slots = int(slots) if slots else None
            self.began = self.began if self.began is not None and kind == "resume" else now
            self.status, self._paces = "running", [(now, self._done)]
        elif kind == "begin":
            self._lane(event).configuration = dict(event["configuration"])
        elif kind == "epoch":
            lane = self._lane(event)
            value = event["logs"].get(self.metric)
            lane.epochs, lane.logs = int(event["epoch"]), event["logs"]
            lane.values.append(None if value is None else float(value))
            self._done += 1
            if now - self._paces[-1][0] > 0.5:
                self._paces.append((now, self._done))
        elif kind == "lane":
            lane = self._lane(event)
            lane.stopped = str(event["stopped"])
        elif kind == "end":
            self.status = str(event["status"])
        self.last = now

    def _lane(self, event: dict[str, Any]) -> Lane:
        number = int(event["lane"])
        return self.lanes.setdefault(number, Lane(number))

    @property
    def live(self) -> list[Lane]:
        """Lanes that train now."""
        return [lane for lane in self.lanes.values() if not lane.stopped]

    @property
    def ended(self) -> int:
        """How many lanes have ended."""
        return sum(bool(lane.stopped) for lane in self.lanes.values())

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: an ended lane counts whole, a live one by its epochs."""
        if not self.planned or not self.epochs:
            return 0.0
        done = self.ended + sum(lane.epochs / self.epochs for lane in self.live)
        return min(1.0, done / self.planned)

    @property
    def seconds_left(self) -> float | None:
        """Seconds that it takes at most, at the pace of late; None where there is none yet."""
        if not self._paces or self.last is None:
            return None
        since, before = next((one for one in self._paces if self.last - one[0] <= _RECENT), self._paces[-1])
        passed, done = self.last - since, self._done - before
        if passed <= 0 or done <= 0:
            return None
        left = sum(self.epochs - lane.epochs for lane in self.live)
        left += max(0, self.planned - len(self.lanes)) * self.epochs
        return left * passed / done

    def ranked(self) -> list[Lane]:
        """Lanes, the best first; those without a finite value last."""
        sign = 1.0 if self.mode == "min" else -1.0

        def key(lane: Lane) -> tuple[bool, float, int]:
            best = lane.best(self.mode)
            return best is None, 0.0 if best is None else sign * best[0], lane.number

        return sorted(self.lanes.values(), key=key)


class Courses:
    """The courses of runs that were looked at lately."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Path, str], Course] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, folder: Path, record: Mapping[str, Any]) -> Course:
        """A run's course, read to its end.

        Args:
            folder: the run's.
            record: its `run.json`.
        """
        key = folder, str(record.get("id"))
        with self._guard:
            course = self._known.pop(key, None)
            if course is None:
                course = Course(folder, str(record.get("metric", "val_loss")), str(record.get("mode", "min")))
            self._known[key] = course
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return course.read()
