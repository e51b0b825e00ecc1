"""Rows that are larger than memory: what `fit_path` makes of a source, and what can't be done with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from ridgeway.data import (
    Dataset,
    DataSource,
    Parts,
    Reading,
    RowSource,
    Slice,
    Streamed,
    apply_class_weight,
    check_dataset,
    check_labels,
    cut_of,
    fingerprint,
    is_streamed,
    leaves,
    map_arrays,
    open_source,
    warn_of_difference,
)
from ridgeway.data.sources import WINDOW_BYTES, Check, joined, pieces, row_bytes
from ridgeway.data.sources.arrays import ArraySource
from ridgeway.engine.arrays import as_arrays
from ridgeway.errors import InputError
from ridgeway.families import Family
from ridgeway.files import in_bytes
from ridgeway.keras_internals import labelled_outputs
from ridgeway.memory import memory
from ridgeway.telling import warn

# Labels that are looked at together.
_LABELS = 1 << 18
# Labels of either part by which the tail is compared with the rest.
_COMPARED = 20_000


def refuse(family: Family, executor: str, **given: Any) -> None:
    """Refuses what needs all rows in memory.

    Args:
        family: may vary `input_scaling`.
        executor: that was asked for.
        given: arguments of `fit_path` by name; those that are set are refused.

    Raises:
        InputError: names the argument.
    """
    for name, value in given.items():
        if not (value is None or (isinstance(value, float | tuple | list) and not value)):
            raise InputError(
                f"{name} needs all rows in memory, and x is streamed. Leave {name} out, or pass arrays in memory."
            )
    if executor == "steps":
        raise InputError(
            "executor='steps' would read the data once for each lane, and x is streamed. Pass 'auto', 'vmap' or 'map'."
        )
    if any(value != "none" for value in family.values.get("input_scaling", ())):
        raise InputError(
            "input_scaling is fitted on all training rows, and x is streamed. Put a keras.layers.Normalization into "
            "the model, adapted on some rows."
        )


def streamed_parts(
    model: keras.Model,
    given: Dataset,
    class_weight: Mapping[int, float] | None,
    validation_split: float,
    validation_data: Any,
    shuffle_buffer: int | None,
    seed: int | None,
) -> Parts:
    """The rows of a run that are read while lanes train.

    Args:
        model: compiled model.
        given: inputs that can be streamed, labels and weights, as `open_source` takes them.
        class_weight: weight of each class in the training loss.
        validation_split: share of the rows, from the end.
        validation_data: `(x, y)` or `(x, y, sample_weight)`, streamed or not; or a source that holds labels.
        shuffle_buffer: rows that are shuffled together, None for as many as take 64 MiB.
        seed: of the order of rows, None for no shuffling.

    Raises:
        InputError: rows that can't be read, or trained on.
    """
    floats = np.dtype(keras.config.floatx())
    train = open_source(given.x, given.y, given.sample_weight, floats)
    held: DataSource | None = None
    validation: Dataset | None = None
    if validation_data is not None:
        # What gives labels itself needs no tuple around it.
        other = validation_data if isinstance(validation_data, tuple | list) else (validation_data, None)
        if len(other) not in (2, 3):
            raise InputError("validation_data is no (x, y) or (x, y, sample_weight). Pass a tuple of two or three.")
        other = (*other, None)[:3]
        if is_streamed(other[0]):
            held = open_source(other[0], other[1], other[2], floats)
        else:
            validation = as_arrays(Dataset(*other), model)
            check_dataset(validation)
            held = ArraySource(validation, floats, "validation_data")
            held.checked = True
    elif validation_split:
        if not isinstance(train, RowSource):
            raise InputError(
                f"validation_split can't part {train.name}, which gives batches. Pass another one as validation_data."
            )
        cut = cut_of(train.rows, validation_split)
        train, held = Slice(train, 0, cut), Slice(train, cut, train.rows)
    else:
        warn(
            "No validation data: lanes keep their last epoch and are compared by their training loss, which says "
            "nothing of overfitting. Pass validation_split or validation_data."
        )
    first = train.first()
    check_dataset(first)
    if class_weight is not None:
        first = Dataset(first.x, first.y, apply_class_weight(first.y, class_weight, first.sample_weight))
    rows = shuffle_buffer or max(1, WINDOW_BYTES // row_bytes(train))
    streamed = Streamed(train, held, Reading(rows, seed), check_dataset, class_weight)
    return Parts(first, validation, streamed=streamed)


def checked(streamed: Streamed, first: Dataset, model: keras.Model, split: bool) -> Streamed:
    """The rows, with labels held against the model's losses: at once, or where that costs a pass, as they are read.

    Args:
        streamed: the rows.
        first: one of them.
        model: compiled and built model.
        split: whether the validation rows are the tail of the training rows, which is then compared with them.

    Raises:
        InputError: a label that does not fit, and where it stands.
    """
    streamed = replace(streamed, check=_checks(model, first))
    some = [_looked_through(source, streamed.check) for source in (streamed.train, streamed.validation)]
    if split and streamed.validation is not None and all(labels is not None for labels in some):
        warn_of_difference(some[0], some[1], streamed.validation.rows)
    return streamed


def _checks(model: keras.Model, first: Dataset) -> Check:
    """What looks at rows: numbers that are finite, and labels that fit their losses.

    Args:
        model: compiled and built model.
        first: a row.
    """
    found = _labelled(model, first)

    def check(dataset: Dataset) -> None:
        check_dataset(dataset)
        found(dataset.y)

    return check


def _labelled(model: keras.Model, first: Dataset) -> Callable[[Any], None]:
    """Checks labels without the model, which must not be traced by the thread that reads."""
    places = {id(array): place for place, (_, array) in enumerate(leaves(first.y))}
    known = [
        (places[id(labels)], shape[-1], loss.name, loss.keywords.get("ignore_class"))
        for loss, labels, shape in labelled_outputs(model, first.x, first.y)
        if id(labels) in places and shape
    ]

    def check(y: Any) -> None:
        arrays = [array for _, array in leaves(y)]
        for place, classes, loss, ignored in known:
            check_labels(arrays[place], classes, loss, ignored)

    return check


def _looked_through(source: DataSource | None, check: Check) -> Any | None:
    """Some of the labels, evenly spread; None where they can't be read without the inputs."""
    if source is None or source.checked or not isinstance(source, RowSource):
        return None
    some: list[Any] = []
    every = max(1, source.rows // _COMPARED)
    for start, stop in _spans(source):
        labels = source.labels(start, stop)
        if labels is None:
            return None
        # The inputs are looked at when they are read: here labels stand for them.
        source.look(Dataset(labels, labels), f"Labels {source.offset + start} to {source.offset + stop - 1}", check)
        some.append(map_arrays(lambda array: array[::every].copy(), labels))
        source.release()
    columns = zip(*([array for _, array in leaves(labels)] for labels in some), strict=True)
    arrays = iter([np.concatenate(column) for column in columns])
    return map_arrays(lambda _: next(arrays), some[0])


def _spans(source: RowSource) -> Iterator[tuple[int, int]]:
    edges = source.edges(_LABELS).tolist()
    return zip(edges[:-1], edges[1:], strict=True)


def at_hand(given: Dataset, model: keras.Model) -> Dataset:
    """Rows in memory, of whatever `fit_path` takes: those of a file are read.

    Args:
        given: inputs, labels and weights, streamed or not.
        model: as in `as_arrays`.

    Raises:
        InputError: a file that can't be read, or holds more than there is memory for.
    """
    if not is_streamed(given.x):
        return as_arrays(given, model)
    source = open_source(given.x, given.y, given.sample_weight, np.dtype(keras.config.floatx()))
    held, free = row_bytes(source) * source.rows, memory().free
    if free is not None and held > free:
        raise InputError(
            f"{source.name} holds {in_bytes(held)}, more than the {in_bytes(free)} of memory that are free, and all of "
            "its rows are needed at once. Pass some of them."
        )
    return joined(list(pieces(source, source.rows)))


def inputs_in_pieces(x: Any, label: str | None, rows: int) -> Iterator[Any]:
    """Streamed inputs without labels, about 64 MiB at a time.

    Args:
        x: what `is_streamed` knows.
        label: of a table, the column that is no input; None where all are.
        rows: a piece holds a multiple of so many, but for the last one.

    Raises:
        InputError: a file that can't be read.
    """
    source = open_source(x, label, None, np.dtype(keras.config.floatx()), labelled=label is not None)
    most = max(1, WINDOW_BYTES // row_bytes(source) // rows) * rows
    yield from (piece.x for piece in pieces(source, most))


def record_of(streamed: Streamed) -> dict[str, Any]:
    """What the record says of streamed rows."""
    return {
        "source": streamed.train.name,
        "shuffle_buffer": None if streamed.reading.seed is None else streamed.reading.rows,
    }


def fingerprint_of(source: DataSource) -> str:
    """SHA-256 of the number of rows and those at the beginning and the end: to read all would cost a pass."""
    return f"{source.rows}-{fingerprint(source.ends())}"
