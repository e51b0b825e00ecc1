"""What the command line does with tables that come without a model."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import Any

import keras
import numpy as np
import pandas as pd

from ridgeway.data.read import LabelledTable, is_table
from ridgeway.data.tables import read_table, with_dates
from ridgeway.ensembling import EnsembleChoice
from ridgeway.errors import InputError
from ridgeway.path import Path
from ridgeway.storage import load_model, replace_best
from ridgeway.tables.base import selects
from ridgeway.tables.classifier import PathClassifier
from ridgeway.tables.network import table_network
from ridgeway.tables.prediction import model_outputs
from ridgeway.tables.preparation import TablePreparation
from ridgeway.tables.regressor import PathRegressor
from ridgeway.tables.scaling import TARGET_UNITS, TargetScaling, with_scaled_output


def search(
    table: LabelledTable, *, out: str | os.PathLike[str], command: Mapping[str, Any], **arguments: Any
) -> tuple[Path, EnsembleChoice | None]:
    """Fits the estimator for a table's task and writes its run.

    Args:
        table: the table.
        out: directory for the run.
        command: what was asked for, for the record, so that the run can go on.
        **arguments: of the estimator.

    Returns:
        Its path, and the ensemble that predicts.

    Raises:
        InputError: what `fit` raises.
    """
    estimator = (PathClassifier if table.task == "classification" else PathRegressor)(out=out, **arguments)
    estimator._notes = {"command": dict(command)}
    try:
        estimator.fit(table.features, pd.Series(table.labels, name=table.target))
    except InputError:
        raise
    except ValueError as error:
        # scikit-learn's own words on labels and cells.
        raise InputError(str(error)) from error
    return estimator.path_, estimator.ensemble_


def prepared(
    table: LabelledTable, training: int, family: Collection[str], seed: int
) -> tuple[np.ndarray, np.ndarray, keras.Model, dict[str, Any]]:
    """Features, labels and a network for them, and what predicting has to know of both.

    Values are standardized, as `PathRegressor` does it: strengths then mean the same in all units, and so do the run's
    losses. `into_units` puts the units back into the model that predicts.

    Args:
        table: the rows in the order in which they are split, with class numbers or values as labels.
        training: how many of the first ones are trained on: all that is learnt here is learnt from these.
        family: names of what is varied.
        seed: of the starting weights.
    """
    preparation = TablePreparation().fit(table.features.iloc[:training])
    x = preparation.transform(table.features)
    model = table_network(
        x[:training],
        preparation.n_numbers_,
        len(table.classes) or 1,
        table.task,
        seed=seed,
        steps=not selects(family),
    )
    notes = {"classes": list(table.classes), "preparation": preparation.to_json()}
    if table.task != "regression":
        return x, table.labels, model, notes
    values = np.asarray(table.labels, np.float64).reshape(len(x), 1)
    scaling, _ = TargetScaling.fit(values[:training])
    notes |= {"target_mean": scaling.mean.tolist(), "target_spread": scaling.spread.tolist()}
    return x, scaling.standardized(values), model, notes


def into_units(path: Path, out: str | os.PathLike[str]) -> None:
    """Puts the target's own units behind the best model of a run that trained on standardized values (`prepared`)."""
    extra = path.record["extra"]
    replace_best(out, with_scaled_output(path.best_model(), extra["target_spread"], extra["target_mean"], TARGET_UNITS))


def predict(run: FilePath, record: Mapping[str, Any], data: FilePath) -> tuple[keras.Model, np.ndarray]:
    """The model of a run on a table, and what it gives for the rows of a file, `(row, output)`.

    Raises:
        InputError: the file can't be read, lacks a column, or holds what can't be prepared.
    """
    described = record["extra"]["preparation"]
    if not is_table(data):
        raise InputError(f"'{data}' is no table, and the model was trained on one. Pass a CSV or Parquet file.")
    preparation = TablePreparation.from_json(described)
    frame = _as_in_fit(data, described)
    model = load_model(run, "best.keras")
    x = preparation.transform(frame)
    mean = record["extra"].get("target_mean")
    if mean is None:
        return model, model_outputs(model, x)
    # As the estimator does: the model's own units are float32.
    scaling = TargetScaling(np.array(mean), np.array(record["extra"]["target_spread"]))
    return model, scaling.into_units(model_outputs(model, x, before=TARGET_UNITS))


def _as_in_fit(data: FilePath, described: Mapping[str, Any]) -> pd.DataFrame:
    """The columns that were trained on, of the types that they had then.

    CSV has no types, and those that the cells of a few new rows suggest may be others: of the codes "01", "02" and "A"
    the first two alone would be numbers.

    Raises:
        InputError: a column is not there.
    """
    names, columns = described["names"], described["columns"]
    if names is None:
        # Fitted on an array: by place.
        names = read_table(data).columns.astype(str).tolist()[: len(columns)]
        if len(names) < len(columns):
            raise InputError(
                f"The data has {len(names)} columns, and the model was trained on {len(columns)}. Pass all."
            )
    kinds = dict(zip(names, columns, strict=True))
    texts = [name for name, column in kinds.items() if column["kind"] == "category"]
    frame = read_table(data, texts).rename(columns=str)
    for name in names:
        if name not in frame.columns:
            raise InputError(f"The data has no column '{name}', which the model was trained on. Add it.")
    zones = {name: column["zone"] for name, column in kinds.items() if column["kind"] == "date"}
    frame = with_dates(frame[names], zones)
    return frame if described["names"] else frame.set_axis(range(len(names)), axis=1)
