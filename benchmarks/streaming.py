"""Rows that are streamed against rows in memory: how fast, and in how much memory.

Two questions, each answered in processes of their own:

1. On a file that fits in memory, how many rows a second do lanes train on when it is streamed, against when it is held
   in memory? The same model and lanes; several repeats, the two sides in turn. Timed is what comes after the first
   epoch, in which programs are compiled. Promised: a ratio of at least 0.85.
2. On a larger file, how much memory does a run take at its peak, against one on a file of 16 MiB? Promised: under 2 GB
   in all.

The files are of random numbers, written into a temporary folder and deleted afterwards. Run it by
`make bench-streaming ARGS="--gb 5"`; the exit code is 0 where a target is missed too: it is said. With `--strict`, as
`make soak` runs it, it is 1 where the memory is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FEATURES, BATCH = 256, 256
KINDS = ("memory", "npy", "parquet", "batches")


def write(folder: Path, gigabytes: float, parquet: bool) -> None:
    """`x.npy` and `y.npy`, in pieces, and the same rows as Parquet."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = int(gigabytes * 1e9) // (4 * FEATURES)
    random = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, FEATURES))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (rows,))
    names = [*(f"x{place}" for place in range(FEATURES)), "y"]
    writer = None
    for start in range(0, rows, 1 << 14):
        part = random.standard_normal((min(1 << 14, rows - start), FEATURES), np.float32)
        x[start : start + len(part)] = part
        y[start : start + len(part)] = (part[:, 0] + part[:, 1] * part[:, 2] > 0).astype(np.int64)
        if parquet:
            table = pa.Table.from_arrays([*map(pa.array, part.T), pa.array(y[start : start + len(part)])], names=names)
            if writer is None:
                writer = pq.ParquetWriter(folder / "rows.parquet", table.schema, compression="none")
            writer.write_table(table)
    if writer is not None:
        writer.close()


def train(kind: str, folder: Path, lanes: int, epochs: int) -> dict[str, Any]:
    """One side."""
    import keras
    import numpy as np

    import ridgeway as rw

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "xy")

        def __len__(self) -> int:
            return len(self.y) // BATCH

        def __getitem__(self, place: int) -> Any:
            rows = slice(place * BATCH, (place + 1) * BATCH)
            return np.array(self.x[rows]), np.array(self.y[rows])

    keras.utils.set_random_seed(0)
    layers = [keras.Input((FEATURES,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    marks = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            marks.append((time.perf_counter(), time.process_time()))

    data: dict[str, Any] = {
        "memory": lambda: (np.load(folder / "x.npy"), np.load(folder / "y.npy")),
        "npy": lambda: (folder / "x.npy", folder / "y.npy"),
        "parquet": lambda: (folder / "rows.parquet", "y"),
        "batches": lambda: (Batches(), None),
    }
    path = rw.fit_path(
        model,
        *data[kind](),
        rw.Grid(weight_decay=np.linspace(0, 0.1, lanes)),
        batch_size=BATCH,
        epochs=epochs,
        slots=lanes,
        executor="vmap",
        callbacks=[Clock()],
        verbose=0,
    )
    wall, cpu = (np.diff(column).mean() if epochs > 1 else np.nan for column in np.transpose(marks))
    return {
        "kind": kind,
        "seconds": wall if epochs > 1 else path.record["seconds"]["training"],
        "cpu": cpu,
        "rows": path.record["data"]["rows"],
        "peak_mb": peak(),
    }


def peak() -> float:
    """Most memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`, which a process inherits from the one that started it.
        return float(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def side(kind: str, folder: Path, lanes: int, epochs: int) -> dict[str, Any]:
    """A side in a process of its own, with the programs of the last one in the compilation cache."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, __file__, "--side", kind, "--folder", str(folder)]
    command += ["--lanes", str(lanes), "--epochs", str(epochs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(folder: Path, lanes: int, repeats: int) -> None:
    times: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for _ in range(repeats):
        for kind in KINDS:
            found = side(kind, folder, lanes, 3)
            times[kind].append(found)
            print(
                f"  {lanes} lanes, {kind}: {found['seconds']:.2f} s an epoch, {found['cpu']:.2f} s of processor time, "
                f"peak {found['peak_mb']:.0f} MB",
                flush=True,
            )
    for kind in KINDS[1:]:
        wall, cpu = (
            [memory[what] / own[what] for memory, own in zip(times["memory"], times[kind], strict=True)]
            for what in ("seconds", "cpu")
        )
        middle = statistics.median(wall)
        print(
            f"{lanes} lanes, {kind}: {middle:.2f} times the rows a second of memory ({min(wall):.2f} to "
            f"{max(wall):.2f}), {statistics.median(cpu):.2f} times the rows a second of processor time "
            f"({min(cpu):.2f} to {max(cpu):.2f}); {'met' if middle >= 0.85 else 'MISSED'}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=5.0, help="size of the large file")
    parser.add_argument("--memory-gb", type=float, default=1.0, help="size of the file that is held in memory too")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--lanes", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--strict", action="store_true", help="exit code 1 where a run takes 2 GB or more")
    parser.add_argument("--epochs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(train(given.side, given.folder, given.lanes[0], given.epochs)))
        return
    # The file that is held in memory is written twice, the second time as Parquet.
    needed = max(given.gb, 2 * given.memory_gb) * 1e9
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 1.5 * needed:
        raise SystemExit(
            f"{free / 1e9:.0f} GB are free in {tempfile.gettempdir()}, and {1.5 * needed / 1e9:.0f} needed."
        )
    print(f"{os.cpu_count()} cores; batches of {BATCH} rows of {FEATURES} float32")
    for lanes in given.lanes if given.repeats else ():
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), given.memory_gb, parquet=True)
            speed(Path(folder), lanes, given.repeats)
    peaks = {}
    for gigabytes in (0.016, given.gb):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), gigabytes, parquet=False)
            peaks[gigabytes] = side("npy", Path(folder), 2, 1)
    small, large = peaks.values()
    met = large["peak_mb"] < 2000
    print(
        f"{given.gb:g} GB: peak {large['peak_mb']:.0f} MB, {large['peak_mb'] - small['peak_mb']:.0f} above that of a "
        f"file of 16 MB; {large['seconds']:.0f} s; under 2 GB {'met' if met else 'MISSED'}"
    )
    if given.strict and not met:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
