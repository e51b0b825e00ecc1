"""What each means of the engine is worth, alone: one against another in turns, in one process on one machine.

What is timed is an epoch's steps on the executor itself, without the host's part, five times in turns; ratios are those
of neighbours. The log of what was predicted, kept and dropped is in docs/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import jax
import jax.numpy as jnp
import keras
import numpy as np
from speed.networks import keras_model
from speed.sides.ridgeway_lanes import family, fit
from speed.workloads import BATCH_SIZE, WORKLOADS, read

import ridgeway as rw
from ridgeway.engine import executor as engine
from ridgeway.engine import probe, step
from ridgeway.engine.executor import StackedExecutor
from ridgeway.hyperparameters import draws

WIDTHS = (8, 16, 32, 64, 128)


def job_of(name: str, data: Path, lanes: int, **changed: Any) -> probe.Job:
    """What the executors of a workload are built from, by beginning a path and stopping before it trains."""
    found: list[probe.Job] = []

    class Enough(Exception):
        """The job is known."""

    def stop(job: probe.Job, *_: Any) -> Any:
        found.append(job)
        raise Enough

    workload, rows = WORKLOADS[name], read(data, name)
    model = changed.pop("model", None) or keras_model(workload, 0.0, 0.0)
    given = {"batch_size": BATCH_SIZE, "validation_data": (rows.x_val, rows.y_val), "verbose": 0, **changed}
    with swapped(probe, "_build", stop), contextlib.suppress(Enough):
        rw.fit_path(model, rows.x, rows.y, family(lanes), **given)
    return found[0]


def inputs(job: probe.Job, slots: int) -> tuple[step.Lane, np.ndarray, np.ndarray]:
    """What an epoch of lanes that begin takes: their numbers, an order of rows each, and which are live."""
    lane = step.Lane(
        {key: np.full(slots, value, np.float32) for key, value in job.values.items()},
        np.zeros(slots, np.uint32),
        np.zeros(slots, np.int32),
        np.zeros(slots, np.int32),
    )
    order = np.tile(np.arange(max(job.program.rows), dtype=np.int32), (slots, 1))
    return lane, order, np.ones(slots, bool)


@contextlib.contextmanager
def swapped(owner: Any, name: str, new: Any) -> Iterator[None]:
    """Another attribute for a while."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, old)


def built(job: probe.Job, kind: str, slots: int, *swaps: tuple[Any, str, Any]) -> engine.Executor:
    """An executor, compiled while something is swapped."""
    with contextlib.ExitStack() as stack:
        for swap in swaps:
            stack.enter_context(swapped(*swap))
        made = probe._build(job, kind, slots)
        probe._time(job, made)
    return made


def in_turns(calls: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Each call so many times, in turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repetitions):
        for name, call in calls.items():
            found[name].append(call())
    return found


def told(what: str, found: Mapping[str, list[float]], unit: str = "µs a lane and step", scale: float = 1e6) -> None:
    """A line: medians, and ratios to the first."""
    first = next(iter(found.values()))
    parts = []
    for name, values in found.items():
        ratios = [value / base for value, base in zip(values, first, strict=True)]
        parts.append(
            f"{name} {scale * statistics.median(values):.2f} "
            f"(× {statistics.median(ratios):.2f}, {min(ratios):.2f}–{max(ratios):.2f})"
        )
    print(f"| {what} | {'; '.join(parts)} | {unit} |", flush=True)


def compare(what: str, makers: Mapping[str, tuple[probe.Job, engine.Executor]], repetitions: int) -> None:
    """Times executors against each other."""
    told(what, in_turns({name: (lambda pair=pair: probe._time(*pair)) for name, pair in makers.items()}, repetitions))


def executors(data: Path, repetitions: int) -> None:
    """`vmap`, `map`, `steps` for each workload, and widths of `vmap`."""
    for name in WORKLOADS:
        job = job_of(name, data, 64)
        kinds = [("vmap", 16), ("map", 16), ("steps", 2), *([("patches", 16)] if job.convolves else [])]
        compare(f"executor, {name}", {kind: (job, built(job, kind, slots)) for kind, slots in kinds}, repetitions)
    for name in ("phoneme", "digits"):
        job = job_of(name, data, 128)
        compare(f"slots, {name}", {str(w): (job, built(job, "vmap", w)) for w in WIDTHS}, repetitions)


def devices(data: Path, repetitions: int) -> None:
    """A device a core against one device with all threads."""
    for name, kind in (("phoneme", "vmap"), ("digits", "map"), ("wide", "map"), ("cnn", "map")):
        job = job_of(name, data, 64)
        one = replace(job, devices=job.devices[:1])
        width = 64 if kind == "vmap" else 16
        both = {"a device a core": (job, built(job, kind, width)), "one device": (one, built(one, kind, width))}
        compare(f"devices, {name}", both, repetitions)


def bits(data: Path, repetitions: int) -> None:
    """Dropout's random bits: once for lanes in step, once where keys agree, for each lane; and no dropout."""
    job = job_of("phoneme", data, 64)
    loose = replace(job, lanes=65)
    alone = (draws, "_drawn_once", lambda random, shape, dtype, in_step: lambda key: random(key, shape, dtype))
    without = (draws, "_keras_dropout", lambda _, inputs, *__, **___: inputs)
    made = {
        "in step": (job, built(job, "vmap", 64)),
        "where they agree": (loose, built(loose, "vmap", 64)),
        "for each lane": (job, built(job, "vmap", 64, alone)),
        "no dropout": (job, built(job, "vmap", 64, without)),
    }
    compare("random bits, phoneme", made, repetitions)


def rows(data: Path, repetitions: int) -> None:
    """Rows gathered a step, or put in order once an epoch; one batch for all lanes, or one each."""

    def once(self: Any, state: Any, lane: Any, order: Any, batches: Any, held: Any) -> Any:
        ordered = jax.tree.map(lambda array: array[order], held)
        return plain(self, state, lane, jnp.arange(len(order), dtype=jnp.int32), batches, ordered)

    def sliced(self: Any, state: Any, lane: Any, order: Any, index: Any, held: Any, size: int) -> Any:
        batch = jax.tree.map(lambda array: jax.lax.dynamic_slice_in_dim(array, index * self.batch_size, size), held)
        return self.train_step(state, lane, lane.epoch * step.by_fold(self.steps, lane.fold) + index, batch)

    plain = step.EpochProgram.train_epoch
    for name, kind, width in (("phoneme", "vmap", 64), ("digits", "vmap", 8), ("digits", "map", 16)):
        job = job_of(name, data, 64)
        swaps = [(step.EpochProgram, "train_epoch", once), (step.EpochProgram, "train_batch", sliced)]
        made = {"a step": (job, built(job, kind, width)), "an epoch": (job, built(job, kind, width, *swaps))}
        compare(f"rows gathered, {name}, {kind}", made, repetitions)


def donation(data: Path, repetitions: int) -> None:
    """States that are given up to their successors, or not."""
    plain = StackedExecutor._compiled

    def kept(self: Any, function: Any, specs: Any, donated: Any) -> Any:
        return plain(self, function, specs, ())

    for name, kind, width in (("phoneme", "vmap", 64), ("wide", "map", 16)):
        job = job_of(name, data, 64)
        made = {"given up": (job, built(job, kind, width))}
        made["not"] = (job, built(job, kind, width, (StackedExecutor, "_compiled", kept)))
        compare(f"donated buffers, {name}", made, repetitions)


def optimizers(data: Path, repetitions: int) -> None:
    """What the optimizer costs, which bounds what fusing its update can gain; and bfloat16."""
    for name, kind, width in (("phoneme", "vmap", 64), ("digits", "map", 16)):
        made = {}
        for title, optimizer in (("AdamW", None), ("SGD", keras.optimizers.SGD(1e-3))):
            model = keras_model(WORKLOADS[name], 0.0, 0.0)
            if optimizer is not None:
                model.compile(optimizer, model.loss)
            job = job_of(name, data, 64, model=model)
            made[title] = (job, built(job, kind, width))
        keras.config.set_dtype_policy("mixed_bfloat16")
        job = job_of(name, data, 64, model=keras_model(WORKLOADS[name], 0.0, 0.0))
        keras.config.set_dtype_policy("float32")
        made["AdamW, mixed_bfloat16"] = (job, built(job, kind, width))
        compare(f"optimizer and dtype, {name}", made, repetitions)


def flattened(data: Path, repetitions: int) -> None:
    """AdamW's update of 64 lanes of phoneme's network alone: a variable at a time, and over one flat array."""
    del data
    shapes = [(5, 64), (64,), (64, 64), (64,), (64, 2), (2,)]
    random = np.random.default_rng(0)
    trees = [[jnp.asarray(random.normal(size=(64, *shape)) ** 2, jnp.float32) for shape in shapes] for _ in range(4)]

    def update(w: Any, m: Any, v: Any, g: Any) -> Any:
        m, v = m + 0.1 * (g - m), v + 0.001 * (g * g - v)
        return w - 1e-3 * m / (jnp.sqrt(v) + 1e-7) - 1e-5 * w, m, v

    def many(w: Any, m: Any, v: Any, g: Any) -> Any:
        new = [update(*parts) for parts in zip(w, m, v, g, strict=True)]
        return tuple(list(part) for part in zip(*new, strict=True))

    def looped(one: Any) -> Any:
        def run(w: Any, m: Any, v: Any, g: Any) -> Any:
            return jax.lax.fori_loop(0, 200, lambda _, own: one(*own, g), (w, m, v))

        return jax.jit(run)

    flat = [jnp.concatenate([part.reshape(64, -1) for part in tree], 1) for tree in trees]
    calls = {}
    for title, function, arguments in (("by variable", looped(many), trees), ("flat", looped(update), flat)):
        jax.block_until_ready(function(*arguments))
        calls[title] = lambda function=function, arguments=arguments: (
            seconds(lambda: jax.block_until_ready(function(*arguments))) / (200 * 64)
        )
    told("AdamW's update alone, one device", in_turns(calls, repetitions))


def host(data: Path, repetitions: int) -> None:
    """A whole epoch as `fit_path` does it, against the device's part of it."""
    for name in ("phoneme", "digits"):
        workload, held = WORKLOADS[name], read(data, name)
        ends: list[float] = []
        clock = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, ends=ends: ends.append(time.perf_counter())
        )
        job = job_of(name, data, 64)
        made = probe.choose(job).executor
        lanes = made.slots
        lane, order, live = inputs(job, lanes)
        alone = [seconds(made.epoch(lane, order, live)) for _ in range(repetitions + 1)][1:]
        fit(
            workload,
            held,
            family(lanes),
            repetitions + 2,
            0,
            callbacks=[clock],
            executor=made.name,
            slots=lanes,
        )
        found = {"device": alone, "with the host's part": np.diff(ends)[1:].tolist()[: len(alone)]}
        told(f"an epoch of {lanes} lanes, {name}", found, "ms", 1e3)


def refill(data: Path, repetitions: int) -> None:
    """Lanes that stop early, in 16 slots that are filled again: time a lane-epoch against lanes that all go on."""
    workload, held = WORKLOADS["phoneme"], read(data, "phoneme")

    def run(patience: int | None) -> float:
        stopping = [keras.callbacks.EarlyStopping(patience=patience)] if patience else []
        grid = rw.Grid(dropout=np.linspace(0, 0.7, 8).tolist(), weight_decay=np.geomspace(1e-4, 1.0, 8).tolist())
        given = {"callbacks": stopping, "executor": "vmap", "slots": 16}
        return fit(workload, held, grid, 30 if patience else 10, 0, **given)[1].warm

    calls = {"all go on": lambda: run(None), "early stopping": lambda: run(3)}
    told("slots filled again, phoneme", in_turns(calls, repetitions), "ms a lane-epoch", 1e3)


def warm(data: Path, repetitions: int) -> None:
    """Epochs that eight strengths of `l1` need in all, each begun anew or with the weights of the one before."""
    workload, held = WORKLOADS["satimage"], read(data, "satimage")
    for seed in range(min(repetitions, 3)):
        words = []
        for name in (None, "l1"):
            grid = rw.Grid(l1=np.geomspace(1e-5, 1e-3, 8).tolist())
            path = fit(workload, held, grid, 60, seed, warm_start=name)[0]
            best = path.table()["val_nll"].min()
            words.append(f"{'warm' if name else 'cold'}: {len(path.history())} lane-epochs, best {best:.4f}")
        print(f"| warm starts, satimage, seed {seed} | {'; '.join(words)} | |", flush=True)


def seconds(call: Callable[[], Any]) -> float:
    """That a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


MEANS = (executors, devices, bits, rows, donation, optimizers, flattened, host, refill, warm)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that `speed/one.py prepare all` wrote")
    parser.add_argument("--only", default=",".join(means.__name__ for means in MEANS))
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    print("| what | medians (ratio to the first, least–most) | unit |\n| --- | --- | --- |")
    for means in MEANS:
        if means.__name__ in options.only.split(","):
            means(options.data, options.repetitions)


if __name__ == "__main__":
    main()
