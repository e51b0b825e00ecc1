"""The queue: lanes take slots, leave them when they stop, and the next in the queue moves in.

What continuous batching is for inference, for training: one compiled program of a fixed width serves any number of
lanes, and a lane's numbers do not depend on when or beside whom it was trained.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from ridgeway.engine.executor import Executor, Probe, Saved, Taken, left_by
from ridgeway.engine.lanes import COMPLETED, DIVERGED, EARLY, INTERRUPTED, TARGET, LanePlan, LaneResult
from ridgeway.engine.state import ModelState, repeat_seed
from ridgeway.engine.step import EpochProgram, Lane
from ridgeway.engine.stopping import (
    KeepingRule,
    KeepingState,
    StoppingRule,
    StoppingState,
    TargetRule,
    keeps,
    stops,
)
from ridgeway.engine.watch import PathRule, Watch

logger = logging.getLogger(__name__)

#: Gives the order of rows of a (repeat, fold, epoch), int32 `(row,)`, equally long for all folds.
Order = Callable[[int, int, int], np.ndarray]


@dataclass(frozen=True)
class Rules:
    """How long lanes train and what they keep.

    Attributes:
        epochs: most epochs of a lane.
        stopping: rules of which any stops a lane.
        keeping: rules of which each keeps an epoch's weights.
        targets: values at which a lane has done enough.
        max_seconds: time for the whole path, None for no limit.
        path: when no live lane can win any more, None to let each stop by itself.
    """

    epochs: int
    stopping: tuple[StoppingRule, ...] = ()
    keeping: tuple[KeepingRule, ...] = ()
    targets: tuple[TargetRule, ...] = ()
    max_seconds: float | None = None
    path: PathRule | None = None


@dataclass(frozen=True)
class Round:
    """What one epoch of all live slots gave, for progress bars, records and callbacks.

    Attributes:
        number: rounds done, counted from 0.
        results: the lanes that trained; the last entry of each one's history is new.
        finished: those of them that stopped, or lanes that had waited and don't go on, where none trained.
        live: lanes that train on, or start, in the next round.
        waiting: lanes still in the queue.
    """

    number: int
    results: Sequence[LaneResult]
    finished: Sequence[LaneResult]
    live: int
    waiting: int


@dataclass(frozen=True)
class Waiting:
    """A lane that has left its slot and may come back with its state.

    Attributes:
        result: what it has given so far.
        saved: its state, on the host.
        stopping: where it stands with each stopping rule: best, wait, seen.
        keeping: where it stands with each keeping rule: best, epoch.
    """

    result: LaneResult
    saved: Saved
    stopping: Sequence[tuple[Any, ...]]
    keeping: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Standing:
    """All lanes of a `Slots` after an epoch: what training goes on from.

    Attributes:
        live: those in slots, by slot.
        queue: those that wait for a slot, in order.
        waiting: those that have left one until the next rung.
    """

    live: Mapping[int, Waiting]
    queue: Sequence[LanePlan | Waiting] = ()
    waiting: Sequence[Waiting] = ()

    def entries(self) -> list[LanePlan | Waiting]:
        """All of them, wherever they stand."""
        return [*self.live.values(), *self.waiting, *self.queue]


@dataclass
class Slots:
    """Trains lanes on an executor.

    Args:
        executor: where lanes train.
        program: the epoch of one lane.
        rules: how long, and what they keep.
        order: the order of rows.
        seed: the path's seed.
        watch: looks at the whole path; one for all of its groups.
        later: lanes of other groups that have not begun.
        probe: looks at lanes after an epoch, None for no looks.
        initials: the states that lanes start from; needed where lanes begin with the weights of others.
    """

    executor: Executor
    program: EpochProgram
    rules: Rules
    order: Order
    seed: int
    watch: Watch = field(default_factory=Watch)
    later: int = 0
    probe: Probe | None = None
    initials: Sequence[ModelState] = ()
    ended: str | None = field(init=False, default=None)
    _queue: deque[LanePlan | Waiting] = field(init=False, default_factory=deque)
    _waiting: list[Waiting] = field(init=False, default_factory=list)
    _chained: bool = field(init=False, default=False)
    _lanes: list[LaneResult | None] = field(init=False)
    _stopping: list[StoppingState] = field(init=False)
    _keeping: list[KeepingState] = field(init=False)

    def __post_init__(self) -> None:
        """Begins with empty slots."""
        slots = self.executor.slots
        self._lanes = [None] * slots
        self._stopping = [StoppingState.empty(slots) for _ in self.rules.stopping]
        self._keeping = [KeepingState.empty(slots, rule) for rule in self.rules.keeping]

    def train(
        self,
        plans: Iterable[LanePlan | Waiting],
        results: list[LaneResult],
        on_round: Callable[[Round], None],
        stop_asked: Callable[[], bool],
        until: int | None = None,
        pause_asked: Callable[[], bool] = lambda: False,
        standing: Standing | None = None,
    ) -> list[Waiting]:
        """Trains all lanes.

        Args:
            plans: the queue: lanes that have not begun, and lanes that waited.
            results: receives each lane as it stops, so that what is trained survives any error.
            on_round: called after each epoch.
            stop_asked: asked after each epoch; live lanes then end as "interrupted".
            until: epochs after which a lane leaves its slot to wait, None for none.
            pause_asked: asked after each epoch; live lanes then wait with the epochs that they have, and those that
                have not begun are forgotten.
            standing: what to go on from, in the place of `plans`: as `stand` gave it.

        Returns:
            The lanes that wait, those of the queue that never got a slot again included.

        Afterwards `ended` says why the watch has ended the whole path, None where it has not.
        """
        queue = self._queue = deque(plans if standing is None else standing.queue)
        if standing is not None:
            self._waiting = list(standing.waiting)
            self._put(standing.live)
        # Most paths have none, and their queues may be long.
        self._chained = any(isinstance(entry, LanePlan) and entry.after is not None for entry in queue)
        self._follow(results)
        self._refill(queue)
        number = 0
        verdict = None
        while any(self._lanes):
            began = time.perf_counter()
            logs = self._epoch()
            live = [(slot, result) for slot, result in enumerate(self._lanes) if result]
            seconds = (time.perf_counter() - began) / len(live)
            numbers = {name: values.tolist() for name, values in logs.items() if values.ndim == 1}
            arrays = {name: values for name, values in logs.items() if values.ndim > 1}
            for slot, result in live:
                result.history.append({name: values[slot] for name, values in numbers.items()})
                result.arrays.append({name: values[slot] for name, values in arrays.items()})
                result.seconds += seconds
            finished = self._judge(logs)
            trained = [result for _, result in live]
            ended = set(finished)
            going = [result for result in trained if result not in ended]
            verdict = self.watch.verdict(trained, going, len(queue) + len(self._waiting) + self.later)
            asked = stop_asked() or verdict is not None
            if verdict is not None:
                for result in going:
                    result.stopped = verdict
                finished = trained
            paused = pause_asked()
            leaving = {slot: result for slot, result in live if asked or result in ended}
            self._leave(leaving)
            results += leaving.values()
            self._suspend(
                {
                    slot: result
                    for slot, result in live
                    if slot not in leaving and (paused or (until is not None and len(result.history) >= until))
                }
            )
            if not asked and not paused:
                self._follow(leaving.values())
                self._refill(queue)
            now = sum(result is not None for result in self._lanes)
            on_round(Round(number, trained, finished, now, len(queue)))
            number += 1
        self.ended = verdict
        return self._all_waiting()

    def _all_waiting(self) -> list[Waiting]:
        """The lanes that wait, which are then no longer known here; not those that have yet to begin."""
        waiting = [*self._waiting, *(one for one in self._queue if isinstance(one, Waiting))]
        found = [one for one in waiting if one.result.history]
        self._waiting, self._queue = [], deque()
        return found

    def stand(self) -> Standing:
        """Copies of all lanes, after an epoch, while they train on."""
        live = {
            slot: replace(result, history=[*result.history], arrays=[*result.arrays], probed=[*result.probed])
            for slot, result in enumerate(self._lanes)
            if result
        }
        return Standing(self._copied(live), tuple(self._queue), tuple(self._waiting))

    def leave_all(self, results: list[LaneResult]) -> None:
        """Takes live lanes as far as they came, after an error; one whose weights are gone with it is left out."""
        for slot, result in enumerate(self._lanes):
            if result and result.history:
                try:
                    self._leave({slot: result})
                except RuntimeError as error:
                    # What the device held may have gone with the error that ended the run.
                    logger.warning("Lane %d is lost: its weights can't be read (%s).", result.plan.lane, error)
                else:
                    results.append(result)
        results += [settled(self.program, one, INTERRUPTED) for one in self._all_waiting()]

    def _refill(self, queue: deque[LanePlan | Waiting]) -> None:
        starts: dict[int, int] = {}
        starting: dict[int, Mapping[int, float]] = {}
        resumed: dict[int, Waiting] = {}
        for slot, result in enumerate(self._lanes):
            if result is None:
                plan = _next(queue)
                if plan is None:
                    break
                if isinstance(plan, Waiting):
                    resumed[slot] = plan
                    continue
                self._lanes[slot] = LaneResult(plan)
                starts[slot] = plan.start
                starting[slot] = self.program.starting_values(plan.numbers)
                for state in self._stopping:
                    state.reset(slot)
                for rule, kept in zip(self.rules.keeping, self._keeping, strict=True):
                    kept.reset(slot, rule)
        if starts:
            self.executor.fill(starts, starting)
        self._put(resumed)

    def _follow(self, ended: Iterable[LaneResult]) -> None:
        """Lets lanes begin that are to begin with the weights of those that have ended."""
        if not self._chained:
            return
        before = {result.plan.lane: result for result in ended}
        for place, entry in enumerate(self._queue):
            if isinstance(entry, LanePlan) and entry.after in before:
                self._queue[place] = self._begun(entry, before[entry.after])

    def _begun(self, plan: LanePlan, before: LaneResult) -> LanePlan | Waiting:
        """A lane with the weights of another; with its own starting weights where that one came to nothing."""
        if before.stopped == DIVERGED or not before.kept:
            return replace(plan, after=None)
        state = self.program.continued(self.initials[plan.start], before.kept[0], plan.numbers)
        carry = None if self.probe is None else jax.device_get(self.probe.start(state))
        stopping = [StoppingState.empty(1) for _ in self.rules.stopping]
        keeping = [KeepingState.empty(1, rule) for rule in self.rules.keeping]
        return Waiting(
            LaneResult(plan),
            Saved(state, [state.weights] * len(keeping), carry),
            [(one.best[0], one.wait[0], one.seen[0]) for one in stopping],
            [(one.best[0], one.epoch[0]) for one in keeping],
        )

    def _put(self, lanes: Mapping[int, Waiting]) -> None:
        """Lanes that waited into slots."""
        for slot, waiting in lanes.items():
            self._lanes[slot] = waiting.result
            for state, (best, wait, seen) in zip(self._stopping, waiting.stopping, strict=True):
                state.best[slot], state.wait[slot], state.seen[slot] = best, wait, seen
            for kept, (best, epoch) in zip(self._keeping, waiting.keeping, strict=True):
                kept.best[slot], kept.epoch[slot] = best, epoch
        if lanes:
            self.executor.resume({slot: waiting.saved for slot, waiting in lanes.items()})

    def _suspend(self, lanes: Mapping[int, LaneResult]) -> None:
        """Lets lanes leave their slots to wait."""
        for slot, waiting in self._copied(lanes).items():
            self._waiting.append(waiting)
            self._lanes[slot] = None

    def _copied(self, lanes: Mapping[int, LaneResult]) -> dict[int, Waiting]:
        """The lanes of slots with all that they need to go on."""
        return {
            slot: Waiting(
                result,
                saved,
                [(state.best[slot], state.wait[slot], state.seen[slot]) for state in self._stopping],
                [(kept.best[slot], kept.epoch[slot]) for kept in self._keeping],
            )
            for (slot, result), saved in zip(lanes.items(), self.executor.suspend(list(lanes)), strict=True)
        }

    def _epoch(self) -> dict[str, np.ndarray]:
        plans = [result.plan if result else None for result in self._lanes]
        # An empty slot trains a copy of some live lane's inputs; nobody reads what comes out.
        someone = next(plan for plan in plans if plan)
        filled = [plan or someone for plan in plans]
        epochs = self._epochs()
        # An empty slot goes on as one that is live, so that all lanes of a stack draw alike where they can.
        pace = next(int(epoch) for plan, epoch in zip(plans, epochs, strict=True) if plan)
        epochs = np.array([int(epoch) if plan else pace for plan, epoch in zip(plans, epochs, strict=True)])
        lane = Lane(
            values={name: np.array([plan.numbers[name] for plan in filled], np.float32) for name in someone.numbers},
            seed=np.array([repeat_seed(self.seed, plan.repeat) for plan in filled], np.uint32),
            epoch=epochs.astype(np.int32),
            fold=np.array([plan.fold for plan in filled], np.int32),
        )
        if self.executor.in_step and len(set(epochs.tolist())) > 1:
            raise RuntimeError(f"Lanes at epochs {sorted(set(epochs.tolist()))} are in a program for one. Report this.")
        asked = [(plan.repeat, plan.fold, int(epoch)) for plan, epoch in zip(filled, epochs, strict=True)]
        orders = {one: self.order(*one) for one in dict.fromkeys(asked)}
        first = orders[asked[0]]
        # One order for all is laid out by the device.
        rows = (
            np.stack([orders[one] for one in asked])
            if len(orders) > 1
            else np.broadcast_to(first, (len(asked), *first.shape))
        )
        live = np.array([plan is not None for plan in plans])
        wait = self.executor.epoch(lane, rows, live)
        # The device is busy now: draw what the next epoch will need.
        for repeat, fold, epoch in {
            (plan.repeat, plan.fold, int(epoch) + 1)
            for plan, epoch in zip(plans, epochs, strict=True)
            if plan and epoch + 1 < plan.epochs(self.rules.epochs)
        }:
            self.order(repeat, fold, epoch)
        logs = wait()
        if self.probe is not None and (due := live & (epochs % self.probe.every == 0)).any():
            measured = self.executor.look(self.probe, lane.fold, due, due & (epochs == 0))
            for slot in np.flatnonzero(due):
                result = self._lanes[slot]
                assert result is not None
                result.probed.append((int(epochs[slot]), measured[slot]))
        return logs

    def _epochs(self) -> np.ndarray:
        return np.array([len(result.history) if result else 0 for result in self._lanes])

    def _judge(self, logs: Mapping[str, np.ndarray]) -> list[LaneResult]:
        """Keeps and stops; returns the lanes that stop."""
        live = np.array([result is not None for result in self._lanes])
        done = self._epochs() - 1
        finite = np.ones(len(live), bool)
        for name in ("loss", "val_loss"):
            if name in logs:
                finite &= np.isfinite(logs[name])
        healthy = live & finite
        epochs = np.where(healthy, done, -1)
        for keeper, (rule, kept) in enumerate(zip(self.rules.keeping, self._keeping, strict=True)):
            values = logs[rule.monitor.name] if rule.monitor else np.zeros(len(live))
            # A slot that is not healthy keeps what it had: its value is no improvement on anything.
            mask = keeps(rule, kept, values, np.where(healthy, epochs, -1)) & healthy
            if mask.any():
                self.executor.keep(keeper, mask)
        early = np.zeros(len(live), bool)
        for stopping, state in zip(self.rules.stopping, self._stopping, strict=True):
            early |= stops(stopping, state, logs[stopping.monitor.name], np.where(healthy, epochs, -1))
        enough = np.zeros(len(live), bool)
        for target in self.rules.targets:
            enough |= target.reached(logs[target.monitor.name])
        finished = []
        for slot, result in enumerate(self._lanes):
            if result is None:
                continue
            if not finite[slot]:
                result.stopped = DIVERGED
            elif enough[slot]:
                result.stopped = TARGET
            elif early[slot]:
                result.stopped = EARLY
            elif done[slot] + 1 >= result.plan.epochs(self.rules.epochs):
                result.stopped = COMPLETED
            else:
                continue
            finished.append(result)
        return finished

    def _leave(self, lanes: Mapping[int, LaneResult]) -> None:
        """Takes lanes out of their slots for good."""
        for (slot, result), taken in zip(lanes.items(), self.executor.take(list(lanes)), strict=True):
            _ended(result, taken, tuple(int(kept.epoch[slot]) for kept in self._keeping))
            self._lanes[slot] = None


def _next(queue: deque[LanePlan | Waiting]) -> LanePlan | Waiting | None:
    """Takes the first lane that may begin out of the queue."""
    for place, entry in enumerate(queue):
        if isinstance(entry, Waiting) or entry.after is None:
            del queue[place]
            return entry
    return None


def settled(program: EpochProgram, waiting: Waiting, stopped: str) -> LaneResult:
    """Ends a lane that waits.

    Args:
        program: its epoch.
        waiting: the lane.
        stopped: why.
    """
    waiting.result.stopped = stopped
    kept_epochs = tuple(int(epoch) for _, epoch in waiting.keeping)
    return _ended(waiting.result, left_by(program, waiting.saved), kept_epochs)


def _ended(result: LaneResult, taken: Taken, kept_epochs: tuple[int, ...]) -> LaneResult:
    result.last, result.kept, result.kept_epochs = taken.last, taken.kept, kept_epochs
    if result.kept_epochs[0] < 0 and result.stopped != DIVERGED:
        # A rule that never came to keep one (it starts later, or asks too much) leaves the last, as in Keras.
        result.kept_epochs = (len(result.history) - 1, *result.kept_epochs[1:])
        result.fell_back = True
        result.kept = [taken.last, *taken.kept[1:]]
    return result
