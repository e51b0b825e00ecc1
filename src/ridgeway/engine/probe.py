"""Which executor, and how many slots: chosen by timing a few steps, within memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ridgeway.data import Stream
from ridgeway.engine.common import parted
from ridgeway.engine.executor import LOCKSTEP, Executor, StackedExecutor, StepsExecutor, in_host_memory
from ridgeway.engine.state import ModelState
from ridgeway.engine.step import Batch, EpochProgram, HeldRows, Lane
from ridgeway.engine.streamed import StreamedExecutor
from ridgeway.errors import InputError
from ridgeway.keras_internals import all_layers
from ridgeway.memory import memory

NAMES = ("vmap", "patches", "map", "steps")

# Seconds of training below which trying another executor costs more than it can be expected to save: compiling it takes
# two to four seconds, and a second one is seldom the faster, by a third then.
WORTH_A_PROBE = 20.0
# Steps that are timed, after one that compiles: enough to stand out from what a call costs by itself.
TIMED_STEPS = 24
# Lanes side by side on a GPU, where memory lets them.
_WIDE_ON_ACCELERATOR = 4096
# Parameters up to which lanes in lockstep win clearly on a CPU: above, one lane's arrays fill the cache.
SMALL = 50_000
# Share of the free memory that the slots may take.
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class Job:
    """Everything an executor is built from, but its kind and width; `common` as in `StackedExecutor`.

    Where lanes begin with the weights of others, `at_once` is how many can train side by side. `together` says that all
    lanes begin at the same time; in a search further ones come later, and the program must be the same whenever.
    """

    program: EpochProgram
    data: Batch | Stream
    validation: Batch | HeldRows | Stream | None
    initials: Sequence[ModelState]
    keepers: int
    lanes: int
    epochs: int
    values: dict[str, float]
    repeats: int = 1
    common: tuple[int, ...] = ()
    at_once: int | None = None
    together: bool = True
    devices: Sequence[jax.Device] = field(default_factory=jax.local_devices)

    @property
    def on_cpu(self) -> bool:
        """Whether the devices are CPU cores."""
        return in_host_memory(self.devices)

    @property
    def first(self) -> Batch:
        """The first training row."""
        if isinstance(self.data, Stream):
            return self.data.head(1)
        first: Batch = jax.tree.map(lambda array: array[:1], self.data)
        return first

    @property
    def example_lane(self) -> Lane:
        """A lane's own inputs, to trace the program with."""
        return Lane({name: np.float32(value) for name, value in self.values.items()}, jnp.uint32(0), jnp.int32(0))

    @property
    def convolves(self) -> bool:
        """Whether the model has convolutions."""
        return any(
            isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Conv3D)
            for layer in all_layers(self.program.model)
        )

    @property
    def recurs(self) -> bool:
        """Whether the model has a loop over time."""
        return any(isinstance(layer, keras.layers.RNN) for layer in all_layers(self.program.model))

    @property
    def own_parameters(self) -> int:
        """Weights that each lane has for itself."""
        own = jax.tree.leaves(parted(self.initials[0].weights, self.common))
        return sum(int(np.size(values)) for values in own)

    @property
    def lane_steps(self) -> int:
        """Training steps of all lanes, if none stops early."""
        return self.lanes * self.epochs * max(self.program.steps)


@dataclass(frozen=True)
class Choice:
    """The executor, with the record of why.

    Attributes:
        executor: compiled and ready to be filled.
        record: name, slots, devices, why, and the timings in seconds a lane and step.
    """

    executor: Executor
    record: dict[str, Any]


def choose(job: Job, name: str = "auto", slots: int | None = None) -> Choice:
    """Builds the executor, timing candidates where the work is long enough to be worth it.

    Args:
        job: what is to be trained.
        name: "vmap", "patches", "map", "steps", or "auto" to choose.
        slots: lanes side by side, or None to choose.

    Raises:
        InputError: an unknown name, or slots below 1.
    """
    if name not in (*NAMES, "auto"):
        raise InputError(f"Unknown executor '{name}'. There are auto, {', '.join(NAMES)}.")
    if slots is not None and slots < 1:
        raise InputError(f"slots={slots} leaves no place for a lane. Pass at least 1, or None to let it be chosen.")
    candidates = _candidates(job, name, slots)
    asked = name != "auto" and slots is not None
    if asked or (len(candidates) == 1 and not job.on_cpu):
        executor = _build(job, *candidates[0])
        return Choice(executor, _record(job, executor, "asked for" if asked else "the only one that suits", {}))
    timings: dict[str, float] = {}
    best: tuple[float, Executor] | None = None
    for kind, width in candidates:
        executor = _build(job, kind, width)
        if f"{kind} x {executor.slots}" in timings:
            continue
        seconds = _time(job, executor)
        timings[f"{kind} x {executor.slots}"] = seconds
        if best is None or seconds < best[0]:
            best = (seconds, executor)
        total = seconds * job.lane_steps
        if len(timings) == 1 and len(candidates) > 1 and total < WORTH_A_PROBE:
            why = f"all lanes were estimated at {total:.1f} s, too short for trying others to pay"
            return Choice(executor, _record(job, executor, why, timings))
        del executor
    assert best is not None
    over = f"{TIMED_STEPS} steps" if job.on_cpu else "an epoch"
    why = f"the fastest a lane and step of {len(timings)}, timed over {over}"
    return Choice(best[1], _record(job, best[1], why, timings))


def _candidates(job: Job, name: str, slots: int | None) -> list[tuple[str, int]]:
    """Executors and widths to try, the likeliest first: it stands when the work is short.

    The order comes from measurements on two cores and on a GPU (docs/performance.md): lockstep for small nets, a lane
    at a time where one lane's arrays fill the cache and for convolutions on a CPU; on a GPU as many lanes side by side
    as fit.
    """
    small = job.own_parameters <= SMALL
    if not job.on_cpu:
        likely = [("patches" if job.convolves else "vmap", _WIDE_ON_ACCELERATOR)]
        likely += [("vmap", _WIDE_ON_ACCELERATOR)] * job.convolves
    elif job.common:
        # Lanes in step share what stands on common weights, so that all of them go side by side.
        likely = [("vmap", _WIDE_ON_ACCELERATOR), ("map", 16)]
    elif job.convolves:
        likely = [("map", 16), ("steps", 16)]
    elif job.recurs:
        likely = [("map", 16), ("vmap", 64)]
    elif small:
        likely = [("vmap", 64), ("vmap", 32), ("map", 16)]
    else:
        likely = [("map", 16), ("vmap", 16), ("vmap", 8)]
    if name != "auto":
        likely = [pair for pair in likely if pair[0] == name] or [(name, 16 if job.on_cpu else _WIDE_ON_ACCELERATOR)]
    elif isinstance(job.data, Stream):
        # Plain steps would need a pass over the data for each lane.
        likely = [pair for pair in likely if pair[0] != "steps"]
    most = min(job.at_once or job.lanes, fitting(job))
    return list(dict.fromkeys((kind, slots or max(1, min(width, most))) for kind, width in likely))


def fitting(job: Job) -> int:
    """Lanes whose state fits the memory that is free."""
    state = parted(job.initials[0], job.common)
    leaves = jax.tree.leaves(state)
    weights = jax.tree.leaves(state.weights)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
    # The state, its successor while a step is under way, gradients, and a copy a keeper.
    size += sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
    size += (1 + job.keepers) * sum(leaf.size * leaf.dtype.itemsize for leaf in weights)
    return max(1, int(MEMORY_SHARE * _free_memory(job.devices) / max(size, 1)))


def _free_memory(devices: Sequence[jax.Device]) -> float:
    stats = devices[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return float(len(devices) * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    free = memory().free
    # Where the system does not say, as much as a small machine has.
    return float(2**31 if free is None else free)


def _build(job: Job, kind: str, slots: int) -> Executor:
    devices = list(job.devices)[: max(1, min(len(job.devices), slots))]
    program = job.program
    make: Any
    if kind == "steps":
        make = StepsExecutor
    else:
        make = StreamedExecutor if isinstance(job.data, Stream) else StackedExecutor
        slots = -(-slots // len(devices)) * len(devices)
        program = replace(
            program,
            written=_written(job, kind),
            # All lanes of one repeat at once: none begins later than another.
            in_step=kind in LOCKSTEP
            and job.repeats == 1
            and job.together
            and job.lanes <= slots
            and len(set(program.steps)) == len(set(program.rows)) == 1,
        )
    return make(program, job.data, job.validation, job.initials, slots, job.keepers, kind, devices, job.common)


def _written(job: Job, kind: str) -> str:
    if kind == "patches":
        return "patches"
    if not job.on_cpu or (kind in LOCKSTEP and job.common):
        # A function with a gradient of its own has all of its results for each lane, where lanes share them, too.
        return "keras"
    how = "cpu in lockstep" if kind in LOCKSTEP else "cpu"
    return how if _traced(job, replace(job.program, written=how)) else "keras"


def _traced(job: Job, program: EpochProgram) -> bool:
    """Whether a step can be traced with layers written in another way.

    JAX takes no forward-mode derivative of a function with a gradient of its own, as a user's loss of derivatives may.
    """
    layers = all_layers(program.model)
    foreign = [layer for layer in layers if not type(layer).__module__.startswith(("keras.", "ridgeway."))]
    if not foreign and not any(isinstance(layer, keras.layers.Lambda) for layer in layers):
        return True

    def shaped(array: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((program.batch_size, *array.shape[1:]), array.dtype)

    try:
        jax.eval_shape(
            program.train_step, job.initials[0], job.example_lane, np.int32(0), jax.tree.map(shaped, job.first)
        )
    except (TypeError, ValueError, NotImplementedError):
        return False
    return True


def _time(job: Job, executor: Executor) -> float:
    """Seconds a lane and training step, after compilation.

    On a CPU a few steps. Elsewhere a whole epoch: the program that trains knows how many steps it does, and one of
    another length would have to be compiled for its sake.
    """
    lanes = executor.slots if executor.name != "steps" else 1
    lane = Lane(
        values={name: np.full(executor.slots, value, np.float32) for name, value in job.values.items()},
        seed=np.zeros(executor.slots, np.uint32),
        epoch=np.zeros(executor.slots, np.int32),
        fold=np.zeros(executor.slots, np.int32),
    )
    # A stream has an order of its own.
    length = 1 if isinstance(job.data, Stream) else max(job.program.rows)
    rows = np.tile(np.arange(length, dtype=np.int32), (executor.slots, 1))
    live = np.arange(executor.slots) < lanes
    steps = job.program.rows[0] // job.program.batch_size
    few = job.on_cpu or isinstance(job.data, Stream)
    if few:
        steps = min(TIMED_STEPS, steps)

    def run(count: int) -> float:
        began = time.perf_counter()
        executor.epoch(lane, rows, live, batches=(count, 0) if few else None)()
        return time.perf_counter() - began

    executor.fill(dict.fromkeys(range(executor.slots), 0), {})
    run(min(1, steps))
    seconds = [run(steps) for _ in range(2 if few else 1)]
    # Random generators have moved on in all slots: lanes in step must agree in them, with slots that stay empty, too.
    executor.forget()
    partial = bool(job.program.rows[0] % job.program.batch_size) and not isinstance(job.data, Stream)
    return min(seconds) / (lanes * max(steps + partial, 1))


def _record(job: Job, executor: Executor, why: str, timings: dict[str, float]) -> dict[str, Any]:
    devices = len(job.devices) if executor.name != "steps" else 1
    return {
        "name": executor.name,
        "slots": executor.slots,
        "devices": min(devices, executor.slots),
        "why": why,
        "timings": {name: float(f"{seconds:.3g}") for name, seconds in timings.items()},
    }
