"""The lanes of a path on a cluster: chunks of them are tasks, and what is lost goes on from where it last stood."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ridgeway.cluster import worker
from ridgeway.cluster.chunks import Chunk, News, Trained, chunk_size, parted
from ridgeway.cluster.crew import Crew
from ridgeway.engine.lanes import INTERRUPTED, LanePlan, LaneResult
from ridgeway.engine.queues import Course, LaneQueues, Pause, epochs_of
from ridgeway.engine.slots import Round, Standing, Waiting
from ridgeway.errors import ClusterFailure, first_line

logger = logging.getLogger(__name__)

# Seconds to wait for news before tasks are looked after.
_PATIENCE = 0.5
# Attempts in a row of one chunk that are lost without an epoch: then it is the chunk, not the nodes.
_ATTEMPTS = 5


@dataclass(kw_only=True)
class ClusterQueues(LaneQueues):
    """Trains chunks of lanes of all groups on a cluster.

    Args beside those of `LaneQueues`:
        crew: the cluster.
        record: of the executor.
        lane_seconds: what a lane takes that trains all epochs, None where that is not known.
    """

    crew: Crew
    record: dict[str, Any]
    lane_seconds: float | None = None
    _active: dict[Any, Chunk] = field(init=False, default_factory=dict)
    _pending: deque[Chunk] = field(init=False, default_factory=deque)
    _numbers: int = field(init=False, default=0)
    # Epochs of each lane that were told of: what a lost task did is done, and heard of, once more.
    _told: dict[int, int] = field(init=False, default_factory=dict)

    def course(self) -> Course:
        """See the base class; of a lane under way, where it was when its task last told of it."""
        left = [[*one] for one in self._left]
        for chunk in [*self._active.values(), *self._pending]:
            left[chunk.place] += chunk.left()
        place = next((place for place, one in enumerate(left) if one), 0)
        queue, left[place] = left[place], []
        executors = {place: (self.record["name"], self.record["slots"])}
        return Course(place, Standing({}, queue), left, executors, self._watch.seen())

    def go_on(self, course: Course) -> None:
        """See the base class."""
        self._left = [list(left) for left in course.left]
        self._left[course.place] += course.standing.entries()
        self._watch.go_on(course.watched)

    def train(
        self,
        results: list[LaneResult],
        on_round: Callable[[Round], None],
        stop_asked: Callable[[], bool],
        until: int | None = None,
        more: bool = False,
        deadline: Callable[[], float] | None = None,
    ) -> None:
        """See the base class; all groups train at a time."""
        self._pending = deque(self._chunks(until))
        if not self._pending or stop_asked() or self.ended:
            return
        self.crew.tell(None)
        pause = None if deadline is None else Pause(deadline, 1.0)
        told = False
        while self._active or self._pending:
            self._fill()
            news = self.crew.take(_PATIENCE)
            trained = self._heard(news, results, on_round) + self._looked_after(results, on_round, told)
            if trained and not told and (word := self._word(trained, stop_asked, pause)) is not None:
                self.crew.tell(word)
                told = True
            if told:
                # Those of a task that is lost after it was told, too.
                self._forget()

    def _word(
        self, trained: list[LaneResult], stop_asked: Callable[[], bool], pause: Callable[[], bool] | None
    ) -> tuple[str, ...] | None:
        """What tasks must be told after these lanes' epochs, None to go on."""
        live = [mirror for chunk in self._active.values() for mirror in chunk.live()] if self.rules.path else []
        waiting = sum(len(chunk.entries) for chunk in self._pending) + self.later
        self.ended = self._watch.verdict(trained, live, waiting)
        if self.ended is not None:
            return (worker.STOP, self.ended)
        if stop_asked():
            return (worker.STOP, INTERRUPTED)
        return (worker.PAUSE,) if pause is not None and pause() else None

    def leave_all(self, results: list[LaneResult]) -> None:
        """See the base class."""
        import ray

        for task in self._active:
            ray.cancel(task, force=True)
        for chunk in self._active.values():
            self._left[chunk.place] += chunk.left()
        self._active = {}
        self._forget()
        self.settle(results, INTERRUPTED)

    def _chunks(self, until: int | None) -> list[Chunk]:
        """What is left, in chunks."""
        taken = [self._taken(place, until) for place in range(len(self.groups))]
        seats = self.crew.share.seats()
        size = chunk_size(sum(map(len, taken)), seats, self.record["slots"], self._seconds(taken, until))
        chunks = []
        for place, entries in enumerate(taken):
            if entries:
                # Probes are known by their labels here.
                self.probe_of(place)
            for run in parted(entries, size):
                self._numbers += 1
                chunks.append(Chunk(self._numbers, place, run, until))
        return chunks

    def _seconds(self, taken: Sequence[Sequence[LanePlan | Waiting]], until: int | None) -> float | None:
        """What one of these lanes takes about, until it is done or waits."""
        if self.lane_seconds is None:
            return None
        entries = [one for left in taken for one in left]
        most = until or self.rules.epochs
        epochs = sum(max(most - epochs_of(one), 1) for one in entries) / max(len(entries), 1)
        return self.lane_seconds * epochs / self.rules.epochs

    def _fill(self) -> None:
        """Begins as many tasks as there are seats, and one more a seat, which is then ready to run."""
        seats = 2 * self.crew.share.seats() if self._pending else 0
        while self._pending and len(self._active) < seats:
            self._begin(self._pending.popleft())

    def _begin(self, chunk: Chunk) -> None:
        chunk.begin()
        group = self.groups[chunk.place]
        slots = (
            min(self.record["slots"], len(chunk.entries)) if self.record["name"] == "steps" else self.record["slots"]
        )
        self._active[self.crew.begin(group, chunk, self.record["name"], slots)] = chunk

    def _heard(
        self, posted: Sequence[News], results: list[LaneResult], on_round: Callable[[Round], None]
    ) -> list[LaneResult]:
        """Takes note of news; gives the lanes that have trained."""
        chunks = {(chunk.number, chunk.attempt): chunk for chunk in self._active.values()}
        trained: dict[int, LaneResult] = {}
        for post in posted:
            chunk = chunks.get((post.chunk, post.attempt))
            # Otherwise it is of a task that was given up.
            if chunk is not None and chunk.is_told_by(post):
                for news in chunk.in_order(post):
                    trained |= self._noted(chunk, news, results, on_round)
        return list(trained.values())

    def _noted(
        self, chunk: Chunk, news: News, results: list[LaneResult], on_round: Callable[[Round], None]
    ) -> dict[int, LaneResult]:
        """Takes note of a chunk's next news; gives the lanes that have trained, by number."""
        trained: dict[int, LaneResult] = {}
        chunk.heard = chunk.heard or bool(news.rounds)
        results += news.ended
        if news.standing is None:
            chunk.ended |= {result.plan.lane for result in news.ended}
        else:
            chunk.entries, chunk.ended = news.standing, set()
        ended = {result.plan.lane: result for result in news.ended}
        for one in news.rounds:
            rows = [row for row in self._mirrored(chunk, one, ended) if self._is_new(row)]
            trained |= {result.plan.lane: result for result in rows}
            finished = [ended[lane] for lane in one.ended]
            if not rows and not finished:
                continue
            live = sum(1 for other in self._active.values() for _ in other.live())
            waiting = sum(len(other.entries) for other in self._pending)
            on_round(Round(0, rows, finished, live, waiting))
        return trained

    def _is_new(self, row: LaneResult) -> bool:
        """Whether nobody was told of this lane's epoch before."""
        epoch, lane = len(row.history), row.plan.lane
        new = epoch > self._told.get(lane, 0)
        if new:
            self._told[lane] = epoch
        return new

    @staticmethod
    def _mirrored(chunk: Chunk, one: Trained, ended: dict[int, LaneResult]) -> list[LaneResult]:
        """The lanes of an epoch with their histories up to it."""
        rows = []
        for lane, logs in one.logs.items():
            mirror = chunk.mirrors[lane]
            mirror.history.append(logs)
            if lane in one.ended:
                mirror = ended[lane]
                del chunk.mirrors[lane]
            rows.append(mirror)
        return rows

    def _looked_after(
        self, results: list[LaneResult], on_round: Callable[[Round], None], told: bool
    ) -> list[LaneResult]:
        """Puts the lanes of tasks that are over in their places; begins those anew that are lost."""
        import ray

        if not self._active:
            return []
        over, _ = ray.wait(list(self._active), num_returns=len(self._active), timeout=0)
        if not over:
            return []
        # All that they told before is there by now.
        trained = self._heard(self.crew.take(0.01), results, on_round)
        for task in over:
            failure = self.crew.failure(task)
            chunk = self._active.pop(task)
            if failure is None and not told and any(self._unfinished(chunk)):
                failure = RuntimeError("its task ended before its lanes did.")
            if failure is None:
                self._left[chunk.place] += chunk.left()
            else:
                self._lost(chunk, failure)
        return trained

    def _unfinished(self, chunk: Chunk) -> Iterator[LanePlan | Waiting]:
        """Lanes of a chunk that neither ended nor wait for their rung."""
        return (one for one in chunk.left() if chunk.until is None or epochs_of(one) < chunk.until)

    def _lost(self, chunk: Chunk, error: Exception) -> None:
        """Queues the lanes of a lost task, from where they were when it last told of them."""
        chunk.idle = 0 if chunk.heard else chunk.idle + 1
        if chunk.idle >= _ATTEMPTS:
            self._left[chunk.place] += chunk.left()
            raise ClusterFailure(
                f"{len(chunk.left())} lanes were sent to the cluster {_ATTEMPTS} times in a row and lost before their "
                f"first epoch: {first_line(error)} Look at the nodes' memory, and at `ray status`."
            ) from error
        logger.warning(
            "A task with %d lanes on node %s is lost and begins anew: %s",
            len(chunk.left()),
            chunk.node,
            first_line(error),
        )
        self._pending.appendleft(chunk)

    def _forget(self) -> None:
        """Forgets lanes that have not begun; those of chunks that are not under way wait on."""
        for chunk in self._pending:
            self._left[chunk.place] += [one for one in chunk.left() if isinstance(one, Waiting)]
        self._pending.clear()
