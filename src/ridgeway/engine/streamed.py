"""Slots full of lanes that share one pass over rows which do not fit in memory.

An epoch is a pass: chunks of batches come to the device while the last ones are trained on, and every lane trains on
every batch. The step is that of `EpochProgram`; here only what is around it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from ridgeway.data import Chunk, Stream, ahead
from ridgeway.engine.common import Common
from ridgeway.engine.executor import StackedExecutor, chosen
from ridgeway.engine.state import ModelState, Weights
from ridgeway.engine.step import EpochProgram, Lane, Logs, alike, scalars
from ridgeway.keras_internals import has_own_step

# Chunks on the device that wait for their turn. While one is trained on, the next has been handed over already.
_AHEAD = 2


class StreamedExecutor(StackedExecutor):
    """As `StackedExecutor`, with rows that come in chunks.

    All lanes see the same batches. The order of a pass is drawn for the epoch of the lane that is furthest: lanes that
    began together have at each epoch the order that a lone lane would have there.

    Args:
        program: the steps of one lane.
        data: the training rows.
        validation: the validation rows, or None.
        initials: the states that lanes start from.
        slots: number of lanes; a multiple of the number of devices.
        keepers: how many sets of kept weights each slot has.
        name: "vmap" or "map"; a lane trains on a whole chunk before the next does.
        devices: the devices to share the slots.
        common: places of the non-trainable values that no lane changes.
    """

    def __init__(
        self,
        program: EpochProgram,
        data: Stream,
        validation: Stream | None,
        initials: Sequence[ModelState],
        slots: int,
        keepers: int,
        name: str,
        devices: Sequence[jax.Device],
        common: Sequence[int] = (),
    ) -> None:
        super().__init__(program, (None, None, None), None, initials, slots, keepers, name, devices, common)
        self._stream, self._checked = data, validation
        # Validation rows that are in memory stay on the device from the first epoch on.
        self._in_memory: list[Chunk] | None = None
        one, shared = P("lane"), P()
        self._begin = self._compiled(self._keeping, [one] * 3, donated=(0, 1))
        self._train = self._compiled(self._trained, [one] * 3 + [shared] * 3, donated=(0,))
        self._turn = self._compiled(self._turned, [one] * 4 + [shared], donated=(0,))
        self._test = self._compiled(self._tested, [one] * 3 + [shared] * 3, donated=(0,))
        self._end = self._compiled(self._ended, [one] * 4 + [shared], donated=())

    # --- programs of all slots --------------------------------------------------------------------------------

    def _keeping(self, state: ModelState, kept: list[Weights], pending: Any) -> Any:
        """Copies what the last epoch's end decided to keep, and resets the metrics."""
        program = self._program
        now = program.weights(state)
        kept = [chosen(pending[:, keeper], now, old) for keeper, old in enumerate(kept)]
        return self._reset(state), kept

    def _reset(self, state: ModelState) -> ModelState:
        slots = state.metrics[0].shape[0] if state.metrics else 0
        fresh = [jnp.broadcast_to(value, (slots, *value.shape)) for value in self._program.reset_metrics(state)]
        return state._replace(metrics=fresh)

    def _trained(self, state: ModelState, lane: Lane, live: Any, common: Common, span: Any, data: Any) -> Any:
        """A chunk: logs, where a step of the user's own makes them, and the state.

        `span` is int32 `(2,)`: the steps of the epoch before the chunk, and those in it.
        """
        program = self._program

        def one(state: ModelState, lane: Lane) -> tuple[Logs, ModelState]:
            before = lane.epoch * program.steps[0] + span[0]

            def step(index: Any, carry: tuple[Logs, ModelState]) -> tuple[Logs, ModelState]:
                logs, new = program.train_step(carry[1], lane, before + index, _batch(data, index))
                return (logs if carry[0] else {}), alike(new, carry[1])

            logs: Logs = {}
            if has_own_step(program.model, "train_step"):
                own = jax.eval_shape(lambda given: program.train_step(given, lane, before, _batch(data, 0))[0], state)
                logs = _carried(own, jax.eval_shape(program.metrics_result, state))
            return lax.fori_loop(0, span[1], step, (logs, state))

        return (*self._lanes(one, state, lane, live, common), lane.epoch + span[1])

    def _turned(self, state: ModelState, logs: Logs, lane: Lane, live: Any, common: Common) -> Any:
        """From training to validation: the logs of the one, and metrics reset for the other."""
        program = self._program

        def one(state: ModelState, given: tuple[Logs, Lane]) -> tuple[Logs, ModelState]:
            logs = given[0] or program.metrics_result(state)
            if not program.validates:
                return program.with_validation(logs, state, given[1], jnp.int32(0), None)
            return scalars(logs), state._replace(metrics=program.reset_metrics(state))

        return self._lanes(one, state, (logs, lane), live, common)

    def _tested(self, state: ModelState, lane: Lane, live: Any, common: Common, span: Any, data: Any) -> Any:
        """A chunk of validation rows: the last logs, sums over rows, and the state."""
        program = self._program

        def one(state: ModelState, lane: Lane) -> tuple[tuple[Logs, Logs], ModelState]:
            raw = state.trainable
            state = state._replace(trainable=program.weights(state)[0])

            def at(index: Any, state: ModelState) -> tuple[Logs, Logs, ModelState]:
                return program.test_step(state, lane, _batch(data, index))

            own, beside = jax.eval_shape(lambda given: at(0, given)[:2], state)
            logs = _carried(own, jax.eval_shape(program.metrics_result, state))
            sums = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in beside.items()}

            def step(index: Any, carry: tuple[Logs, Logs, ModelState]) -> tuple[Logs, Logs, ModelState]:
                new_logs, found, new = at(index, carry[2])
                sums = {name: value + found[name] for name, value in carry[1].items()}
                return (new_logs if carry[0] else {}), sums, alike(new, carry[2])

            logs, sums, state = lax.fori_loop(0, span[1], step, (logs, sums, state))
            return (logs, sums), state._replace(trainable=raw) if program.evaluates_averages else state

        return (*self._lanes(one, state, lane, live, common), lane.epoch + span[1])

    def _ended(self, state: ModelState, trained: Logs, logs: Logs, sums: Logs, rows: Any) -> Logs:
        """The logs of the whole epoch; `rows` were validated on."""
        program = self._program

        def one(state: ModelState, trained: Logs, logs: Logs, sums: Logs) -> Logs:
            found = program.evaluation_logs(scalars(logs or program.metrics_result(state)), sums, rows)
            return {**trained, **{f"val_{name}": value for name, value in found.items()}}

        return jax.vmap(one)(state, trained, logs, sums)

    # --- an epoch ---------------------------------------------------------------------------------------------

    def epoch(
        self, lane: Lane, rows: np.ndarray, live: np.ndarray, batches: tuple[int, int] | None = None
    ) -> Callable[[], dict[str, np.ndarray]]:
        """See the base class; `rows` is not read: the order is that of the pass."""
        number = int(lane.epoch[live].max(initial=0))
        lane, live, pending = self._placed((lane, live, self._pending.copy()))
        self._state, self._kept = self._begin(self._state, self._kept, pending)
        self._pending[:] = False
        chunks = self._stream.chunks(number) if batches is None else self._stream.beginning(batches[0])
        logs: Logs = {}
        for found in self._over(self._coming(chunks), self._train, lane, live):
            logs = found
        if batches is not None:
            jax.block_until_ready(self._state)
            return dict
        logs, self._state = self._turn(self._state, logs, lane, live, self._common)
        if self._checked is not None:
            logs = self._validated(self._checked, logs, lane, live)
        return lambda: {name: np.asarray(value, np.float64) for name, value in jax.device_get(logs).items()}

    def _validated(self, stream: Stream, trained: Logs, lane: Any, live: Any) -> Logs:
        if stream.source.in_memory and self._in_memory is None:
            self._in_memory = list(self._coming(stream.chunks(0)))
        chunks = self._coming(stream.chunks(0)) if self._in_memory is None else (chunk for chunk in self._in_memory)
        rows = 0
        last: Logs = {}
        total: Logs | None = None

        def counted() -> Generator[Chunk]:
            # As they come: of batches that a source makes, not all need be of one size.
            nonlocal rows
            with closing(chunks):
                for chunk in chunks:
                    rows += chunk.steps * jax.tree.leaves(chunk.data)[0].shape[1]
                    yield chunk

        for found, sums in self._over(counted(), self._test, lane, live):
            last = found
            total = sums if total is None else jax.tree.map(jnp.add, total, sums)
        return self._end(self._state, trained, last, total, jax.device_put(np.float32(rows), self._everywhere))

    def _over(self, chunks: Generator[Chunk], run: Callable[..., Any], lane: Any, live: Any) -> Iterator[Any]:
        """Runs a program on each chunk and gives what it found there."""
        done = 0
        before: Any = None
        with closing(chunks):
            for chunk in chunks:
                span = jax.device_put(np.array([done, chunk.steps], np.int32), self._everywhere)
                found, self._state, running = run(self._state, lane, live, self._common, span, chunk.data)
                done += chunk.steps
                # One is under way and one behind it. Without a wait all would be queued, with their rows.
                if before is not None:
                    before.block_until_ready()
                before = running
                yield found

    def _coming(self, chunks: Generator[Chunk]) -> Generator[Chunk]:
        """Chunks on the device, of which the next come while one is used."""

        def sent() -> Generator[Chunk]:
            with closing(chunks):
                for chunk in chunks:
                    yield chunk._replace(data=jax.device_put(chunk.data, self._everywhere))

        return ahead(sent(), _AHEAD)


def _batch(data: Any, index: Any) -> Any:
    return jax.tree.map(lambda array: array[index], data)


def _carried(own: Any, metrics: Any) -> Logs:
    """Logs to carry through a loop: none where the metrics hold them, zeros where a user's step makes its own."""
    if set(own) == set(metrics):
        return {}
    return {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in own.items()}
