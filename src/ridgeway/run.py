"""A run from the first epoch to the saved path: files, bar, callbacks and the interrupt key around the queues."""

from __future__ import annotations

import functools
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ridgeway import storage
from ridgeway.checkpoints.packing import Lanes
from ridgeway.continuation import Continuation, Moment
from ridgeway.data import Parts
from ridgeway.engine.callbacks import Understood
from ridgeway.engine.halving import survivors
from ridgeway.engine.lanes import DIVERGED, HALVED, INTERRUPTED, LaneResult
from ridgeway.engine.queues import Group, LaneQueues
from ridgeway.engine.slots import Round
from ridgeway.errors import AllLanesDiverged, StorageFull, first_line
from ridgeway.events import EventLog
from ridgeway.families import Search
from ridgeway.files import no_space, storage_full
from ridgeway.grouping import Grouping
from ridgeway.honesty import of_record
from ridgeway.hyperparameters import named
from ridgeway.interruption import Interruption
from ridgeway.listening import Listeners, write_checkpoints
from ridgeway.path import Path
from ridgeway.probes import ProbeProgram
from ridgeway.probes.program import Label
from ridgeway.progress import ProgressBar
from ridgeway.results import assemble, assemble_nested, weight_sizes
from ridgeway.structures import Variants
from ridgeway.time_limit import TimeLimit

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """The edge of a run: files, bar, callbacks and the interrupt key around the queues of lanes."""

    variants: Variants
    about: dict[str, Any]
    understood: Understood
    probes: tuple[str, ...]
    out: str | os.PathLike[str] | None
    parts: Parts
    grouping: Grouping
    rungs: tuple[int, ...] = ()
    search: Search | None = None
    ends: TimeLimit | None = None
    continuation: Continuation | None = None

    def train(
        self, groups: list[Group], queues_of: Callable[..., LaneQueues], began: float, ready: float, verbose: Any
    ) -> None:
        """Trains all lanes; what is trained before any error is kept, and saved where there is a directory.

        Args:
            groups: the lanes.
            queues_of: where they train; called with the arguments of `LaneQueues`.
            began: moment of the call.
            ready: moment at which all was ready to train.
            verbose: as in `ProgressBar`.
        """
        self._results: list[LaneResult] = []
        self._labels: dict[int, list[Label]] = {}
        self._told: list[tuple[int, float]] = []
        self._first: float | None = None
        moment = None if self.continuation is None else self.continuation.moment
        begun = None if self.out is None else storage.begin(self.out, self.about)
        events = None
        if begun is not None:
            size = 0 if moment is None else moment.events
            events = EventLog(begun.folder / "events.jsonl", size, self._sizes)
        rules = self.understood.rules
        lanes = sum(len(group.plans) for group in groups)
        metric, mode = self.about["metric"], self.about["mode"]
        if self.search is not None:
            lanes = lanes // self.search.asked * len(self.search.family)
        bar = ProgressBar(lanes, rules.epochs, metric, mode, verbose)
        listeners = Listeners(
            self.understood.listeners, self.variants.given(groups[0].plans[0].configuration), metric, mode, rules.epochs
        )
        if events:
            word = "start" if moment is None else "resume"
            events.write(word, lanes=lanes, epochs=rules.epochs, executor=self.about["executor"])
        status = "failed"
        queues = queues_of(groups=groups, rules=rules, probe=self._probe, ends=self.ends)
        rounds = rung = 0
        stopping = False

        def stop_asked() -> bool:
            return stopping if self.continuation is not None else interruption.asked()

        def on_round(news: Round) -> None:
            nonlocal rounds, stopping
            news = replace(news, number=rounds, waiting=news.waiting + queues.later)
            if not rounds:
                self._first = time.perf_counter() - began
                if self.ends is not None:
                    self.ends.warn(self._first)
            rounds += bool(news.results)
            if events:
                events.round(news)
            bar.round(news)
            listeners.round(news)
            if self.continuation is None or not news.results:
                return
            # Who stops a run may want it to go on another time: what it goes on from is written first.
            asked = interruption.asked() and not stopping
            # Elsewhere lanes may train a moment longer; those that had not begun are forgotten then.
            if asked or (not stopping and self.continuation.checkpoints.due()):
                if events:
                    # A checkpoint counts their bytes.
                    events.sync()
                now = Moment(
                    rung=rung,
                    asked=0 if self.search is None else self.search.asked,
                    told=tuple(self._told),
                    rounds=rounds,
                    first=self._first,
                    elapsed=time.perf_counter() - began,
                    limit=None if self.ends is None else self.ends.seconds,
                    events=events.size if events else 0,
                    best=listeners.best,
                    executor=self.about["executor"],
                )
                self.continuation.save(self._named(queues), queues.course, self._results, now)
            stopping = stopping or asked

        try:
            with Interruption() as interruption, bar:
                listeners.begin()
                if moment is not None:
                    rounds, rung, self._first = moment.rounds, moment.rung, moment.first
                    with self._study():
                        self._go_on(queues, moment)
                    listeners.best = dict(moment.best)
                    bar.go_on(self._results, queues.under_way())
                while self.search is not None:
                    queues.train(self._results, on_round, stop_asked, more=True)
                    if stop_asked() or queues.ended:
                        break
                    with self._study():
                        self._tell(self.search)
                        asked = self._asked(queues, self.search)
                    if not asked:
                        break
                first = rung
                for rung in range(first, len(self.rungs)) if self.rungs else (() if self.search else (0,)):
                    until = self.rungs[rung] if self.rungs else None
                    if until is None or until == rules.epochs:
                        queues.train(self._results, on_round, stop_asked)
                        break
                    deadline = None if self.ends is None else functools.cache(partial(self._deadline, rung))
                    queues.train(self._results, on_round, stop_asked, until, deadline=deadline)
                    if stop_asked() or queues.ended:
                        break
                    self._cut(queues, on_round, until)
                queues.settle(self._results, queues.ended or INTERRUPTED)
                listeners.end()
            self._end_search()
            self._last_checkpoint()
            status = "interrupted" if interruption.asked() else "finished"
        except (Exception, KeyboardInterrupt) as error:
            if self.continuation is not None:
                self.continuation.checkpoints.close()
            queues.leave_all(self._results)
            try:
                self._end_search()
            except Exception as refused:
                # Whatever keeps Optuna from its study, the lanes are there to be saved.
                error.add_note(f"The study in optuna.db could not be brought up to date: {first_line(refused)}")
            self._close(events, began, ready, status)
            if any(result.history for result in self._choosing):
                path = self._assembled()
                error.path = path  # type: ignore[union-attr]
                error.add_note(f"{len(self._results)} lanes were trained: they are in this error's `path`.")
                try:
                    self._save(path)
                except Exception as unsaved:
                    error.add_note(f"They could not be saved: {first_line(unsaved)}")
            elif begun is not None:
                with suppress(StorageFull):
                    begun.take_back()
            raise
        self._close(events, began, ready, status)

    def _sizes(self, result: LaneResult) -> dict[str, float]:
        return weight_sizes(self.variants.of(result.plan.configuration), result)

    def _last_checkpoint(self) -> None:
        """Ends the writing of checkpoints: all lanes have ended, and one that failed keeps nobody from saving them."""
        if self.continuation is None:
            return
        try:
            self.continuation.checkpoints.wait()
        except Exception as error:
            logger.warning("The last checkpoint could not be written: %s", first_line(error))
        self.continuation.checkpoints.close()

    def _named(self, queues: LaneQueues) -> Lanes:
        plans = {plan.lane: plan for group in queues.groups for plan in group.plans}
        return Lanes(queues.groups, plans, queues.probe_of)

    def _go_on(self, queues: LaneQueues, moment: Moment) -> None:
        """Puts all lanes, and the search, where they were."""
        assert self.continuation is not None
        if self.search is not None:
            for number, score in moment.told:
                while number >= self.search.asked:
                    self._asked(queues, self.search)
                self._tell_one(self.search, number, score)
            while self.search.asked < moment.asked:
                self._asked(queues, self.search)
        results, course = self.continuation.lanes(self._named(queues))
        self._results += results
        queues.go_on(course)

    def _asked(self, queues: LaneQueues, search: Search) -> bool:
        """Queues the configurations that the search proposes next; whether there are any."""
        first = search.asked
        asked = search.ask()
        if asked:
            queues.add(self.grouping.groups(asked, first))
        return bool(asked)

    def _tell(self, search: Search) -> None:
        """Tells the search the mean score of each configuration that has ended since."""
        for number, scores in self._scores(self._results).items():
            if search.awaits(number):
                self._tell_one(search, number, float(np.mean(scores)))

    def _tell_one(self, search: Search, number: int, score: float) -> None:
        search.tell(number, score)
        self._told.append((number, score))

    def _scores(self, results: Iterable[LaneResult]) -> dict[int, list[float]]:
        """The metric of each configuration's lanes at their kept epoch, NaN where one diverged."""
        scores: dict[int, list[float]] = {}
        for result in results:
            epoch = result.kept_epochs[0]
            value = math.nan if result.stopped == DIVERGED else result.history[epoch][self.about["metric"]]
            scores.setdefault(result.plan.configuration_number, []).append(value)
        return scores

    def _deadline(self, rung: int) -> float:
        """When a rung whose first epoch is over ends at the latest: all have an equal share of the time left.

        The first has two: rungs cost about as much each, but in the later ones lanes begin to stop by themselves. The
        time is shared out anew at each, so that what one leaves is for the others.
        """
        assert self.ends is not None
        shares = 2 / (len(self.rungs) + 1) if rung == 0 else 1 / (len(self.rungs) - rung)
        now = time.perf_counter()
        return now + max(self.ends() - now, 0.0) * shares

    def _cut(self, queues: LaneQueues, on_round: Callable[[Round], None], until: int) -> None:
        """Ends the lanes of all configurations but the best; each outer fold's choice is its own.

        An outer fold's rows must not have a say in what goes on to compete in it.
        """
        outers: list[int | None] = [None, *range(len(self.parts.nested or ()))]
        staying = {outer: self._staying(queues, until, outer) for outer in outers}
        finished = queues.settle(
            self._results, HALVED, lambda plan: plan.configuration_number not in staying[plan.outer]
        )
        if finished:
            on_round(Round(0, [], finished, 0, 0))

    def _staying(self, queues: LaneQueues, until: int, outer: int | None) -> set[int]:
        """The best configurations by the lanes of one outer fold; those that ended by themselves count among them.

        Configurations that time did not take to the end of the rung are out, unless none came there.
        """
        results = [result for result in self._results if result.plan.outer == outer]
        out = {result.plan.configuration_number for result in results if result.stopped == HALVED}
        scores = self._scores(one for one in results if one.plan.configuration_number not in out)
        short = set()
        for result, epoch in queues.standing():
            if result.plan.outer == outer:
                value = result.history[epoch][self.about["metric"]]
                scores.setdefault(result.plan.configuration_number, []).append(value)
                if len(result.history) < until:
                    short.add(result.plan.configuration_number)
        nested = self.parts.nested
        folds = self.parts.choosing if outer is None or nested is None else len(nested.inner[outer])
        repeats = partial(self.grouping.family.repeats_of, repeats=self.about["repeats"])
        whole = {
            number: values
            for number, values in scores.items()
            if number not in short and len(values) == len(repeats(number)) * folds
        }
        scores = whole or scores
        sign = 1.0 if self.about["mode"] == "min" else -1.0
        means = {number: sign * float(np.mean(values)) for number, values in scores.items()}
        return survivors(means, self.about["halving"]["factor"])

    def _probe(self, group: Group) -> ProbeProgram | None:
        probe = self.grouping.probe(group, self.probes)
        if probe is not None:
            labels = probe.labels(group.job.initials[0])
            self._labels |= {plan.lane: labels for plan in group.plans}
        return probe

    def _close(self, events: EventLog | None, began: float, ready: float, status: str) -> None:
        now = time.perf_counter()
        self.about["status"] = status
        self.about["time_limit"] = None if self.ends is None else self.ends.length()
        self.about["seconds"] = {
            "total": round(now - began, 3),
            "setup": round(ready - began, 3),
            "training": round(now - ready, 3),
            "first_epoch": None if self._first is None else round(self._first, 3),
        }
        if events:
            # Saving comes next, and says better what there is no space for.
            with suppress(StorageFull):
                events.write("end", status=status, seconds=self.about["seconds"])
            with suppress(StorageFull):
                events.close()

    def _save(self, path: Path) -> Path:
        if self.out is not None:
            path.save(self.out)
        return path

    @property
    def _choosing(self) -> list[LaneResult]:
        """The lanes that take part in the choice."""
        return [result for result in self._results if result.plan.outer is None]

    def _assembled(self) -> Path:
        path = assemble(self.variants, self.about, self._choosing, self._labels, self.parts)
        path.nested = assemble_nested(self.variants, self.about, self._results, self._labels, self.parts)
        return path

    def finish(self) -> Path:
        """Assembles the path, writes the checkpoints that the callbacks asked for, and saves it.

        In this order: what is not written when the record says that the run is finished never will be.

        Raises:
            AllLanesDiverged: with the path, which is saved all the same.
        """
        if not any(result.history for result in self._choosing):
            raise KeyboardInterrupt("Stopped before any lane finished an epoch.")
        path = self._assembled()
        try:
            if (path.table()["stopped"] != DIVERGED).any():
                path.record["honest"] = of_record(path)
            diverged = bool((path.table()["stopped"] == DIVERGED).all())
            try:
                if not diverged:
                    write_checkpoints(path, self.understood, self._choosing)
            except Exception:
                self._save(path)
                raise
            self._save(path)
            if self.continuation is not None and self.about["status"] == "finished":
                self.continuation.checkpoints.remove()
            if diverged:
                raise self._all_diverged(path)
        except Exception as error:
            error.path = path  # type: ignore[attr-defined]
            error.add_note("What was trained is in this error's `path`.")
            raise
        return path

    def _end_search(self) -> None:
        """Tells the study how it ended, and puts the values that were tried in the place of the ranges.

        Raises:
            StorageFull: there is no space for the study.
        """
        if self.search is None:
            return
        try:
            with self._study():
                self._tell(self.search)
                self.search.close()
        finally:
            self._put_tried()

    @contextmanager
    def _study(self) -> Iterator[None]:
        """What Optuna says of a full disk, in our words."""
        handled = sys.exception()
        try:
            yield
        except Exception as error:
            if self.out is not None and (code := no_space(error, handled)) is not None:
                raise storage_full(os.path.join(self.out, "optuna.db"), code) from error
            raise

    def _put_tried(self) -> None:
        for name, about in self.about["hyperparameters"].items():
            tried = named(name).arranged(result.plan.configuration[name] for result in self._results)
            about |= {"values": list(tried), "order": named(name).order(tried)}

    def _all_diverged(self, path: Path) -> AllLanesDiverged:
        rate = self.about["model"]["optimizer_config"].get("learning_rate")
        return AllLanesDiverged(
            f"All {len(path.table())} lanes diverged: no loss stayed finite. Lower the learning rate"
            f"{f' (it is {rate:g})' if isinstance(rate, float) else ''} or the strengths, or scale the inputs.",
            path,
        )
