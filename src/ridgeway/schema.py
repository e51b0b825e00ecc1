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


class BegunRecord(_Part):
    """`run.json` of any run that was begun: what going on with it needs."""

    id: str
    created: str
    status: str
    data: dict[str, Any]
    extra: dict[str, Any] = {}
    same: dict[str, str] | None = None


class CommandRecord(BaseModel):
    """`extra.command`: the options of `ridgeway fit` that began a run. Older versions knew fewer of them."""

    data: str
    target: str | None = None
    vary: list[str] | None = None
    model: str | None = None
    task: str | None = None
    coding: Literal["one-hot", "dummy"] | None = None
    unknown: Literal["error", "ignore"] | None = None
    time_limit: float | None = None
    epochs: int | None = Field(None, ge=1)
    batch_size: int | None = Field(None, ge=1)
    patience: int | None = Field(None, ge=0)
    validation_split: float | None = None
    cv: int | None = Field(None, ge=2)
    repeats: int = Field(1, ge=1)
    seed: int = Field(0, ge=0)
    slots: int | None = Field(None, ge=1)
    executor: str | None = None
    decay: str | None = None
    warm_start: str | None = None
    checkpoint_every: float | None = None
    cluster: str | None = None


def problem(record: dict[str, Any], kind: type[BaseModel] = RunRecord) -> str | None:
    """What is wrong with a record, in a few words, or None.

    Args:
        record: what was read.
        kind: what it should be.
    """
    try:
        kind.model_validate(record)
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
