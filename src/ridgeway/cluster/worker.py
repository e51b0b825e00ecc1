"""What a task does on its node."""

from __future__ import annotations

import pickle
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import jax

from ridgeway import compilation_cache
from ridgeway.checkpoints.generations import spacing
from ridgeway.cluster.chunks import Chunk, News, Trained
from ridgeway.cluster.shipment import Shipment
from ridgeway.data import row_orders
from ridgeway.engine.executor import Executor
from ridgeway.engine.lanes import LanePlan, LaneResult
from ridgeway.engine.probe import choose, fitting
from ridgeway.engine.queues import Group, plan_of
from ridgeway.engine.slots import Round, Slots, Waiting
from ridgeway.engine.state import ModelState
from ridgeway.engine.watch import Watch
from ridgeway.errors import InputError
from ridgeway.record import versions
from ridgeway.structures import key_of, structure_of

#: A word to tasks: to stop, with the reason, or to let lanes wait.
STOP, PAUSE = "stop", "pause"

# Seconds from one post to the next: a bar can show no more.
_EVERY = 0.25
# Posts that are under way before a task waits for one to arrive.
_UNDER_WAY = 2


@dataclass
class Workshop:
    """The programs of one run in this process: built once, whatever chunks come.

    Args:
        shipment: the run.

    Attributes:
        grouping: its groups, built here.
    """

    shipment: Shipment
    _groups: dict[Any, Group] = field(init=False, default_factory=dict)
    _executor: tuple[tuple[Any, ...], Executor] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Builds the model."""
        own = {**versions(), "ridgeway": version("ridgeway")}
        other = [
            f"{name} {own[name]} (here {known})" for name, known in self.shipment.versions.items() if own[name] != known
        ]
        if other:
            raise InputError(
                f"{socket.gethostname()} has {', '.join(other)}: lanes would differ from node to node. Install the "
                "same versions on all."
            )
        self.grouping = self.shipment.grouping()

    def group(self, plans: Sequence[LanePlan], initials: Sequence[ModelState]) -> Group:
        """The group of these plans, which have one structure, with the starting states that are given."""
        key = key_of(structure_of(plans[0].configuration))
        if key not in self._groups:
            group = self.grouping.group_of(plans[:1])
            shapes = [jax.tree.map(lambda leaf: leaf.shape, states[0]) for states in (group.job.initials, initials)]
            if shapes[0] != shapes[1]:
                raise InputError(
                    f"The model built on {socket.gethostname()} has other variables than the one at the run's own "
                    "place. Let the function that builds it depend on its arguments alone."
                )
            self._groups[key] = replace(group, job=replace(group.job, initials=initials))
        return self._groups[key]

    def executor(self, group: Group, name: str, slots: int) -> Executor:
        """An executor of this kind and width; the last one is kept."""
        key = (id(group.job.program), name, slots)
        if self._executor is None or self._executor[0] != key:
            # The last one's arrays make room first.
            self._executor = None
            # All slots of a chunk need not be in step: lanes that waited are further than those that begin.
            job = replace(group.job, together=False)
            self._executor = (key, choose(job, name, min(slots, fitting(job))).executor)
        return self._executor[1]


# The run that this process trains for, by where its shipment is in the object store.
_workshop: tuple[str, Workshop] | None = None


def _opened(shipment: Any) -> Workshop:
    """The workshop of a run, given where its shipment is in the object store."""
    import ray

    global _workshop
    compilation_cache.enable()
    key = shipment.hex()
    if _workshop is None or _workshop[0] != key:
        # The last run's arrays make room first.
        _workshop = None
        _workshop = (key, Workshop(ray.get(shipment)))
    return _workshop[1]


def measure(
    shipment: list[Any], initials: list[Any], plan: LanePlan, lanes: int, name: str, slots: int | None
) -> tuple[dict[str, Any], float | None]:
    """Chooses the executor for all nodes by timing candidates on this one.

    Args:
        shipment: a reference to the run, in a list: what stands by itself Ray would fetch.
        initials: a reference to the starting states, likewise.
        plan: of a lane of the first group.
        lanes: that a task will train.
        name: of the executor, or "auto".
        slots: lanes side by side, None to choose.

    Returns:
        The record, and what a lane takes that trains all epochs, in seconds: None where it was not timed.
    """
    import ray

    workshop = _opened(shipment[0])
    group = workshop.group([plan], ray.get(initials[0]))
    job = replace(group.job, lanes=lanes, together=False)
    choice = choose(job, name, slots)
    timed = choice.record["timings"].get(f"{choice.record['name']} x {choice.record['slots']}")
    return choice.record, None if timed is None else timed * job.lane_steps / job.lanes


def train(
    shipment: list[Any], initials: list[Any], chunk: Chunk, name: str, slots: int, mailbox: Any, every: float
) -> None:
    """Trains a chunk of lanes; what comes of it goes to the mailbox.

    Args:
        shipment: as in `measure`.
        initials: as in `measure`, those of the chunk's group.
        chunk: the lanes.
        name: of the executor.
        slots: lanes side by side.
        mailbox: the actor.
        every: seconds from one account of all lanes' states to the next.
    """
    import ray

    workshop = _opened(shipment[0])
    group = workshop.group([plan_of(one) for one in chunk.entries], ray.get(initials[0]))
    executor = workshop.executor(group, name, slots)
    settings, parts = workshop.shipment.settings, workshop.shipment.parts
    order = row_orders(parts, settings["seed"], workshop.shipment.shuffle, slots, settings["repeats"])
    results: list[LaneResult] = []
    post = Post(mailbox, chunk, results, every)
    lanes = Slots(
        executor,
        group.job.program,
        workshop.shipment.rules,
        order,
        settings["seed"],
        Told(post=post),
        0,
        workshop.grouping.probe(group, workshop.shipment.probes),
    )
    post.states = lambda: lanes.stand().entries()
    waiting = lanes.train(
        chunk.entries, results, post.round, lambda: False, chunk.until, lambda: post.word() == (PAUSE,)
    )
    post.close(waiting)


@dataclass
class Post:
    """Sends what a task has to tell, and hears what it is told.

    Args:
        mailbox: the actor.
        chunk: the lanes.
        results: receives lanes that end.
        every: seconds from one account of all lanes' states to the next.
        states: gives them.
    """

    mailbox: Any
    chunk: Chunk
    results: list[LaneResult]
    every: float
    states: Callable[[], list[LanePlan | Waiting]] = list
    _rounds: list[Trained] = field(init=False, default_factory=list)
    _sent: int = field(init=False, default=0)
    _replies: deque[Any] = field(init=False, default_factory=deque)
    _word: Any = field(init=False, default=None)
    _cost: float = field(init=False, default=0.0)
    _account: Any = field(init=False, default=None)
    _count: int = field(init=False, default=0)
    _execution: str = field(init=False, default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        """The time runs from here."""
        self._last = self._told = time.perf_counter()

    def word(self) -> Any:
        """What tasks were told last, as far as is known without waiting."""
        import ray

        while self._replies and ray.wait([self._replies[0]], timeout=0)[0]:
            self._hear()
        return self._word

    def round(self, news: Round) -> None:
        """Notes an epoch, and tells of it where it is time."""
        logs = {result.plan.lane: result.history[-1] for result in news.results}
        self._rounds.append(Trained(logs, tuple(result.plan.lane for result in news.finished), news.live))
        now = time.perf_counter()
        due = now - self._told >= spacing(self.every, self._cost)
        if not due and now - self._last < _EVERY:
            return
        self._send(self.states() if due else None)
        if due:
            self._account = self._replies[-1]
            self._told = time.perf_counter()
            self._cost = self._told - now

    def close(self, waiting: list[Waiting]) -> None:
        """Tells how all lanes stand at the end, and waits until it is heard."""
        import ray

        self._send(list(waiting))
        ray.get(list(self._replies))

    def _hear(self) -> None:
        """Takes the oldest reply, waiting where it is not there."""
        import ray

        reply = self._replies.popleft()
        self._word = ray.get(reply)
        if reply is self._account:
            self._account = None

    def _send(self, standing: list[LanePlan | Waiting] | None) -> None:
        import ray

        while len(self._replies) >= _UNDER_WAY:
            began = time.perf_counter()
            waited_for_account = self._account is not None
            self._hear()
            if waited_for_account:
                # The mailbox is busy with what was large: that is a part of its price.
                self._cost += time.perf_counter() - began
        news = News(
            self.chunk.number,
            self.chunk.attempt,
            self._execution,
            self._count,
            ray.get_runtime_context().get_node_id(),
            self._rounds,
            self.results[self._sent :],
            standing,
        )
        self._rounds, self._sent, self._count = [], len(self.results), self._count + 1
        self._replies.append(self.mailbox.post.remote(pickle.dumps(news, protocol=5)))
        self._last = time.perf_counter()


@dataclass
class Told(Watch):
    """Stops lanes when the task is told to; the whole path is watched from elsewhere.

    Args:
        post: hears it.
    """

    post: Post | None = None

    def verdict(self, trained: Sequence[LaneResult], live: Sequence[LaneResult], waiting: int) -> str | None:
        """See the base class."""
        assert self.post is not None
        word = self.post.word()
        return word[1] if word is not None and word[0] == STOP else None
