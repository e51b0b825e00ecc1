"""The cluster as one run knows it: what is sent to it, begun on it, and heard from it."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, field, replace
from typing import Any

from ridgeway.cluster import worker
from ridgeway.cluster.chunks import Chunk, News
from ridgeway.cluster.connection import Share, head_is_gone, nodes
from ridgeway.cluster.mailbox import Mailbox
from ridgeway.cluster.shipment import Shipment, sent
from ridgeway.engine.queues import Group
from ridgeway.errors import InputError


@dataclass
class Crew:
    """The cluster, as far as one run knows it.

    Args:
        shipment: the run.
        share: what each task asks of a node.
        every: seconds from one account of a task's lanes to the next.
    """

    shipment: Shipment
    share: Share
    every: float
    _starting: dict[int, tuple[Any, Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sends the run to the cluster."""
        import ray

        self._shipment = sent(self.shipment, "The run")
        self._train, self._measure = (
            ray.remote(function).options(**self.share.options()) for function in (worker.train, worker.measure)
        )
        # News must outlive any other node.
        head = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}
        self.mailbox = ray.remote(Mailbox).options(**head).remote()

    def measure(self, group: Group, lanes: int, name: str, slots: int | None) -> tuple[dict[str, Any], float | None]:
        """Chooses the executor on one of the nodes; see `worker.measure`.

        Args:
            group: the first one.
            lanes: in all.
            name: of the executor, or "auto".
            slots: lanes side by side, None to choose.
        """
        seats = self.share.seats()
        share = math.ceil(lanes / seats)
        task = self._measure.remote([self._shipment], [self._initials(group)], group.plans[0], share, name, slots)
        record, seconds = _got(task)
        where = {"nodes": nodes(), "tasks": seats, "cpus": self.share.cpus, "gpus": self.share.gpus}
        return {**record, "devices": record["devices"] * seats, "cluster": where}, seconds

    def begin(self, group: Group, chunk: Chunk, name: str, slots: int) -> Any:
        """Begins a chunk's task; gives the reference by which it is waited for."""
        bare = replace(chunk, mirrors={}, ended=set())
        return self._train.remote(
            [self._shipment], [self._initials(group)], bare, name, slots, self.mailbox, self.every
        )

    def failure(self, task: Any) -> Exception | None:
        """Why a task that is over is lost, with its worker or node; None where it came to its end.

        Raises:
            Exception: what it raised itself, which another attempt would raise again.
        """
        import ray

        try:
            ray.get(task)
        except ray.exceptions.RayTaskError as error:
            raise _own(error) from None
        except ray.exceptions.RayError as error:
            return error
        return None

    def take(self, seconds: float) -> list[News]:
        """What tasks have told since, as soon as there is something."""
        return [pickle.loads(news) for news in _got(self.mailbox.take.remote(seconds))]

    def tell(self, word: Any) -> None:
        """Tells all tasks something."""
        _got(self.mailbox.tell.remote(word))

    def _initials(self, group: Group) -> Any:
        """A reference to a group's starting states, which are sent once."""
        key = id(group.job.initials)
        if key not in self._starting:
            # The list is held, so that no other one gets its identity.
            self._starting[key] = (group.job.initials, sent(group.job.initials, "The starting weights"))
        return self._starting[key][1]


def _got(reference: Any) -> Any:
    """What a reference stands for.

    Raises:
        ClusterFailure: the head, or the node that was to give it, is gone.
        Exception: what the task raised.
    """
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise _own(error) from None
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise head_is_gone(error) from error


def _own(error: Any) -> Exception:
    """What a task raised; Ray's own wrapping of it holds the whole traceback as its text."""
    cause = error.cause
    if isinstance(cause, InputError):
        return cause
    cause.add_note(str(error))
    return cause
