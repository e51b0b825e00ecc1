"""Slots full of lanes, and the ways to train them by an epoch: in lockstep, a lane-outer map, or plain steps.

An executor holds the states of its slots on the device and knows nothing of queues, stopping or results. All give
the same numbers up to rounding (the law of lanes); which is fastest depends on the model and the machine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ridgeway.engine.common import Common, parted, whole
from ridgeway.engine.state import ModelState, Weights, stacked
from ridgeway.engine.step import Batch, EpochProgram, HeldRows, Lane

#: Executors whose lanes do each step together.
LOCKSTEP = ("vmap", "patches")
# On an accelerator: where more than one slot in so many is copied to the host, the whole stack travels.
_MANY = 4


class Taken(NamedTuple):
    """What a finished lane leaves: host arrays, trainable and non-trainable in Keras's order."""

    last: Weights
    kept: list[Weights]


class Saved(NamedTuple):
    """All that a lane needs to go on in another slot: host arrays.

    Attributes:
        state: its state.
        kept: what each keeper holds.
        carry: of its last look, None where it was not looked at.
    """

    state: ModelState
    kept: list[Weights]
    carry: Any


class Probe(Protocol):
    """A look at one lane after its epoch; see `ridgeway.probes`."""

    @property
    def data(self) -> Any:
        """The rows to look at."""

    @property
    def every(self) -> int:
        """Epochs from one look to the next."""

    def start(self, state: ModelState) -> Any:
        """The carry of a lane that has not been looked at."""

    def __call__(self, state: ModelState, carry: Any, data: Any, fold: Any) -> tuple[jax.Array, Any]:
        """What was measured, float32 `(label,)`, and the carry for the lane's next look."""


class Executor(ABC):
    """A fixed number of slots, each with the state of one lane.

    Attributes:
        name: "vmap", "patches", "map" or "steps".
        slots: number of lanes that it holds.
        in_step: whether its program is for lanes that are all at one epoch.
    """

    name: str
    slots: int
    in_step: bool = False

    @abstractmethod
    def fill(self, slots: Mapping[int, int], starting: Mapping[int, Mapping[int, float]]) -> None:
        """Puts a fresh lane into slots.

        Args:
            slots: the starting state of each slot, by slot.
            starting: each slot's optimizer variables with a starting value of their own, by place.
        """

    @abstractmethod
    def forget(self) -> None:
        """Empties all slots: the next lanes find no trace of what was timed, in slots that stay empty neither."""

    @abstractmethod
    def epoch(
        self, lane: Lane, rows: np.ndarray, live: np.ndarray, batches: tuple[int, int] | None = None
    ) -> Callable[[], dict[str, np.ndarray]]:
        """Begins an epoch of all live slots.

        Args:
            lane: arrays of shape `(slot,)`.
            rows: int32 `(slot, row)`, each lane's order of rows; may be one order, broadcast.
            live: bool `(slot,)`.
            batches: full batches to do, where time is measured.

        Returns:
            A function that waits and gives the logs, float64 arrays of shape `(slot,)`, and what an epoch gives beside
            numbers, of shape `(slot, ...)`.
        """

    @abstractmethod
    def keep(self, keeper: int, mask: np.ndarray) -> None:
        """Copies the weights of the slots in `mask` into what the keeper holds."""

    @abstractmethod
    def look(self, probe: Probe, folds: np.ndarray, due: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Measures lanes after their epoch.

        Args:
            probe: the same in each call.
            folds: int32 `(slot,)`.
            due: bool `(slot,)`, lanes to look at.
            fresh: bool `(slot,)`, those that were not looked at before.

        Returns:
            `(slot, label)`; rows of lanes that were not due mean nothing.
        """

    @abstractmethod
    def suspend(self, slots: Sequence[int]) -> list[Saved]:
        """Copies everything of slots' lanes to the host, to go on later, here or on another executor."""

    @abstractmethod
    def take(self, slots: Sequence[int]) -> list[Taken]:
        """Copies to the host what the lanes of slots leave where they don't go on."""

    @abstractmethod
    def resume(self, lanes: Mapping[int, Saved]) -> None:
        """Puts suspended lanes into slots."""


def left_by(program: EpochProgram, saved: Saved) -> Taken:
    """What a suspended lane leaves where it does not go on."""
    return Taken((list(map(np.asarray, program.finalize(saved.state))), saved.state.non_trainable), saved.kept)


class StackedExecutor(Executor):
    """All slots in one array per variable, sharded over the local devices; one compiled program an epoch.

    Args:
        program: the epoch of one lane.
        data: training arrays `(x, y, sample_weight)`.
        validation: validation arrays, or None.
        initials: the states that lanes start from.
        slots: number of lanes; a multiple of the number of devices.
        keepers: how many sets of kept weights each slot has.
        name: "vmap": lanes in lockstep, step by step. "patches": likewise, convolutions as matrix products. "map":
            each lane runs its whole epoch, one after another on each device; better where a lane's own arrays fill
            the cache.
        devices: the devices to share the slots.
        common: places of the non-trainable values that no lane changes: each device has one copy of them.
    """

    def __init__(
        self,
        program: EpochProgram,
        data: Batch,
        validation: Batch | HeldRows | None,
        initials: Sequence[ModelState],
        slots: int,
        keepers: int,
        name: str,
        devices: Sequence[jax.Device],
        common: Sequence[int] = (),
    ) -> None:
        if slots % len(devices):
            raise ValueError(f"{slots} slots can't be shared evenly by {len(devices)} devices.")
        self.name, self.slots = name, slots
        self._program = program
        self._mesh = Mesh(np.array(devices), ("lane",))
        self._by_lane = NamedSharding(self._mesh, P("lane"))
        self._everywhere = NamedSharding(self._mesh, P())
        self._data, self._validation = _shared((data, validation), self._everywhere)
        # On the host: a whole stack is laid out there without a compiled program, and most runs need no other.
        self._initials = stacked([parted(state, common) for state in initials])
        self._held: Common = {place: np.asarray(initials[0].non_trainable[place]) for place in common}
        self._common = jax.device_put(self._held, self._everywhere)
        self._filled = False
        self._local = in_host_memory(devices)
        first = np.zeros(slots, np.int32)
        self._state: ModelState = self._placed(_laid_out(self._initials, first))
        # Copies of their own: state and kept weights are both donated.
        self._kept: list[Weights] = [self._placed(_laid_out(self._initials.weights, first)) for _ in range(keepers)]
        self._pending = np.zeros((slots, keepers), bool)
        by_lane, everywhere = P("lane"), P()
        # Lanes that can't but agree share the order of rows, too: it travels once.
        self.in_step = name in LOCKSTEP and program.in_step
        self._one_order = self.in_step and len(program.rows) == 1
        specs = [by_lane] * 4 + [everywhere if self._one_order else by_lane, by_lane] + [everywhere] * 4
        self._epoch = self._compiled(self._all_lanes(), specs, donated=(0, 1))
        self._slot_of = jax.jit(lambda tree, slot: jax.tree.map(lambda values: values[slot], tree))
        self._fill = self._compiled(_fill, [by_lane, everywhere, by_lane, by_lane, by_lane], donated=(0,))
        self._resume = self._compiled(_resumed, [by_lane] * 3, donated=(0,))
        self._probe: Callable[..., Any] | None = None
        self._carry: Any = None

    def _placed(self, tree: Any) -> Any:
        return jax.device_put(tree, self._by_lane)

    def _compiled(
        self, function: Callable[..., Any], specs: Sequence[P], donated: tuple[int, ...]
    ) -> Callable[..., Any]:
        if self._mesh.size > 1:
            function = jax.shard_map(
                function, mesh=self._mesh, in_specs=tuple(specs), out_specs=P("lane"), check_vma=False
            )
        return jax.jit(function, donate_argnums=donated)

    def _all_lanes(self) -> Callable[..., Any]:
        """An epoch of every slot: `(state, kept, pending, lane, rows, live, common, batches, data, validation)`.

        What the last epoch's end decided to keep is copied first: within the program that costs no call of its own.
        """
        program = self._program

        def all_lanes(
            state: ModelState,
            kept: list[Weights],
            pending: Any,
            lane: Lane,
            rows: Any,
            live: Any,
            common: Common,
            *rest: Any,
        ) -> Any:
            now = program.weights(state)
            kept = [chosen(pending[:, keeper], now, old) for keeper, old in enumerate(kept)]
            if self._one_order and common:
                # Rows that are the same for all lanes: what stands on them and on common weights is computed once.
                logs, state = self._lanes(
                    lambda own, given: program.epoch(own, given, rows, *rest), state, lane, live, common
                )
                return logs, state, kept
            if self._one_order:
                # A batch of its own for each lane is the faster operand of a product with the lane's own weights.
                rows = jnp.broadcast_to(rows, (len(live), *rows.shape))
            logs, state = self._lanes(
                lambda own, given: program.epoch(own, *given, *rest), state, (lane, rows), live, common
            )
            return logs, state, kept

        return all_lanes

    def _lanes(self, one: Callable[..., Any], state: ModelState, given: Any, live: Any, common: Common) -> Any:
        """`one(state, given)` of every slot: in lockstep, or one after another without those that are empty."""

        def own(state: ModelState, given: Any) -> tuple[Any, ModelState]:
            found, new = one(whole(state, common), given)
            return found, parted(new, common)

        if self.name in LOCKSTEP:
            return jax.vmap(own)(state, given)

        def skip(slot: tuple[ModelState, Any, Any]) -> Any:
            shapes = jax.eval_shape(own, slot[0], slot[1])[0]
            return jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes), slot[0]

        return lax.map(lambda slot: lax.cond(slot[2], lambda it: own(it[0], it[1]), skip, slot), (state, given, live))

    def fill(self, slots: Mapping[int, int], starting: Mapping[int, Mapping[int, float]]) -> None:
        """See the base class."""
        which = np.zeros(self.slots, np.int32)
        mask = np.zeros(self.slots, bool)
        for slot, start in slots.items():
            which[slot], mask[slot] = start, True
        self._pending[mask] = False
        places = {place for values in starting.values() for place in values}
        values = {
            place: np.array([starting.get(slot, {}).get(place, 0.0) for slot in range(self.slots)], np.float32)
            for place in sorted(places)
        }
        if mask.all() or not self._filled:
            state = _laid_out(self._initials, which)
            for place, value in values.items():
                state.optimizer[place] = value.astype(state.optimizer[place].dtype)
            self._state = self._placed(state)
        else:
            initials = jax.device_put(self._initials, self._everywhere)
            self._state = self._fill(self._state, initials, *self._placed((which, mask, values)))
        self._filled = True

    def epoch(
        self, lane: Lane, rows: np.ndarray, live: np.ndarray, batches: tuple[int, int] | None = None
    ) -> Callable[[], dict[str, np.ndarray]]:
        """See the base class."""
        count: Any = None
        if batches is not None or self._local:
            # One program for all counts compiles once; elsewhere a known count is worth more.
            counts = np.array(self._program.batches if batches is None else batches, np.int32)
            count = jax.device_put(counts, self._everywhere)
        logs, self._state, self._kept = self._epoch(
            self._state,
            self._kept,
            *self._placed((self._pending.copy(), lane)),
            jax.device_put(rows[0], self._everywhere) if self._one_order else self._placed(rows),
            self._placed(live),
            self._common,
            count,
            self._data,
            self._validation,
        )
        self._pending[:] = False
        return lambda: {name: np.asarray(value, np.float64) for name, value in jax.device_get(logs).items()}

    def forget(self) -> None:
        """See the base class: the next lanes are laid out with the whole stack."""
        self._filled = False

    def keep(self, keeper: int, mask: np.ndarray) -> None:
        """Remembers what to copy; the next epoch's program does it."""
        self._pending[mask, keeper] = True

    def look(self, probe: Probe, folds: np.ndarray, due: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """See the base class."""
        if self._probe is None:
            first = whole(jax.tree.map(lambda values: values[0], self._initials), self._held)
            begun = jax.device_get(probe.start(first))
            if self._carry is None:
                carry = jax.tree.map(lambda values: np.repeat(np.asarray(values)[None], self.slots, 0), begun)
                self._carry = self._placed(carry)

            def looks(
                state: ModelState, carry: Any, folds: Any, due: Any, fresh: Any, common: Common, data: Any
            ) -> Any:
                starts = jax.tree.map(lambda values: jnp.broadcast_to(values, (len(due), *values.shape)), begun)
                old = chosen(fresh, starts, carry)
                values, new = jax.vmap(lambda own, kept, fold: probe(whole(own, common), kept, data, fold))(
                    state, old, folds
                )
                return values, chosen(due, new, old)

            self._probe = self._compiled(looks, [P("lane")] * 5 + [P()] * 2, donated=(1,))
            self._probed = jax.device_put(probe.data, self._everywhere)
        own = self._placed((folds, due, fresh))
        values, self._carry = self._probe(self._state, self._carry, *own, self._common, self._probed)
        return np.asarray(values)

    def suspend(self, slots: Sequence[int]) -> list[Saved]:
        """See the base class."""
        found = self._to_host((self._state, self._kept, self._carry), slots)
        return [
            Saved(whole(state, self._held), self._kept_now(slot, self._program.weights(state), kept), carry)
            for slot, (state, kept, carry) in zip(slots, found, strict=True)
        ]

    def take(self, slots: Sequence[int]) -> list[Taken]:
        """See the base class; what the optimizer holds stays where it is."""
        state, program = self._state, self._program
        found = self._to_host((program.finalize(state), state.non_trainable, program.weights(state), self._kept), slots)
        return [
            Taken(whole((last, non_trainable), self._held), self._kept_now(slot, now, kept))
            for slot, (last, non_trainable, now, kept) in zip(slots, found, strict=True)
        ]

    def _kept_now(self, slot: int, now: Weights, kept: Sequence[Weights]) -> list[Weights]:
        """What a slot's keepers hold, were the next epoch's program to copy first."""
        return [
            whole(now if pending else old, self._held) for pending, old in zip(self._pending[slot], kept, strict=True)
        ]

    def _to_host(self, tree: Any, slots: Sequence[int]) -> list[Any]:
        """Each slot's own part of a stack; an array that stands in it twice is copied once."""
        leaves, structure = jax.tree.flatten(tree)
        arrays = {id(leaf): leaf for leaf in leaves}
        values = list(arrays.values())
        parts: list[list[np.ndarray]]
        if self._local:
            parts = [[self._host(value, slot) for value in values] for slot in slots]
        elif _MANY * len(slots) >= self.slots:
            # One transfer of everything is faster than many of little.
            whole = jax.device_get(values)
            parts = [[np.array(value[slot]) for value in whole] for slot in slots]
        else:
            parts = jax.device_get([self._slot_of(values, np.int32(slot)) for slot in slots])
        named = [dict(zip(arrays, part, strict=True)) for part in parts]
        return [jax.tree.unflatten(structure, [own[id(leaf)] for leaf in leaves]) for own in named]

    def resume(self, lanes: Mapping[int, Saved]) -> None:
        """See the base class."""
        mask = np.zeros(self.slots, bool)
        mask[list(lanes)] = True
        self._pending[mask] = False
        someone = next(iter(lanes.values()))
        rows = [lanes.get(slot, someone) for slot in range(self.slots)]
        stack = partial(jax.tree.map, lambda *values: np.stack(values))
        states = [parted(row.state, self._held) for row in rows]
        kept = [[parted(weights, self._held) for weights in row.kept] for row in rows]
        new = self._placed((stack(*states), [*map(stack, *kept)]))
        if mask.all() or not self._filled:
            self._state, self._kept = new
        else:
            self._state, self._kept = self._resume((self._state, self._kept), new, self._placed(mask))
        if someone.carry is not None:
            carries = self._placed(stack(*(row.carry for row in rows)))
            self._carry = carries if self._carry is None else self._resume(self._carry, carries, self._placed(mask))
        self._filled = True

    def _host(self, value: jax.Array, slot: int) -> np.ndarray:
        """A slot's own part where the shards are host memory already."""
        place, within = divmod(slot, self.slots // self._mesh.size)
        shards = sorted(value.addressable_shards, key=lambda shard: shard.index[0].start or 0)
        return np.array(np.asarray(shards[place].data)[within])


def in_host_memory(devices: Sequence[jax.Device]) -> bool:
    """Whether what these devices hold is host memory."""
    return devices[0].platform == "cpu"


def _shared(tree: Any, where: Any) -> Any:
    """The tree on the device, with an array that stands in it twice put there once."""
    placed: dict[int, jax.Array] = {}

    def put(array: Any) -> jax.Array:
        if id(array) not in placed:
            placed[id(array)] = jax.device_put(array, where)
        return placed[id(array)]

    return jax.tree.map(put, tree)


def _laid_out(initials: Any, which: np.ndarray) -> Any:
    """Each slot's starting values, on the host."""
    return jax.tree.map(lambda starts: np.ascontiguousarray(starts[which]), initials)


def chosen(mask: Any, new: Any, old: Any) -> Any:
    """The new tree where the mask is set, lane by lane."""
    return jax.tree.map(
        lambda fresh, stale: jnp.where(mask.reshape((-1,) + (1,) * (stale.ndim - 1)), fresh, stale), new, old
    )


def _resumed(old: Any, new: Any, mask: Any) -> Any:
    return chosen(mask, new, old)


def _fill(state: ModelState, initials: ModelState, which: Any, mask: Any, values: dict[int, Any]) -> ModelState:
    new = chosen(mask, jax.tree.map(lambda starts: starts[which], initials), state)
    optimizer = list(new.optimizer)
    for place, value in values.items():
        optimizer[place] = jnp.where(mask, value.astype(optimizer[place].dtype), optimizer[place])
    return new._replace(optimizer=optimizer)


class StepsExecutor(Executor):
    """One lane after another, one compiled step at a time, as `fit` does, but compiled once for all lanes.

    For models whose step is slow inside a loop and large beside the cost of a call: convolutions on the CPU.
    Arguments are those of `StackedExecutor`.
    """

    name = "steps"

    def __init__(
        self,
        program: EpochProgram,
        data: Batch,
        validation: Batch | HeldRows | None,
        initials: Sequence[ModelState],
        slots: int,
        keepers: int,
        name: str,
        devices: Sequence[jax.Device],
        common: Sequence[int] = (),
    ) -> None:
        del name, common
        self.slots = slots
        device = devices[0]
        self._program = program = replace(program, written="keras")
        self._data, self._validation = _shared((data, validation), device)
        self._initials = jax.device_put(list(initials), device)
        self._state: list[ModelState] = [initials[0]] * slots
        self._kept: list[list[Weights]] = [[initials[0].weights] * slots for _ in range(keepers)]
        self._batch = jax.jit(program.train_batch, static_argnums=5, donate_argnums=0)
        self._validate = jax.jit(program.with_validation)
        self._reset = jax.jit(program.reset_metrics)
        self._result = jax.jit(program.metrics_result)
        self._probe: Callable[..., Any] | None = None
        self._carry: dict[int, Any] = {}

    def fill(self, slots: Mapping[int, int], starting: Mapping[int, Mapping[int, float]]) -> None:
        """See the base class."""
        for slot, start in slots.items():
            state = jax.tree.map(jnp.copy, self._initials[start])
            optimizer = list(state.optimizer)
            for place, value in starting.get(slot, {}).items():
                optimizer[place] = jnp.asarray(value, optimizer[place].dtype)
            self._state[slot] = state._replace(optimizer=optimizer)

    def forget(self) -> None:
        """See the base class: a slot's lane brings all that it has."""

    def epoch(
        self, lane: Lane, rows: np.ndarray, live: np.ndarray, batches: tuple[int, int] | None = None
    ) -> Callable[[], dict[str, np.ndarray]]:
        """See the base class."""
        logs = {int(slot): self._lane_epoch(int(slot), lane, rows, batches) for slot in np.flatnonzero(live)}

        def wait() -> dict[str, np.ndarray]:
            found = jax.device_get(logs)
            names = next(iter(found.values()))
            result = {name: np.full((self.slots, *np.shape(value)), np.nan) for name, value in names.items()}
            for slot, values in found.items():
                for name, value in values.items():
                    result[name][slot] = value
            return result

        return wait

    def _lane_epoch(
        self, slot: int, lane: Lane, rows: np.ndarray, batches: tuple[int, int] | None
    ) -> dict[str, jax.Array]:
        program = self._program
        own: Lane = jax.tree.map(lambda values: jnp.asarray(values[slot]), lane)
        order = jnp.asarray(rows[slot])
        own_rows = program.rows[int(lane.fold[slot])]
        full, left = divmod(own_rows, program.batch_size)
        validation = program.batches[1]
        if batches is not None:
            full, validation = min(full, batches[0]), batches[1]
        state = self._state[slot]
        state = state._replace(metrics=self._reset(state))
        logs: dict[str, jax.Array] = {}
        for index in range(full):
            logs, state = self._batch(state, own, order, np.int32(index), self._data, program.batch_size)
        if left:
            last = np.int32(own_rows // program.batch_size)
            logs, state = self._batch(state, own, order, last, self._data, left)
        if set(logs) == set(jax.eval_shape(self._result, state)):
            logs = self._result(state)
        logs, state = self._validate(logs, state, own, np.int32(validation), self._validation)
        self._state[slot] = state
        return logs

    def keep(self, keeper: int, mask: np.ndarray) -> None:
        """See the base class."""
        for slot in np.flatnonzero(mask):
            # A copy: the state is donated to its next step.
            self._kept[keeper][slot] = jax.tree.map(jnp.copy, self._program.weights(self._state[slot]))

    def look(self, probe: Probe, folds: np.ndarray, due: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """See the base class."""
        if self._probe is None:
            self._probe = jax.jit(probe.__call__)
        rows: dict[int, np.ndarray] = {}
        for slot in map(int, np.flatnonzero(due)):
            state = self._state[slot]
            carry = probe.start(state) if fresh[slot] else self._carry[slot]
            values, self._carry[slot] = self._probe(state, carry, probe.data, folds[slot])
            rows[slot] = np.asarray(values)
        result = np.full((self.slots, len(next(iter(rows.values())))), np.nan, np.float32)
        for slot, measured in rows.items():
            result[slot] = measured
        return result

    def suspend(self, slots: Sequence[int]) -> list[Saved]:
        """See the base class."""
        host = partial(jax.tree.map, lambda value: np.array(value))
        return [
            Saved(host(self._state[slot]), [host(kept[slot]) for kept in self._kept], host(self._carry.get(slot)))
            for slot in slots
        ]

    def take(self, slots: Sequence[int]) -> list[Taken]:
        """See the base class."""
        return [left_by(self._program, saved) for saved in self.suspend(slots)]

    def resume(self, lanes: Mapping[int, Saved]) -> None:
        """See the base class."""
        for slot, saved in lanes.items():
            own = jax.tree.map(jnp.array, saved)
            self._state[slot] = own.state
            for kept, weights in zip(self._kept, own.kept, strict=True):
                kept[slot] = weights
            self._carry[slot] = own.carry
