"""What `run.json` must hold to be read; more may stand in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ridgeway.errors import InputError

#: Version of the run directory that this ridgeway writes and reads.
SCHEMA = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class HyperparameterRecord(_Part):
    """One hyperparameter of the family."""

    values: list[bool | int | float | str]
    order: list[bool | int | float | str] | None = None
    regularizes: bool
    base: bool | int | float | str | None = None


class DataRecord(_Part):
    """What was trained on."""

    rows: int = Field(ge=1)
    validation_rows: int = Field(ge=0)
    fingerprint: str


class StructureRecord(_Part):
    """A model that the user's function built."""

    arguments: dict[str, Any]
    file: str


class RunRecord(_Part):
    """`run.json` of a run that ended."""

    schema_version: Literal[1] = Field(alias="schema")
    id: str
    ridgeway: str
    created: str
    versions: dict[str, str]
    hyperparameters: dict[str, HyperparameterRecord]
    metric: str
    mode: Literal["min", "max"]
    repeats: int = Field(ge=1)
    seed: int
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    decay: Literal["kernels", "all"]
    data: DataRecord
    model: dict[str, Any]
    executor: dict[str, Any]
    structures: list[StructureRecord] | None = None


def problem(record: dict[str, Any]) -> str | None:
    """What is wrong with a record, in a few words, or None."""
    try:
        RunRecord.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def read_record(file: Path) -> dict[str, Any]:
    """What a `run.json` says, unchecked.

    Raises:
        InputError: it is no JSON object.
        FileNotFoundError: there is none.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{file}' is no JSON ({error}). The run can't be read without it.") from None
    if not isinstance(record, dict):
        raise InputError(f"'{file}' holds no JSON object. The run can't be read without it.")
    return record
