"""Chosen configurations, trained once more on all rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ridgeway.data import Dataset, Parts, apply_class_weight, is_streamed, map_arrays
from ridgeway.ensembling.merged import merged_model
from ridgeway.errors import InputError
from ridgeway.families import Configuration, Listed
from ridgeway.fit import fit_path
from ridgeway.structures import arguments_of

if TYPE_CHECKING:
    from ridgeway.ensembling.choice import Member
    from ridgeway.path import Path

Data = tuple[Any, Any, Any] | None

#: Lanes that train side by side, where more configurations than these are trained once more.
_SLOTS = 16


def refit(path: Path, rule: str, data: Data, epochs: int | None, verbose: Any) -> keras.Model:
    """See `Path.refit`."""
    choice = path.select(rule)
    trained = refit_lanes(path, [(choice.configuration, choice.lanes)], data, epochs=epochs, verbose=verbose)
    return trained.model(0, "last")


def refit_members(path: Path, members: Sequence[Member]) -> keras.Model:
    """The members of an ensemble once more on all rows of the path, as one model; see `Path.ensemble`.

    Args:
        path: the path.
        members: the lanes of each tell how long it is trained.
    """
    lanes: dict[int, list[int]] = {}
    counts: dict[int, int] = {}
    configurations: list[dict[str, Any]] = []
    for member in members:
        if member.configuration not in configurations:
            configurations.append(member.configuration)
        place = configurations.index(member.configuration)
        lanes.setdefault(place, []).extend(member.lanes)
        counts[place] = counts.get(place, 0) + member.count
    # Each time that a configuration counts it is a network of its own: starting weights and orders of rows that differ
    # are what ensembles gain most by (Lakshminarayanan, Pritzel & Blundell 2017).
    numbers = iter(range(sum(counts.values())))
    repeats = [[next(numbers) for _ in range(counts[place])] for place in range(len(configurations))]
    groups = [(configuration, lanes[place]) for place, configuration in enumerate(configurations)]
    trained = refit_lanes(path, groups, None, repeats=repeats)
    return merged_model(trained, {int(lane): 1 for lane in trained.table().query("best_epoch.notna()")["lane"]})


def refit_lanes(
    path: Path,
    configurations: Sequence[tuple[Mapping[str, Any], Sequence[int]]],
    data: Data,
    *,
    epochs: int | None = None,
    repeats: Sequence[Sequence[int]] | None = None,
    verbose: Any = 0,
) -> Path:
    """Trains configurations of a path once more on all rows, side by side.

    Args:
        path: the path.
        configurations: each with its lanes.
        data: rows to train on, `(x, y, sample_weight)`; those of the path where None.
        epochs: of all. None: of each the median of the epochs that its lanes kept.
        repeats: numbers of each configuration's repeats; 0 alone where None.
        verbose: as in `fit_path`.

    Returns:
        A path with a lane a configuration and repeat, in their order.

    Raises:
        InputError: no rows in memory and none passed.
    """
    class_weight = _by_number(path.record.get("class_weight"))
    if data is None:
        if path.parts is None:
            raise InputError("A path that was read from a directory holds no rows. Pass them: path.refit(x=x, y=y).")
        if path.parts.streamed is not None:
            raise InputError(
                "The rows of this path were read while it trained, and it holds none. Pass them: path.refit(x=x, y=y), "
                "as fit_path had them."
            )
        dataset, class_weight = _all_rows(path.parts, class_weight), None
    else:
        dataset = Dataset(*data)
        if class_weight is not None and dataset.sample_weight is not None and not is_streamed(dataset.x):
            dataset, class_weight = _weighted(dataset, class_weight), None
    kept = path.table().set_index("lane")["best_epoch"]
    own: list[Configuration] = [
        {**one, "max_epochs": epochs or max(1, round(float(kept.loc[list(lanes)].dropna().median())))}
        for one, lanes in configurations
    ]
    # Built already, each in the structure that it was searched in.
    given = path.given_model() if not arguments_of(own[0]) else lambda **built: path.given_model(built)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No validation data", UserWarning)
        return fit_path(
            given,
            dataset.x,
            dataset.y,
            Listed(own, repeats),
            batch_size=int(path.record["batch_size"]),
            epochs=max(int(one["max_epochs"]) for one in own),
            verbose=verbose,
            shuffle=bool(path.record.get("shuffle", True)),
            shuffle_buffer=path.record["data"].get("shuffle_buffer") if is_streamed(dataset.x) else None,
            class_weight=class_weight,
            sample_weight=dataset.sample_weight,
            repeats=1 + max((number for numbers in repeats or () for number in numbers), default=0),
            seed=int(path.record["seed"]),
            decay=path.record["decay"],
            executor="vmap",
            slots=min(_SLOTS, sum(map(len, repeats)) if repeats else len(own)),
        )


def _by_number(class_weight: dict[Any, float] | None) -> dict[int, float] | None:
    # JSON's keys are text.
    return None if class_weight is None else {int(label): weight for label, weight in class_weight.items()}


def _all_rows(parts: Parts, class_weight: Mapping[int, float] | None) -> Dataset:
    """Training and validation rows together, with the weights of classes, where there are some, in those of rows."""
    # Weights of classes are in the training rows' own already.
    train, validation = parts.train, parts.validation
    if parts.folds is not None or validation is None:
        return train
    if class_weight is not None:
        validation = _weighted(validation, class_weight)
    x, y, weight = (
        keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts_of)
        for parts_of in ((train.x, validation.x), (train.y, validation.y), _weights(train, validation))
    )
    return Dataset(x, y, weight)


def _weighted(dataset: Dataset, class_weight: Mapping[int, float]) -> Dataset:
    """Rows whose weights are multiplied by those of their classes, which Keras takes in the place of weights only."""
    of_classes = apply_class_weight(np.asarray(dataset.y), class_weight)
    if dataset.sample_weight is None:
        return replace(dataset, sample_weight=of_classes)
    own = np.asarray(dataset.sample_weight, np.float32)
    return replace(dataset, sample_weight=own * of_classes.reshape(-1, *[1] * (own.ndim - 1)))


def _weights(*parts: Dataset) -> tuple[Any, ...]:
    """The weights of both parts, in the structure that one has at least; None where neither has any."""
    like = next((part.sample_weight for part in parts if part.sample_weight is not None), None)

    def ones(part: Dataset) -> Any:
        return map_arrays(lambda weight: np.ones((part.rows, *weight.shape[1:]), weight.dtype), like)

    return tuple(ones(part) if part.sample_weight is None else part.sample_weight for part in parts)
