"""The queues of a path's lanes: one for each structure, through all rungs of a halving."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ridgeway.engine.executor import LOCKSTEP, Executor, Probe
from ridgeway.engine.lanes import INTERRUPTED, LanePlan, LaneResult
from ridgeway.engine.probe import Choice, Job, choose, fitting
from ridgeway.engine.slots import Order, Round, Rules, Slots, Standing, Waiting, settled
from ridgeway.engine.step import BoundHyperparameter
from ridgeway.engine.watch import Watch, Watched


@dataclass
class Group:
    """Lanes of one structure, which one compiled program trains."""

    plans: list[LanePlan]
    bound: tuple[BoundHyperparameter, ...]
    job: Job


@dataclass(frozen=True)
class Course:
    """All lanes of a path after an epoch: what training goes on from.

    Attributes:
        place: of the group that trains.
        standing: its lanes.
        left: those of each group that wait for their turn, or have had it in this rung; none of the one that trains.
        executors: kind and number of slots of each group that has had its turn.
        watched: what the watch has seen.
    """

    place: int
    standing: Standing
    left: Sequence[Sequence[LanePlan | Waiting]]
    executors: Mapping[int, tuple[str, int]]
    watched: Watched


@dataclass(kw_only=True)
class LaneQueues(ABC):
    """The lanes of a path, trained wherever they are: what is common to one machine and to many.

    Args:
        groups: the lanes, by structure.
        rules: how long lanes train.
        probe: gives what looks into a group's lanes.
        ends: as in `Watch`.

    Attributes:
        later: lanes of other groups that have not begun.
        ended: why the watch has ended the whole path, None where it has not.
    """

    groups: list[Group]
    rules: Rules
    probe: Callable[[Group], Probe | None]
    ends: Callable[[], float] | None = None
    _left: list[list[LanePlan | Waiting]] = field(init=False)
    _watch: Watch = field(init=False)
    _probes: dict[int, Probe | None] = field(init=False, default_factory=dict)
    later: int = field(init=False, default=0)
    ended: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """All lanes are to be trained."""
        self._left = [list(group.plans) for group in self.groups]
        self._watch = Watch(self.rules.max_seconds, self.rules.path, self.ends)

    def add(self, groups: list[Group]) -> None:
        """Queues further lanes: behind those of the same program, or in a group of their own."""
        places = {id(group.job.program): place for place, group in enumerate(self.groups)}
        for group in groups:
            place = places.get(id(group.job.program))
            if place is None:
                self.groups.append(group)
                self._left.append(list(group.plans))
            else:
                self.groups[place].plans += group.plans
                self._left[place] += group.plans

    @abstractmethod
    def course(self) -> Course:
        """Where all lanes are, asked by `on_round`: copies, while they train on."""

    @abstractmethod
    def go_on(self, course: Course) -> None:
        """Lets the next `train` go on from where the lanes of another run of the same groups were."""

    def under_way(self) -> list[LaneResult]:
        """Lanes that have begun and not ended, before `train` goes on with them."""
        return [one.result for one in self._waiting()]

    @abstractmethod
    def train(
        self,
        results: list[LaneResult],
        on_round: Callable[[Round], None],
        stop_asked: Callable[[], bool],
        until: int | None = None,
        more: bool = False,
        deadline: Callable[[], float] | None = None,
    ) -> None:
        """Trains what is left, of each lane at most to `until` epochs; arguments as in `Slots.train`.

        Where there is a deadline, a moment of `time.perf_counter`, lanes wait from then on, whatever epochs they have,
        and those that have not begun are forgotten. It is asked for after the first epoch, which shows what compiling
        takes.

        `more` says that further lanes may come to a group, whose compiled program is then kept.

        Afterwards `ended` says why the watch has ended the whole path, None where it has not.
        """

    @abstractmethod
    def leave_all(self, results: list[LaneResult]) -> None:
        """Takes all lanes as far as they came, after an error."""

    def probe_of(self, place: int) -> Probe | None:
        """What looks into a group's lanes, made once."""
        if place not in self._probes:
            self._probes[place] = self.probe(self.groups[place])
        return self._probes[place]

    def standing(self) -> Iterator[tuple[LaneResult, int]]:
        """The lanes that wait, each with the epoch that it would keep, counted from 0."""
        for one in self._waiting():
            kept = int(one.keeping[0][1])
            yield one.result, kept if kept >= 0 else len(one.result.history) - 1

    def settle(
        self, results: list[LaneResult], stopped: str, which: Callable[[LanePlan], bool] = lambda plan: True
    ) -> list[LaneResult]:
        """Ends lanes that wait; those that never began are forgotten.

        Args:
            results: receives them.
            stopped: why.
            which: tells those that are meant.

        Returns:
            Them.
        """
        ended = []
        for group, left in zip(self.groups, self._left, strict=True):
            chosen = [one for one in left if which(plan_of(one))]
            left[:] = [one for one in left if not which(plan_of(one))]
            ended += [settled(group.job.program, one, stopped) for one in chosen if isinstance(one, Waiting)]
        results += ended
        return ended

    def _waiting(self) -> Iterator[Waiting]:
        return (one for left in self._left for one in left if isinstance(one, Waiting))

    def _taken(self, place: int, until: int | None) -> list[LanePlan | Waiting]:
        """Takes a group's lanes out of those that are left; those that have trained so long stay."""
        left = self._left[place]
        self._left[place] = [one for one in left if until is not None and epochs_of(one) >= until]
        return [one for one in left if until is None or epochs_of(one) < until]


def plan_of(entry: LanePlan | Waiting) -> LanePlan:
    """What is trained."""
    return entry.result.plan if isinstance(entry, Waiting) else entry


def epochs_of(entry: LanePlan | Waiting) -> int:
    """Epochs that it has trained."""
    return len(entry.result.history) if isinstance(entry, Waiting) else 0


@dataclass(kw_only=True)
class Queues(LaneQueues):
    """Trains groups of lanes here, one after another, all on the kind of executor that was chosen for the first.

    Args beside those of `LaneQueues`:
        choice: the first group's executor.
        order: the order of rows.
        seed: the path's seed.
    """

    choice: Choice
    order: Order
    seed: int
    _slots: dict[int, Slots] = field(init=False, default_factory=dict)
    _begun: bool = field(init=False, default=False)
    _place: int = field(init=False, default=0)
    _from: Course | None = field(init=False, default=None)

    def course(self) -> Course:
        """See the base class."""
        executors = {place: (slots.executor.name, slots.executor.slots) for place, slots in self._slots.items()}
        left = [tuple(left) for left in self._left]
        return Course(self._place, self._slots[self._place].stand(), left, executors, self._watch.seen())

    def go_on(self, course: Course) -> None:
        """See the base class."""
        self._from, self._left = course, [list(left) for left in course.left]
        self._watch.go_on(course.watched)
        for place, (name, slots) in course.executors.items():
            known = self.choice.executor
            again = self._begun or place or (known.name, known.slots) != (name, slots)
            self._put_slots(place, choose(self.groups[place].job, name, slots).executor if again else known)

    def under_way(self) -> list[LaneResult]:
        """See the base class."""
        standing = [] if self._from is None else self._from.standing.entries()
        return super().under_way() + [one.result for one in standing if isinstance(one, Waiting)]

    def train(
        self,
        results: list[LaneResult],
        on_round: Callable[[Round], None],
        stop_asked: Callable[[], bool],
        until: int | None = None,
        more: bool = False,
        deadline: Callable[[], float] | None = None,
    ) -> None:
        """See the base class; each group has the share of the time that is due to its lanes."""
        course, self._from = self._from, None
        for place in range(0 if course is None else course.place, len(self.groups)):
            standing = course.standing if course is not None and course.place == place else None
            if stop_asked() or self.ended:
                break
            plans = self._taken(place, until)
            if not plans and standing is None:
                continue
            reached = self._left[place]
            self._place, self.later = place, sum(map(len, self._left)) - len(reached)
            behind = sum(map(len, self._left[place + 1 :]))
            own = len(plans) if standing is None else len(standing.live) + len(standing.queue)
            pause = Pause(deadline, own / max(own + behind, 1)) if deadline else lambda: False
            keep = more or until is not None
            slots = self._slots_for(place, len(plans), keep) if standing is None else self._slots[place]
            slots.later = self.later
            trained = slots.train(plans, results, on_round, stop_asked, until, pause, standing)
            self._left[place] = [*reached, *trained]
            self.ended = slots.ended

    def leave_all(self, results: list[LaneResult]) -> None:
        """See the base class."""
        for slots in self._slots.values():
            slots.leave_all(results)
        self.settle(results, INTERRUPTED)

    def _slots_for(self, place: int, lanes: int, keep: bool) -> Slots:
        """Slots for so many lanes of a group: those that it had, or narrower ones where most would stand empty."""
        group = self.groups[place]
        known = self._slots.get(place)
        if known is not None and (known.executor.name not in LOCKSTEP or known.executor.slots < 2 * lanes):
            return known
        if not keep and known is None:
            # The last group's arrays make room first.
            self._slots.clear()
        chosen = self.choice.executor
        executor = chosen
        if self._begun:
            # The model of this structure may be far larger than the first one's.
            most = min(chosen.slots, lanes, fitting(group.job))
            executor = choose(group.job, chosen.name, most).executor
        return self._put_slots(place, executor)

    def _put_slots(self, place: int, executor: Executor) -> Slots:
        self._begun = True
        job = self.groups[place].job
        self._slots[place] = Slots(
            executor,
            job.program,
            self.rules,
            self.order,
            self.seed,
            self._watch,
            0,
            self.probe_of(place),
            job.initials,
        )
        return self._slots[place]


@dataclass
class Pause:
    """Whether a group's share of the time until a deadline is over; it begins when first asked."""

    deadline: Callable[[], float]
    share: float
    _end: float | None = None

    def __call__(self) -> bool:
        """Whether it is."""
        now = time.perf_counter()
        if self._end is None:
            self._end = now + (self.deadline() - now) * self.share
        return now >= self._end
