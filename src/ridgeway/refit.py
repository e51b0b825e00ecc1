"""Chosen configurations, trained once more on all rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ridgeway.data import Dataset, Parts
from ridgeway.ensembling.merged import merged_model
from ridgeway.errors import InputError
from ridgeway.families import Configuration, Listed
from ridgeway.fit import fit_path

if TYPE_CHECKING:
    from ridgeway.ensembling import EnsembleChoice
    from ridgeway.path import Path

Data = tuple[Any, Any, Any] | None

#: Lanes that train side by side, where more configurations than these are trained once more.
_SLOTS = 16


def refit(path: Path, rule: str, data: Data, epochs: int | None, verbose: Any) -> keras.Model:
    """See `Path.refit`."""
    choice = path.select(rule)
    trained = refit_lanes(path, [(choice.configuration, choice.lanes)], data, epochs=epochs, verbose=verbose)
    return trained.model(0, "last")


def refit_ensemble(
    path: Path, chosen: EnsembleChoice, data: Data, *, time_limit: float | None = None, verbose: Any = 0
) -> keras.Model:
    """The members of an ensemble once more on all rows, as one model; see `Path.ensemble`.

    Args:
        path: the path.
        chosen: its members; the lanes of each tell how long it is trained.
        data: as in `refit_lanes`.
        time_limit: as in `fit_path`; members that have not begun by then are left out.
        verbose: as in `fit_path`.
    """
    groups: list[tuple[Mapping[str, Any], list[int]]] = []
    places: list[int] = []
    for member in chosen.members:
        place = next((n for n, (known, _) in enumerate(groups) if known == member.configuration), len(groups))
        if place == len(groups):
            groups.append((member.configuration, []))
        groups[place][1].extend(member.lanes)
        places.append(place)
    # A member keeps its repeat, and with it its starting weights and its order of rows.
    repeats = 1 + max(member.repeat for member in chosen.members)
    trained = refit_lanes(path, groups, data, repeats=repeats, time_limit=time_limit, verbose=verbose)
    wanted = {
        place * repeats + member.repeat: member.count for place, member in zip(places, chosen.members, strict=True)
    }
    begun = set(trained.table()["lane"])
    return merged_model(trained, {lane: count for lane, count in wanted.items() if lane in begun})


def refit_lanes(
    path: Path,
    configurations: Sequence[tuple[Mapping[str, Any], Sequence[int]]],
    data: Data,
    *,
    epochs: int | None = None,
    repeats: int = 1,
    time_limit: float | None = None,
    verbose: Any = 0,
) -> Path:
    """Trains configurations of a path once more on all rows, side by side.

    Args:
        path: the path.
        configurations: each with its lanes.
        data: rows to train on, `(x, y, sample_weight)`; those of the path where None.
        epochs: of all. None: of each the median of the epochs that its lanes kept.
        repeats: lanes a configuration.
        time_limit: as in `fit_path`.
        verbose: as in `fit_path`.

    Returns:
        A path with a lane a configuration and repeat, in their order.

    Raises:
        InputError: no rows in memory and none passed.
    """
    if data is None:
        if path.parts is None:
            raise InputError("A path that was read from a directory holds no rows. Pass them: path.refit(x=x, y=y).")
        dataset = _all_rows(path.parts, path.record.get("class_weight") is not None)
    else:
        dataset = Dataset(*data)
    kept = path.table().set_index("lane")["best_epoch"]
    own: list[Configuration] = [
        {**one, "max_epochs": epochs or max(1, round(float(kept.loc[list(lanes)].dropna().median())))}
        for one, lanes in configurations
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No validation data", UserWarning)
        return fit_path(
            path.given_model(),
            dataset.x,
            dataset.y,
            Listed(own),
            batch_size=int(path.record["batch_size"]),
            epochs=max(int(one["max_epochs"]) for one in own),
            verbose=verbose,
            shuffle=bool(path.record.get("shuffle", True)),
            class_weight=_by_number(path.record.get("class_weight")),
            sample_weight=dataset.sample_weight,
            repeats=repeats,
            time_limit=time_limit,
            seed=int(path.record["seed"]),
            decay=path.record["decay"],
            executor="vmap",
            slots=min(_SLOTS, len(own) * repeats),
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
