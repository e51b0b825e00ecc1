"""A run's directory: the single record of a run.

`run.json`, `lanes.parquet`, `timings.parquet`, `history.parquet`,
`weights.safetensors` and `last_weights.safetensors` (lane axis first),
`model.keras` (the model as it was given; `structures/0.keras` and so on where a function built it), `best.keras`,
`report.html`, `events.jsonl`; where there is something to keep in them `calibration.parquet` and `probes.parquet`.
Every file is written under another name and renamed, so that a reader never sees half of one. Nothing is pickled.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import save_file

from ridgeway.errors import InputError
from ridgeway.schema import SCHEMA, problem
from ridgeway.structures import Variants, key_of, source_of
from ridgeway.weights import Block

if TYPE_CHECKING:
    import keras

    from ridgeway.path import Path

Directory = str | os.PathLike[str]


def claim(directory: Directory, identity: str) -> FilePath:
    """Makes a run's directory, or finds it to be this run's own.

    Raises:
        InputError: it holds another run, or is a file.
    """
    folder = FilePath(directory)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"'{folder}' is a file. Pass a directory for the run.")
    file = folder / "run.json"
    if file.exists() and str(_read_record(file).get("id")) != identity:
        state = _read_record(file).get("status", "finished")
        raise InputError(
            f"'{folder}' holds another run. Pass another directory, or delete that one first (it is {state})."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The directory '{folder}' can't be made: {error.strerror}. Pass another one.") from None
    return folder


def begun(directory: Directory) -> dict[str, Any] | None:
    """The record of the run in a directory, whether it has ended or not; None where there is none.

    Raises:
        InputError: its `run.json` can't be read.
    """
    file = FilePath(directory) / "run.json"
    return {"status": "finished", **_read_record(file)} if file.exists() else None


def begin(directory: Directory, record: Mapping[str, Any]) -> FilePath:
    """Claims a directory for a run that starts now; its `run.json` says so until `save` replaces it."""
    folder = claim(directory, str(record["id"]))
    _write(folder / "run.json", lambda file: file.write_text(_json({**record, "status": "running"})))
    return folder


def release(directory: Directory) -> None:
    """Takes back `begin` where nothing came of the run, so that the directory is free for the next."""
    for name in ("run.json", "events.jsonl"):
        (FilePath(directory) / name).unlink(missing_ok=True)


def save(
    path: Path,
    directory: Directory,
    variants: Variants | None,
    weights: Sequence[Block] | None,
    last: Sequence[Block] | None,
) -> None:
    """Writes a path's directory, `run.json` last: it says that the rest is whole.

    Args:
        path: the path.
        directory: where to.
        variants: the model that was trained; None where it was read from a directory already.
        weights: kept weights.
        last: last weights.

    Raises:
        InputError: the directory holds another run.
    """
    folder = claim(directory, str(path.record["id"]))
    # What the clock says stands apart: all else of a run that was killed and went on is what it would have been.
    _write(folder / "lanes.parquet", lambda file: path.table().drop(columns="seconds").to_parquet(file))
    _write(folder / "timings.parquet", lambda file: path.table()[["lane", "seconds"]].to_parquet(file))
    _write(folder / "history.parquet", lambda file: path.history().to_parquet(file))
    for name, frame in (("calibration", path.calibration()), ("probes", path.probes())):
        if len(frame):
            _write(folder / f"{name}.parquet", frame.to_parquet)
    for name, stored in (("weights", weights), ("last_weights", last)):
        if stored is not None:
            _write(folder / f"{name}.safetensors", partial(_write_blocks, stored))
    savable = True
    if path.table()["best_epoch"].notna().any():
        savable = _write_best(path, folder / "best.keras")
        _write(folder / "report.html", path.report)
    for file, arguments in _model_files(path.record):
        savable = savable and (variants is not None or (FilePath(path.source or ".") / file).exists())
        savable = savable and _write_model(path.given_model(arguments), folder / file)
    _write(folder / "run.json", lambda file: file.write_text(_json(path.record)))


def replace_best(directory: Directory, model: keras.Model) -> None:
    """Puts another model in the place of a run's `best.keras`: one that stands for more than the best lane.

    Args:
        directory: of a run that ended.
        model: any that Keras can save.
    """
    _write_model(model, FilePath(directory) / "best.keras")


def _write_best(path: Path, target: FilePath) -> bool:
    from ridgeway.export import lent_model

    lane = path.best.lane
    with lent_model(path.structure(lane), path.lane(lane), path.record, path.lane_weights(lane)) as model:
        return _write_model(model, target)


def _write_model(model: keras.Model, target: FilePath) -> bool:
    """Writes a model; the run is whole without it, where Keras can't save the model's class: then it gives False.

    Warns:
        UserWarning: Keras can't save it.
    """
    try:
        _write(target, model.save, suffix=".keras")
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        warnings.warn(
            f"'{target.name}' is not written: Keras can't save a {type(model).__name__} ({reason}…). The "
            "weights are in weights.safetensors: read them by load_path(directory, model=your_compiled_model).",
            UserWarning,
            stacklevel=2,
        )
        return False
    return True


def _write_blocks(stored: Sequence[Block], file: FilePath) -> None:
    """Writes blocks of weights; the first one's arrays go by their variables' names, those of others by a prefix."""
    arrays = {
        _key(place, name): np.ascontiguousarray(_storable(block.arrays[name]))
        for place, block in enumerate(stored)
        for name in block.arrays
    }
    about = [{"lanes": list(block.lanes), "names": list(block.arrays)} for block in stored]
    save_file(arrays, file, metadata={"blocks": json.dumps(about)})


def _key(place: int, name: str) -> str:
    return f"{place}:{name}" if place else name


def _read_blocks(file: FilePath, lanes: Sequence[int]) -> list[Block]:
    """Blocks whose arrays are read by lane, when they are asked for."""
    with safe_open(file, "numpy") as stored:
        metadata = stored.metadata() or {}
        names = list(stored.keys())
    # Files of the first version hold one block, of all lanes.
    whole = [{"lanes": list(lanes), "names": json.loads(metadata.get("order", "null")) or names}]
    about = json.loads(metadata["blocks"]) if "blocks" in metadata else whole
    return [
        Block(tuple(one["lanes"]), {name: StoredArray(file, _key(place, name)) for name in one["names"]})
        for place, one in enumerate(about)
    ]


def _storable(values: Any) -> np.ndarray:
    array = np.asarray(values)
    # bfloat16 has no NumPy type of its own; every value of it is a float32.
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _model_files(record: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The files of the models as they were given or built, with the arguments of the function that built them."""
    built = record.get("structures")
    return [(one["file"], one["arguments"]) for one in built] if built else [("model.keras", {})]


def _write(target: FilePath, write: Callable[[FilePath], Any], suffix: str = "") -> None:
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial{suffix}")
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def load_path(directory: Directory, model: keras.Model | Callable[..., keras.Model] | None = None) -> Path:
    """Reads a run's directory.

    Args:
        directory: what `fit_path(..., out=)` or `path.save` wrote.
        model: the compiled model, or the function that builds it, for classes of your own that `best.keras` can't be
            read into. Neither is needed for Keras's own classes.

    Raises:
        InputError: no run is there, or one of another schema.
    """
    from ridgeway.path import Path

    folder = FilePath(directory)
    file = folder / "run.json"
    if not file.exists():
        raise InputError(f"'{folder}' holds no finished run: it has no run.json. Pass the directory of a run.")
    record = _read_record(file)
    if record.get("schema") != SCHEMA:
        raise InputError(
            f"'{folder}' was written in schema {record.get('schema')}, and this ridgeway reads {SCHEMA}. Install the "
            f"version that wrote it ({record.get('ridgeway')})."
        )
    if (wrong := problem(record)) and record.get("status") != "running":
        raise InputError(f"'{file}' is not as ridgeway writes it: {wrong}. Restore the file, or run fit_path again.")
    if record.get("status") == "running":
        raise InputError(f"The run in '{folder}' is not finished. Wait for it, or look at its events.jsonl.")
    table = pd.read_parquet(folder / "lanes.parquet")
    if (folder / "timings.parquet").exists():
        table = table.merge(pd.read_parquet(folder / "timings.parquet"), on="lane", how="left")
    stores = {
        name: _read_blocks(folder / f"{name}.safetensors", table["lane"].tolist())
        for name in ("weights", "last_weights")
        if (folder / f"{name}.safetensors").exists()
    }
    frames = {
        name: pd.read_parquet(folder / f"{name}.parquet")
        for name in ("calibration", "probes")
        if (folder / f"{name}.parquet").exists()
    }
    return Path(
        table,
        pd.read_parquet(folder / "history.parquet"),
        record,
        weights=stores.get("weights"),
        last_weights=stores.get("last_weights"),
        calibration=frames.get("calibration"),
        probes=frames.get("probes"),
        variants=None if model is None else Variants(source_of(model, record["hyperparameters"], int(record["seed"]))),
        source=folder,
    )


def _json(record: Mapping[str, Any]) -> str:
    # NumPy's numbers, which a user may have put into `extra`, are numbers too.
    return json.dumps(record, indent=1, ensure_ascii=False, default=lambda value: value.item())


def _read_record(file: FilePath) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except ValueError as error:
        raise InputError(f"'{file}' is no JSON ({error}). The run can't be read without it.") from None


class StoredArray:
    """One array of a safetensors file, read by lane."""

    def __init__(self, file: FilePath, name: str) -> None:
        self._file, self._name = file, name

    def __getitem__(self, place: int) -> np.ndarray:
        with safe_open(self._file, "numpy") as stored:
            return np.asarray(stored.get_slice(self._name)[place])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        with safe_open(self._file, "numpy") as stored:
            return np.asarray(stored.get_tensor(self._name), dtype=dtype)


def stored_models(
    directory: Directory | None, record: Mapping[str, Any], trained: bool = True
) -> Callable[[Mapping[str, Any]], keras.Model]:
    """What reads the models of a stored run, for the arguments of the function that built them.

    Args:
        directory: the run's.
        record: its record.
        trained: whether the best lane's model will do where the one that was given could not be saved.
    """
    files = {key_of(arguments): file for file, arguments in _model_files(record)}

    def read(arguments: Mapping[str, Any]) -> keras.Model:
        name = files[key_of(arguments)]
        whole = trained and not arguments and not (FilePath(directory or ".") / name).exists()
        return load_model(directory, "best.keras" if whole else name)

    return read


def load_model(directory: Directory | None, name: str) -> keras.Model:
    """A model of a stored run, with `safe_mode` on: a file from a stranger runs no code.

    Args:
        directory: the run's.
        name: of the file.

    Raises:
        InputError: there is no such file, or Keras can't read it.
    """
    import keras

    file = FilePath(directory or ".") / name
    if directory is None or not file.exists():
        raise InputError(
            "This path has no model of its lanes: none kept an epoch, or it was made without, as that of an estimator "
            "that was saved (which predicts by model_)."
        )
    try:
        return keras.models.load_model(file, safe_mode=True)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Keras can't read '{file}' ({str(error).splitlines()[0]}). A model of a class of your own has to be "
            "passed, or the function that builds it: load_path(directory, model=your_compiled_model)."
        ) from error
