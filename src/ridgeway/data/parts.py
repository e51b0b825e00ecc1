"""What lanes train on and what they are judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ridgeway.data.dataset import Dataset
from ridgeway.data.folds import Folds
from ridgeway.data.held_out import HeldOut
from ridgeway.data.nested import Nested
from ridgeway.data.sources import WINDOW_BYTES, Check, DataSource, Reading, Stream, row_bytes


@dataclass(frozen=True)
class Streamed:
    """Rows that are read while lanes train.

    Attributes:
        train: what lanes train on.
        validation: what they are judged on, None for nothing; in memory or not.
        reading: how many training rows are in memory together, and whether they are shuffled.
        check: looks at rows as they are read.
        class_weight: weight of each class in the training loss.
    """

    train: DataSource
    validation: DataSource | None
    reading: Reading
    check: Check
    class_weight: Mapping[int, float] | None = None

    def streams(self, batch_size: int, validation_batch_size: int) -> tuple[Stream, Stream | None]:
        """Batches of both."""
        train = Stream(self.train, batch_size, self.reading, self.check, self.class_weight)
        if self.validation is None:
            return train, None
        # Validation rows come as they stand, with weights of their own.
        as_they_are = Reading(max(1, WINDOW_BYTES // row_bytes(self.validation)))
        return train, Stream(self.validation, validation_batch_size, as_they_are, self.check)


@dataclass(frozen=True)
class Parts:
    """The rows of a run.

    Attributes:
        train: what lanes train on; with folds, all rows. Of streamed rows, the first one.
        validation: what they are judged on, None for nothing or for streamed rows; with folds, all rows, with the
            arrays of `train`.
        folds: which rows of these each fold takes; None where every lane takes all.
        nested: outer folds with folds of their own, whose lanes train beside the others, for the honest estimate.
        test: rows that took no part in training or choosing, None for none.
        streamed: where rows are not held in memory, what gives them.
    """

    train: Dataset
    validation: Dataset | None = None
    folds: Folds | None = None
    test: Dataset | None = None
    nested: Nested | None = None
    streamed: Streamed | None = None

    @cached_property
    def trained(self) -> Folds | None:
        """All folds that lanes train in: those that choose, then those of the outer folds."""
        if self.folds is None or self.nested is None:
            return self.folds
        inner = self.nested.flat()
        return Folds(self.folds.name, self.folds.train + inner.train, self.folds.held_out + inner.held_out)

    @property
    def choosing(self) -> int:
        """Number of folds whose lanes choose, 1 for none."""
        return 1 if self.folds is None else len(self.folds)

    @property
    def count(self) -> int:
        """Number of all folds, 1 for none."""
        return 1 if self.trained is None else len(self.trained)

    @property
    def rows(self) -> tuple[int, ...]:
        """Number of training rows, by fold of `trained`."""
        if self.streamed is not None:
            return (self.streamed.train.rows,)
        return (self.train.rows,) if self.trained is None else tuple(map(len, self.trained.train))

    @property
    def validation_rows(self) -> tuple[int, ...]:
        """Number of validation rows, by fold."""
        if self.streamed is not None:
            return (self.streamed.validation.rows if self.streamed.validation else 0,)
        if self.trained is not None:
            return tuple(map(len, self.trained.held_out))
        return (self.validation.rows if self.validation else 0,)

    def training_rows(self, fold: int) -> np.ndarray:
        """Numbers of a fold's training rows, int32 `(row,)`."""
        return np.arange(self.train.rows, dtype=np.int32) if self.trained is None else self.trained.train[fold]

    def training(self, fold: int) -> Dataset:
        """A fold's training rows."""
        rows = self.training_rows(fold)
        return self.train if self.trained is None else self.train.map(lambda array: array[rows])

    @property
    def held_out(self) -> HeldOut | None:
        """What the lanes that choose are judged on."""
        if self.validation is None:
            return None
        return HeldOut(self.validation, None if self.folds is None else self.folds.held_out)
