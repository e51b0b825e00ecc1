"""Lanes that one task trains, and what is heard of them."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ridgeway.engine.lanes import LaneResult
from ridgeway.engine.queues import plan_of
from ridgeway.engine.slots import LanePlan, Waiting

logger = logging.getLogger(__name__)

# A chunk that is over sooner is mostly the start of its task: importing, compiling, sending.
_WORTH_A_TASK = 30.0
# Chunks a seat: so that those which end late find others to share the rest with.
_CHUNKS_A_SEAT = 4


@dataclass(frozen=True)
class Trained:
    """An epoch of lanes side by side.

    Attributes:
        logs: of each lane, by number.
        ended: numbers of the lanes that stopped with it.
        live: lanes that train on in this task.
    """

    logs: dict[int, dict[str, float]]
    ended: tuple[int, ...]
    live: int


@dataclass(frozen=True)
class News:
    """What a task has to tell.

    Attributes:
        chunk: number of the chunk.
        attempt: of the times that it was begun.
        execution: of the task, by a name that no other has: a cluster that loses sight of one may run another.
        sequence: number of these news among those of the task; they may arrive in another order.
        node: where it runs, as Ray calls it.
        rounds: epochs since the last news.
        ended: lanes that have ended since then.
        standing: all other lanes of the chunk as they are after these epochs, where it is time for that.
    """

    chunk: int
    attempt: int
    execution: str
    sequence: int
    node: str
    rounds: list[Trained]
    ended: list[LaneResult]
    standing: list[LanePlan | Waiting] | None = None


@dataclass
class Chunk:
    """Lanes that one task trains.

    Attributes:
        number: of the chunk.
        place: of its group.
        entries: its lanes, as they last were told of.
        until: epochs after which a lane waits, None for none.
        attempt: how often it was begun.
        ended: numbers of lanes that have ended since `entries` was told.
        mirrors: logs of its lanes as they came, by number.
        heard: whether this attempt has trained an epoch.
        execution: of the task that was heard first.
        node: where that one runs.
        idle: attempts in a row that have not.
        early: news that came before others of the same task, by number.
        next: number of the news to come.
    """

    number: int
    place: int
    entries: list[LanePlan | Waiting]
    until: int | None
    attempt: int = 0
    ended: set[int] = field(default_factory=set)
    mirrors: dict[int, LaneResult] = field(default_factory=dict)
    heard: bool = False
    idle: int = 0
    execution: str | None = None
    node: str | None = None
    early: dict[int, News] = field(default_factory=dict)
    next: int = 0

    def left(self) -> list[LanePlan | Waiting]:
        """Its lanes that have not ended, as they last were told of."""
        return [one for one in self.entries if plan_of(one).lane not in self.ended]

    def is_told_by(self, news: News) -> bool:
        """Whether news come from the task that was heard first; of lanes that are trained twice one account counts."""
        if self.execution is None:
            self.execution, self.node = news.execution, news.node
        elif self.execution != news.execution:
            logger.warning("A chunk of lanes is trained twice: the cluster has run its task anew by itself.")
        return self.execution == news.execution

    def in_order(self, news: News) -> Iterator[News]:
        """The news whose turn it is now that these are there."""
        self.early[news.sequence] = news
        while self.next in self.early:
            yield self.early.pop(self.next)
            self.next += 1

    def begin(self) -> None:
        """Begins an attempt, from what was last told of its lanes."""
        self.entries, self.ended, self.heard, self.execution = self.left(), set(), False, None
        self.early, self.next = {}, 0
        self.attempt += 1
        self.mirrors = {
            plan_of(one).lane: LaneResult(plan_of(one), [*one.result.history] if isinstance(one, Waiting) else [])
            for one in self.entries
        }

    def live(self) -> Iterator[LaneResult]:
        """Its lanes that have begun and not ended."""
        return (mirror for mirror in self.mirrors.values() if mirror.history)


def chunk_size(lanes: int, seats: int, slots: int, lane_seconds: float | None) -> int:
    """How many lanes a task trains.

    Args:
        lanes: in all.
        seats: tasks that run at a time.
        slots: lanes that train side by side in a task.
        lane_seconds: what a lane takes if it trains all epochs, None where that was not measured.

    So few that each seat gets several chunks, but as many as fill a task's slots, and as take half a minute; no more
    than a seat's share.
    """
    share = math.ceil(lanes / seats)
    enough = slots if not lane_seconds else max(slots, math.ceil(_WORTH_A_TASK / lane_seconds))
    return max(1, min(share, max(enough, math.ceil(lanes / (seats * _CHUNKS_A_SEAT)))))


def parted(entries: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """The entries in runs of equal length, as near to the size as that allows."""
    count = max(1, math.ceil(len(entries) / size))
    for place in range(count):
        run = entries[place * len(entries) // count : (place + 1) * len(entries) // count]
        if run:
            yield list(run)
