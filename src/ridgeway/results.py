"""From what the lanes gave to a path: tables, weights and record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from ridgeway.data import Parts
from ridgeway.engine.calibration import RELIABILITY
from ridgeway.engine.lanes import LaneResult, Weights
from ridgeway.engine.step import COMPARED, ERRORS
from ridgeway.export import weight_names
from ridgeway.hyperparameters.kernels import is_kernel
from ridgeway.path import Path
from ridgeway.record import of_folds, of_structures
from ridgeway.structures import Variants
from ridgeway.weights import blocks


def lane_weights(model: keras.Model, stored: Weights) -> list[np.ndarray]:
    """A lane's values in the order of `model.weights`: without the states of random generators."""
    values = {
        id(variable): value
        for variables, part in zip((model.trainable_variables, model.non_trainable_variables), stored, strict=True)
        for variable, value in zip(variables, part, strict=True)
    }
    return [np.asarray(values[id(variable)]) for variable in model.weights]


def assemble(
    variants: Variants,
    about: Mapping[str, Any],
    results: Sequence[LaneResult],
    labels: Mapping[int, Sequence[tuple[str, str]]] | None = None,
    parts: Parts | None = None,
) -> Path:
    """The path of all lanes that trained at least one epoch, by lane number.

    Args:
        variants: the model in all structures.
        about: the record.
        results: what the lanes gave.
        labels: what the probes of each lane measure, by lane.
        parts: the rows that lanes were trained and judged on.
    """
    results = sorted((result for result in results if result.history), key=lambda result: result.plan.lane)
    models = [variants.of(result.plan.configuration) for result in results]
    names = {id(model): weight_names(model) for model in models}
    kept = [lane_weights(model, result.kept[0]) for model, result in zip(models, results, strict=True)]
    structures = of_structures(
        variants, (result.plan.configuration for result in results), ["loss", *about["model"]["metrics"]]
    )
    rows = [_row(model, result) for model, result in zip(models, results, strict=True)]
    history = [
        {"lane": result.plan.lane, "epoch": epoch, **{name: v for name, v in logs.items() if name not in ERRORS}}
        for result in results
        for epoch, logs in enumerate(result.history, start=1)
    ]
    return Path(
        pd.DataFrame(rows).astype({"best_epoch": "Int64"}),
        pd.DataFrame(history),
        {**about, "structures": structures} if structures else about,
        calibration=_calibration(results),
        probes=_probes(results, labels or {}),
        weights=blocks(
            (result.plan.lane, names[id(model)], weights)
            for model, result, weights in zip(models, results, kept, strict=True)
        ),
        last_weights=blocks(
            (result.plan.lane, names[id(model)], lane_weights(model, result.last))
            for model, result in zip(models, results, strict=True)
            if result.last is not None
        ),
        variants=variants,
        parts=parts,
    )


def assemble_nested(
    variants: Variants, about: Mapping[str, Any], results: Sequence[LaneResult], labels: Any, parts: Parts
) -> tuple[Path, ...]:
    """A path for each outer fold: the lanes of its inner folds, with the rows that it set aside for their test.

    Outer folds of which no lane has trained an epoch are left out.
    """
    nested = parts.nested
    whole = parts.validation
    if nested is None or whole is None:
        return ()
    paths = []
    for outer, held_out in enumerate(nested.held_out):
        before = parts.choosing + nested.first(outer)
        own = [
            replace(result, plan=replace(result.plan, fold=result.plan.fold - before))
            for result in results
            if result.plan.outer == outer and result.history
        ]
        if own:
            # As they were given: class weights are for training.
            test = whole.take(held_out)
            rows = Parts(parts.train, parts.validation, nested.inner[outer], test)
            folds = {"folds": of_folds(nested.inner[outer])}
            paths.append(assemble(variants, {**about, **folds}, own, labels, rows))
    return tuple(paths)


def weight_sizes(model: keras.Model, result: LaneResult) -> dict[str, float]:
    """The L2 norm of a lane's kept kernels, and the share of exact zeros in them; NaN where none are kept.

    Taken once a lane: they are told when it stops, and stand in the table.
    """
    if result.sizes is None:
        result.sizes = _weight_sizes(model, result)
    return result.sizes


def _weight_sizes(model: keras.Model, result: LaneResult) -> dict[str, float]:
    if not result.kept or result.kept_epochs[0] < 0:
        return {"weight_norm": np.nan, "zero_share": np.nan}
    trainable = zip(model.trainable_variables, result.kept[0][0], strict=True)
    kernels = [np.asarray(value).ravel() for variable, value in trainable if is_kernel(variable)]
    entries = sum(kernel.size for kernel in kernels)
    # einsum casts in pieces where a square in float64 would be an array of its own.
    squares = sum(float(np.einsum("i,i->", kernel, kernel, dtype=np.float64)) for kernel in kernels)
    zeros = entries - sum(int(np.count_nonzero(kernel)) for kernel in kernels)
    return {"weight_norm": float(np.sqrt(squares)), "zero_share": zeros / entries if entries else np.nan}


def _calibration(results: Sequence[LaneResult]) -> pd.DataFrame:
    """A row a lane and bin that holds predictions, at the kept epoch; see `Path.calibration`."""
    rows = []
    for result in results:
        epoch = result.kept_epochs[0]
        found = result.arrays[epoch].get(f"val_{RELIABILITY}") if epoch >= 0 else None
        for place, (confidence, right, count) in enumerate(found.T if found is not None else ()):
            if count:
                rows.append((result.plan.lane, place, confidence / count, right / count, int(count)))
    return pd.DataFrame(rows, columns=["lane", "bin", "confidence", "accuracy", "count"])


def _probes(results: Sequence[LaneResult], labels: Mapping[int, Sequence[tuple[str, str]]]) -> pd.DataFrame:
    """A row a lane, epoch, layer and measured number; see `Path.probes`."""
    rows = []
    for result in results:
        for epoch, measured in result.probed:
            logs = result.history[epoch] if epoch < len(result.history) else {}
            held_out = next((logs[name] for name in COMPARED if name in logs), None)
            for (name, layer), value in zip(labels[result.plan.lane], measured, strict=True):
                rows.append((result.plan.lane, epoch + 1, layer, name, float(value)))
                if name == "train_loss" and held_out is not None:
                    rows.append((result.plan.lane, epoch + 1, "", "generalization_gap", held_out - float(value)))
    frame = pd.DataFrame(rows, columns=["lane", "epoch", "layer", "probe", "value"])
    # Before the first look there is nothing that a layer's input could have moved from.
    return frame[~(frame["probe"].str.startswith("shift_") & frame["value"].isna())].reset_index(drop=True)


def _row(model: keras.Model, result: LaneResult) -> dict[str, Any]:
    plan, epoch = result.plan, result.kept_epochs[0]
    found = epoch >= 0
    logs = result.history[epoch] if found else dict.fromkeys(result.history[-1], np.nan)
    return {
        "lane": plan.lane,
        **plan.configuration,
        "repeat": plan.repeat,
        "fold": plan.fold,
        "epochs": len(result.history),
        "best_epoch": epoch + 1 if found else pd.NA,
        "stopped": result.stopped,
        **logs,
        **weight_sizes(model, result),
        "seconds": round(result.seconds, 6),
    }
