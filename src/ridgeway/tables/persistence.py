"""Estimators as plain values: what `pickle`, `joblib`, `copy` and skops write.

Keras models become the bytes of a `.keras` file, tables those of Parquet. The weights of all lanes and the rows that
they trained on stay behind: an estimator predicts without them.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Any

import keras
import pandas as pd

from ridgeway.ensembling import EnsembleChoice
from ridgeway.keras_internals import build_optimizer
from ridgeway.model_files import read_model
from ridgeway.path import Path
from ridgeway.tables.preparation import TablePreparation

_TABLES = ("table", "history", "calibration", "probes")


def as_state(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes by name as plain values; `from_state` undoes it."""
    return {name: _plain(value) for name, value in values.items()}


def from_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes from what `as_state` gave."""
    return {name: _restored(value) for name, value in state.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, keras.Model):
        return {"ridgeway": "model", "keras": _model_bytes(value)}
    if isinstance(value, TablePreparation):
        return {"ridgeway": "preparation", "json": json.dumps(value.to_json())}
    if isinstance(value, EnsembleChoice):
        return {"ridgeway": "ensemble", "json": json.dumps(asdict(value))}
    if isinstance(value, Path):
        tables = {name: _table_bytes(getattr(value, name)()) for name in _TABLES}
        return {"ridgeway": "path", "record": json.dumps(value.record, default=lambda number: number.item()), **tables}
    return value


def _restored(value: Any) -> Any:
    kind = value.get("ridgeway") if isinstance(value, dict) else None
    if kind == "model":
        return _model(value["keras"])
    if kind == "preparation":
        return TablePreparation.from_json(json.loads(value["json"]))
    if kind == "ensemble":
        return EnsembleChoice.from_json(json.loads(value["json"]))
    if kind == "path":
        table, history, calibration, probes = (pd.read_parquet(io.BytesIO(value[name])) for name in _TABLES)
        record = json.loads(value["record"])
        return Path(table, history, record, calibration=calibration, probes=probes)
    return value


def _table_bytes(frame: pd.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.to_parquet(written)
    return written.getvalue()


def _model_bytes(model: keras.Model) -> bytes:
    if model.built:
        build_optimizer(model)
    with tempfile.TemporaryDirectory() as folder:
        file = FilePath(folder) / "model.keras"
        model.save(file)
        return file.read_bytes()


def _model(content: bytes) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        file = FilePath(folder) / "model.keras"
        file.write_bytes(content)
        return read_model(file)
