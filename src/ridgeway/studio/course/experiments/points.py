"""Two-dimensional data for the playground: four shapes, or a learner's own table."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np

from ridgeway.studio.i18n import N_

MOST_ROWS = 2000
LEAST_ROWS = 20
MOST_CLASSES = 4


class TableError(ValueError):
    """A table that can't be used.

    Args:
        message: one sentence with named placeholders, to be translated: what is wrong and what to do.
        **values: what stands in the placeholders.
    """

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message % values)
        self.message, self.values = message, values


def shape(name: str, rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two classes, mixed.

    Args:
        name: "circles", "moons", "spirals" or "xor".
        rows: how many, half of each class.
        noise: standard deviation that is added to both coordinates, in a square from about −1 to 1.
        seed: of the draws.

    Returns:
        float64 `(row, 2)` and int64 `(row,)`.
    """
    random = np.random.default_rng([seed, rows])
    y = np.arange(rows) % 2
    share = random.uniform(size=rows)
    if name == "circles":
        angle, radius = 2.0 * np.pi * share, np.where(y == 0, 1.0, 0.5)
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    elif name == "moons":
        angle = np.pi * share
        upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], -1)
        lower = np.stack([0.5 - np.cos(angle), 0.25 - np.sin(angle)], -1)
        x = np.where((y == 0)[:, None], upper, lower) / 1.25
    elif name == "spirals":
        angle, radius = 3.0 * np.pi * np.sqrt(share) + np.pi * y, np.sqrt(share)
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    else:
        x = random.uniform(-1.0, 1.0, (rows, 2))
        y = (x[:, 0] * x[:, 1] > 0).astype(int)
    return x + noise * random.normal(size=x.shape), y.astype(np.int64)


def table(text: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Reads a learner's own table: two columns of numbers, then the class.

    Args:
        text: CSV, with a line of names or without; commas, semicolons or tabs.

    Returns:
        float64 `(row, 2)`, int64 `(row,)` and the classes' names, in the order in which they appear.

    Raises:
        TableError: what is wrong and what to do, in one sentence.
    """
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if len(lines) > MOST_ROWS + 1:
        raise TableError(N_("The table has %(rows)d rows. Paste at most %(most)d."), rows=len(lines), most=MOST_ROWS)
    divider = next((one for one in "\t;," if lines and one in lines[0]), ",")
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=divider))
    if rows and len(rows[0]) >= 3 and _number(rows[0][0]) is None:
        rows = rows[1:]
    points, labels = [], []
    for number, row in enumerate(rows, start=1):
        if len(row) != 3:
            raise TableError(
                N_("Row %(number)d has %(cells)d cells. Give it three: x, y and the class."),
                number=number,
                cells=len(row),
            )
        numbers = _number(row[0]), _number(row[1])
        if None in numbers:
            raise TableError(
                N_(
                    "Row %(number)d has no numbers in its first two cells (%(first)s, %(second)s). Write numbers there."
                ),
                number=number,
                first=row[0][:20],
                second=row[1][:20],
            )
        points.append(numbers)
        labels.append(row[2].strip()[:40])
    if len(rows) < LEAST_ROWS or len(rows) > MOST_ROWS:
        raise TableError(
            N_("The table has %(rows)d rows. Paste %(least)d to %(most)d."),
            rows=len(rows),
            least=LEAST_ROWS,
            most=MOST_ROWS,
        )
    classes = list(dict.fromkeys(labels))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise TableError(
            N_("The third column holds %(classes)d classes. Use 2 to %(most)d."),
            classes=len(classes),
            most=MOST_CLASSES,
        )
    return np.array(points, float), np.array([classes.index(one) for one in labels], np.int64), classes


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e12 else None
