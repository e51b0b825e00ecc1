"""From a file or folder to x and y, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.data.archives import holds_idx, is_idx, read_idx_pair, read_npz
from ridgeway.data.checks import check_dataset
from ridgeway.data.coding import Coding, Unknown
from ridgeway.data.dataset import Dataset
from ridgeway.data.encoders import TableEncoding, encode_classes
from ridgeway.data.images import read_images
from ridgeway.data.tables import check_cells, read_table, split_target, with_dates
from ridgeway.errors import InputError

TASKS = ("classification", "regression")
_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
# Whole numbers with more distinct values than this are taken as a quantity.
_MOST_CLASSES = 50


@dataclass(frozen=True)
class Source:
    """What a file held.

    Attributes:
        x: features `(row, feature)`, or images.
        y: class numbers from 0, or values; None where the file has no labels.
        task: "classification" or "regression".
        classes: the label of each class number; empty for regression.
        encoding: how a table's columns became x; None for arrays.
        target: the target column of a table.
    """

    x: np.ndarray
    y: np.ndarray | None
    task: str
    classes: list[Any]
    encoding: TableEncoding | None = None
    target: str | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)


@dataclass(frozen=True)
class LabelledTable:
    """A table with its targets.

    Attributes:
        features: `(row, column)`.
        labels: `(row,)`, none missing.
        task: "classification" or "regression".
        classes: the label of each class number, where `labels` are such numbers.
        target: name of the target column.
    """

    features: pd.DataFrame
    labels: np.ndarray
    task: str
    target: str
    classes: Sequence[Any] = ()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def numbered(self) -> LabelledTable:
        """With class numbers from 0 in the place of labels."""
        if self.task == "regression":
            return replace(self, labels=self.labels.astype(np.float32))
        codes, classes = encode_classes(self.labels)
        return replace(self, labels=codes, classes=classes)

    def taken(self, order: np.ndarray) -> LabelledTable:
        """The rows in another order."""
        return replace(self, features=self.features.iloc[order], labels=self.labels[order])


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return path.suffix.lower() in _TABLES and path.is_file()


def read_labelled(path: Path, target: str | None, task: str | None = None) -> LabelledTable:
    """Reads a table with any cells, missing ones too; its labels are checked.

    Args:
        path: as in `read`.
        target: the target column.
        task: as in `read`.

    Raises:
        InputError: the file can't be read or has no such column; labels are missing or infinite, text where numbers are
            asked for, or all of one class.
    """
    frame = _read_target(path, target, task)
    features, labels = split_target(frame, str(target), path)
    check_cells(labels.to_frame(), path)
    categorical = isinstance(labels.dtype, pd.CategoricalDtype)
    y = labels.to_numpy()
    task = _task(y, task, categorical)
    if task == "classification":
        _check_classes(np.unique(y.astype(str) if y.dtype == object else y).tolist())
    return LabelledTable(with_dates(features.rename(columns=str)), y, task, str(target))


def read(
    path: Path,
    target: str | None = None,
    task: str | None = None,
    coding: Coding = "one_hot",
    unknown: Unknown = "error",
) -> Source:
    """Reads training data.

    Args:
        path: CSV, Parquet, `.npz`, IDX (`.gz` too), a folder with an IDX pair, or a folder of class folders of images.
            A Categorical of text keeps its order in Parquet; of numbers it comes back as plain numbers.
        target: the target column, which a table needs.
        task: "classification" or "regression"; by default told from the labels.
        coding: how the text columns of a table become numbers; see `TableEncoding`.
        unknown: what becomes of levels of text that were not trained on; see `TableEncoding`.

    Raises:
        InputError: the data can't be read, or has no labels.
    """
    _check_task(task)
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'. Check the path.")
    if is_table(path):
        frame = _read_target(path, target, task)
        assert target is not None
        features, labels = split_target(frame, target, path)
        check_cells(frame, path)
        encoding = TableEncoding.fit(features, coding, unknown)
        order = labels.cat.categories.tolist() if isinstance(labels.dtype, pd.CategoricalDtype) else None
        return _source(encoding.transform(features), labels.to_numpy(), task, encoding, target, order)
    if target is not None:
        raise InputError(f"'{path}' is no table and has no column '{target}'. Leave --target out.")
    if (coding, unknown) != ("one_hot", "error"):
        raise InputError(f"'{path}' is no table and has no text columns to code. Leave --coding and --unknown out.")
    x, y = _arrays(path)
    if y is None:
        raise InputError(f"'{path}' has no labels. Add an array y, or the labels file beside the images.")
    return _source(x, y, task)


def read_features(
    path: Path, encoding: TableEncoding | None, on_unseen: Callable[[dict[str, int]], None] | None = None
) -> np.ndarray:
    """Reads data to predict on; labels that are there too are left out.

    Args:
        path: as in `read`.
        encoding: how the training table's columns became x; None where the model was trained on arrays.
        on_unseen: called with the number of cells by column, where some hold levels that were not trained on and that
            `encoding` ignores.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'. Check the path.")
    if is_table(path):
        if encoding is None:
            raise InputError(f"'{path}' is a table, and the model was trained on arrays. Pass arrays of the same kind.")
        frame = read_table(path)
        check_cells(frame[[name for name in frame.columns if str(name) in encoding.columns]], path)
        x = encoding.transform(frame)
        unseen = encoding.count_unseen(frame)
        if unseen and on_unseen is not None:
            on_unseen(unseen)
        return x
    if encoding is not None:
        raise InputError(f"'{path}' is no table, and the model was trained on one. Pass a CSV or Parquet file.")
    return _arrays(path)[0]


def _read_target(path: Path, target: str | None, task: str | None) -> pd.DataFrame:
    _check_task(task)
    frame = read_table(path)
    if target is None:
        raise InputError(
            f"'{path}' is a table: say which column to predict, as in --target {frame.columns[-1]!r}. It has "
            f"{', '.join(map(str, frame.columns))}."
        )
    return frame


def _check_task(task: str | None) -> None:
    if task is not None and task not in TASKS:
        raise InputError(f"Unknown task '{task}'. There are {' and '.join(TASKS)}.")


def _task(y: np.ndarray, task: str | None, categorical: bool) -> str:
    """What labels are for, by what they are."""
    number = np.issubdtype(y.dtype, np.number) and not np.issubdtype(y.dtype, np.bool_)
    if task is None:
        whole = number and bool(np.all(np.isfinite(y)) and np.all(y == np.floor(y)))
        few = len(np.unique(y)) <= _MOST_CLASSES
        return "classification" if not number or categorical or (whole and few) else "regression"
    if task == "regression" and not number:
        raise InputError(f"The labels are text such as {y[0]!r}, and regression wants numbers. Leave --task out.")
    return task


def _check_classes(classes: Sequence[Any]) -> None:
    if len(classes) < 2:
        raise InputError(f"All labels are {classes[0]!r}. Classification needs at least two classes.")


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    if is_idx(path) or holds_idx(path):
        return read_idx_pair(path)
    if path.is_dir():
        return read_images(path)
    raise InputError(
        f"'{path}' is of no kind that ridgeway reads. Pass CSV, Parquet, .npz, IDX (.gz), or a folder of class folders "
        "of images."
    )


def _source(
    x: np.ndarray,
    y: np.ndarray,
    task: str | None,
    encoding: TableEncoding | None = None,
    target: str | None = None,
    order: Sequence[Any] | None = None,
) -> Source:
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise InputError(f"The labels have the shape {y.shape}. Pass one label a row.")
    # The labels may still be text: here only their number is checked.
    check_dataset(Dataset(x, np.arange(len(y))))
    task = _task(y, task, order is not None)
    if task == "regression":
        return Source(x, y.astype(np.float32), task, [], encoding, target)
    if pd.isna(pd.Series(y)).any():
        raise InputError("Some labels are missing. Drop those rows.")
    codes, classes = encode_classes(y, order)
    _check_classes(classes)
    return Source(x, codes, task, classes, encoding, target)
