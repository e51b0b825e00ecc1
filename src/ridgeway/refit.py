"""Chosen configurations, trained once more on all rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ridgeway.data import Dataset, Parts, is_streamed
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
    if data is None:
        if path.parts is None:
            raise InputError("A path that was read from a directory holds no rows. Pass them: path.refit(x=x, y=y).")
        if path.parts.streamed is not None:
            raise InputError(
                "The rows of this path were read while it trained, and it holds none. Pass them: path.refit(x=x, y=y), "
                "as fit_path had them."
            )
        dataset = _all_rows(path.parts, path.record.get("class_weight") is not None)
    else:
        dataset = Dataset(*data)
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
            class_weight=_by_number(path.record.get("class_weight")),
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


def _all_rows(parts: Parts, weighted_by_class: bool) -> Dataset:
    """Training and validation rows together; without weights that come from classes, which are put on anew."""
    train, validation = parts.train, parts.validation
    if weighted_by_class:
        train = Dataset(train.x, train.y)
    if parts.folds is not None or validation is None:
        return train
    both = (train, validation)
    weight = None
    if any(part.sample_weight is not None for part in both):
        weight = np.concatenate(
            [np.ones(part.rows, np.float32) if part.sample_weight is None else part.sample_weight for part in both]
        )
    x, y = (
        keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts_of)
        for parts_of in ((train.x, validation.x), (train.y, validation.y))
    )
    return Dataset(x, y, weight)
