"""The chosen configuration, trained once more on all rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ridgeway.data import Dataset, Parts
from ridgeway.errors import InputError
from ridgeway.families import Grid
from ridgeway.fit import fit_path
from ridgeway.structures import arguments_of

if TYPE_CHECKING:
    from ridgeway.path import Path


def refit(path: Path, rule: str, data: tuple[Any, Any, Any] | None, epochs: int | None, verbose: Any) -> keras.Model:
    """See `Path.refit`."""
    choice = path.select(rule)
    if data is None:
        if path.parts is None:
            raise InputError("A path that was read from a directory holds no rows. Pass them: path.refit(x=x, y=y).")
        dataset = _all_rows(path.parts, path.record.get("class_weight") is not None)
    else:
        dataset = Dataset(*data)
    if epochs is None:
        table = path.table()
        kept = table.loc[table["lane"].isin(choice.lanes), "best_epoch"].dropna()
        epochs = max(1, round(float(kept.median())))
    given = path.given_model(choice.configuration)
    # Built already; the rest of the configuration is what lanes could have had side by side.
    arguments = arguments_of(choice.configuration)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No validation data", UserWarning)
        fitted = fit_path(
            (lambda **built: given) if arguments else given,
            dataset.x,
            dataset.y,
            Grid({name: [value] for name, value in choice.configuration.items()}),
            batch_size=int(path.record["batch_size"]),
            epochs=epochs,
            verbose=verbose,
            shuffle=bool(path.record.get("shuffle", True)),
            class_weight=_by_number(path.record.get("class_weight")),
            sample_weight=dataset.sample_weight,
            seed=int(path.record["seed"]),
            decay=path.record["decay"],
            executor="vmap",
            slots=1,
        )
    return fitted.model(0, "last")


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
