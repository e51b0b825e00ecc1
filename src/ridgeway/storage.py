"""A run's directory: the single record of a run.

`run.json`, `lanes.parquet`, `timings.parquet`, `history.parquet`,
`weights.safetensors` and `last_weights.safetensors` (lane axis first),
`model.keras` (the model as it was given; `structures/0.keras` and so on where a function built it), `best.keras`,
`report.html`, `events.jsonl`, `checksums.json`; where there is something to keep in them `calibration.parquet` and
`probes.parquet`. Every file is written under another name, synced and renamed, so that a reader never sees half of one,
and is compared with its checksum when it is read. Nothing is pickled. A directory may come from a stranger: what its
files say is checked before it is believed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ridgeway import checksums
from ridgeway.checkpoints import remove_checkpoints
from ridgeway.checkpoints.status import FOLDER
from ridgeway.checksums import Checksums
from ridgeway.errors import InputError, first_line
from ridgeway.files import is_plain, make_directory, remove_partial, write_atomically
from ridgeway.limits import read_parquet
from ridgeway.locking import DirectoryLock, is_held
from ridgeway.model_files import read_model
from ridgeway.own_files import check_own
from ridgeway.schema import SCHEMA, BegunRecord, problem, read_record
from ridgeway.structures import Variants, key_of, source_of
from ridgeway.telling import warn
from ridgeway.weights import Block

if TYPE_CHECKING:
    import keras

    from ridgeway.path import Path

Directory = str | os.PathLike[str]


def claim(directory: Directory, identity: str) -> FilePath:
    """Makes a run's directory, or finds it to be this run's own.

    Raises:
        InputError: it holds another run, checkpoints without their run, or links where a run writes; or it is a file.
    """
    folder = FilePath(directory)
    check_own(folder)
    file = folder / "run.json"
    if file.exists() and str(read_record(file).get("id")) != identity:
        state = read_record(file).get("status", "finished")
        if state == "finished":
            raise InputError(f"'{folder}' holds another run. Pass another directory, or delete that one first.")
        raise InputError(
            f"'{folder}' holds another run. Pass another directory, or go on with that one, which is not finished "
            f"({state}): fit_path(..., out={str(folder)!r}, resume=True), or `ridgeway resume {folder}`."
        )
    if not file.exists() and os.path.lexists(folder / FOLDER):
        raise InputError(
            f"'{folder / FOLDER}' holds checkpoints of a run whose run.json is gone. Restore run.json to go on with "
            "that run, delete the checkpoints, or pass another directory."
        )
    make_directory(folder)
    return folder


def begun(directory: Directory) -> dict[str, Any] | None:
    """The record of the run in a directory, whether it has ended or not; None where there is none.

    Raises:
        InputError: its `run.json` can't be read, or it holds links where a run writes.
    """
    file = FilePath(directory) / "run.json"
    if not file.exists():
        return None
    check_own(file.parent)
    record = {"status": "finished", **read_record(file)}
    if wrong := problem(record, BegunRecord):
        raise InputError(f"'{file}' is not as ridgeway writes it: {wrong}. Restore it, or train in another directory.")
    return record


@dataclass(frozen=True)
class Begun:
    """A directory in which a run is under way.

    Attributes:
        folder: the directory.
        before: its `run.json` as it was, where the run goes on; None where it is new.
        sums: those that stood, where what was trained before had been saved; else None.
    """

    folder: FilePath
    before: bytes | None
    sums: Checksums | None

    def take_back(self) -> None:
        """As it was, where nothing came of it: free for the next run, or ready to be gone on with.

        Raises:
            StorageFull: there is no space for what stood there; the run then counts as killed, and goes on as such.
        """
        if self.before is None:
            remove_checkpoints(self.folder)
            for name in ("run.json", "events.jsonl"):
                (self.folder / name).unlink(missing_ok=True)
            return
        before = self.before
        if self.sums is None:
            write_atomically(self.folder / "run.json", lambda file: file.write_bytes(before))
            return
        # It has lines of the attempt now.
        self.sums.add("events.jsonl")
        self.sums.write("run.json", lambda file: file.write_bytes(before), last=True)


def begin(directory: Directory, record: Mapping[str, Any]) -> Begun:
    """Claims a directory for a run that starts now; its `run.json` says so until `save` replaces it."""
    folder = claim(directory, str(record["id"]))
    remove_partial(folder)
    file = folder / "run.json"
    before = file.read_bytes() if file.exists() else None
    sums = _sound_sums(folder)
    # They are of files that this run is about to write.
    (folder / checksums.NAME).unlink(missing_ok=True)
    content = _json({**record, "status": "running"})
    write_atomically(file, lambda file: file.write_text(content, encoding="utf-8"))
    return Begun(folder, before, sums)


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
    with DirectoryLock(directory):
        folder = claim(directory, str(path.record["id"]))
        remove_partial(folder)
        # What is there already stays sound while it is written anew.
        sums = _sound_sums(folder) or Checksums(folder)
        # What the clock says stands apart: all else of a run that was killed and went on is what it would have been.
        sums.write("lanes.parquet", lambda file: path.table().drop(columns="seconds").to_parquet(file))
        sums.write("timings.parquet", lambda file: path.table()[["lane", "seconds"]].to_parquet(file))
        sums.write("history.parquet", lambda file: path.history().to_parquet(file))
        for name, frame in (("calibration", path.calibration()), ("probes", path.probes())):
            if len(frame):
                sums.write(f"{name}.parquet", frame.to_parquet)
        for name, stored in (("weights", weights), ("last_weights", last)):
            if stored is not None:
                sums.write(f"{name}.safetensors", partial(_write_blocks, stored))
        savable = True
        if path.table()["best_epoch"].notna().any():
            savable = _write_best(path, partial(sums.write, "best.keras"))
            sums.write("report.html", path.report)
        for file, arguments in _model_files(path.record):
            savable = savable and (variants is not None or (FilePath(path.source or ".") / file).exists())
            savable = savable and _write_model(path.given_model(arguments), file, partial(sums.write, file))
        sums.add("events.jsonl")
        sums.keep_existing()
        content = _json({**path.record, "checksums": checksums.NAME})
        sums.write("run.json", lambda file: file.write_text(content, encoding="utf-8"), last=True)


def _sound_sums(folder: FilePath) -> Checksums | None:
    """The sums of what is there already; None where there are none, or altered ones."""
    try:
        return Checksums.read(folder)
    except InputError:
        return None


def replace_best(directory: Directory, model: keras.Model) -> None:
    """Puts another model in the place of a run's `best.keras`: one that stands for more than the best lane.

    Args:
        directory: of a run that ended.
        model: any that Keras can save.
    """
    _write_model(model, "best.keras", partial(checksums.replace, FilePath(directory) / "best.keras"))


def _write_best(path: Path, write: Callable[..., None]) -> bool:
    from ridgeway.export import lent_model

    lane = path.best.lane
    with lent_model(path.structure(lane), path.lane(lane), path.record, path.lane_weights(lane)) as model:
        return _write_model(model, "best.keras", write)


def _write_model(model: keras.Model, name: str, write: Callable[..., None]) -> bool:
    """Writes a model; the run is whole without it, where Keras can't save the model's class: then it gives False.

    Args:
        model: the model.
        name: of the file.
        write: puts it into the directory, by a function of the file and its suffix.

    Warns:
        UserWarning: Keras can't save it.
    """
    try:
        write(model.save, suffix=".keras")
    except InputError:
        # Not of Keras: the directory is in use, or its sums are altered.
        raise
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        warn(
            f"'{name}' is not written: Keras can't save a {type(model).__name__} ({reason}…). The "
            "weights are in weights.safetensors: read them by load_path(directory, model=your_compiled_model)."
        )
        return False
    return True


def _write_blocks(stored: Sequence[Block], file: FilePath) -> None:
    """Writes blocks of weights; the first one's arrays go by their variables' names, those of others by a prefix.

    An array that all lanes of a block share, such as a frozen weight, has a lane axis of length 1.
    """
    arrays = {
        _key(place, name): np.ascontiguousarray(_storable(_once(block.arrays[name])))
        for place, block in enumerate(stored)
        for name in block.arrays
    }
    about = [{"lanes": list(block.lanes), "names": list(block.arrays)} for block in stored]
    save_file(arrays, file, metadata={"blocks": json.dumps(about)})


def _once(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array[:1] if array.ndim and not array.strides[0] else array


def _key(place: int, name: str) -> str:
    return f"{place}:{name}" if place else name


def _read_blocks(file: StoredFile, lanes: Sequence[int]) -> list[Block]:
    """Blocks whose arrays are read by lane, when they are asked for."""
    try:
        with safe_open(file.path, "numpy") as stored:
            metadata = stored.metadata() or {}
            names = list(stored.keys())
        # Files of the first version hold one block, of all lanes.
        whole = [{"lanes": list(lanes), "names": json.loads(metadata.get("order", "null")) or names}]
        about = json.loads(metadata["blocks"]) if "blocks" in metadata else whole
        keys = [_key(place, name) for place, one in enumerate(about) for name in one["names"]]
        if not set(keys) <= set(names):
            raise ValueError(f"its header names {min(set(keys) - set(names))!r}, which it does not hold")
        return [
            Block(tuple(one["lanes"]), {name: StoredArray(file, _key(place, name)) for name in one["names"]})
            for place, one in enumerate(about)
        ]
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        file.check()
        raise _unreadable(file.path, "weights", error) from error


def _storable(values: Any) -> np.ndarray:
    array = np.asarray(values)
    # bfloat16 has no NumPy type of its own; every value of it is a float32.
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _model_files(record: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The files of the models as they were given or built, with the arguments of the function that built them."""
    built = record.get("structures") or []
    for one in built:
        if not is_plain(one["file"]):
            raise InputError(
                f"The record of the run names the model {one['file']!r}, which is no file of its directory. Don't use "
                "this run: ridgeway did not write it."
            )
    return [(one["file"], one["arguments"]) for one in built] if built else [("model.keras", {})]


def load_path(directory: Directory, model: keras.Model | Callable[..., keras.Model] | None = None) -> Path:
    """Reads a run's directory.

    Args:
        directory: what `fit_path(..., out=)` or `path.save` wrote.
        model: the compiled model, or the function that builds it, for classes of your own that `best.keras` can't be
            read into. Neither is needed for Keras's own classes.

    Raises:
        InputError: no run is there, one of another schema, or one of whose files some are missing, altered or torn.
    """
    from ridgeway.path import Path

    folder = FilePath(directory)
    file = folder / "run.json"
    if not file.exists():
        raise InputError(f"'{folder}' holds no finished run: it has no run.json. Pass the directory of a run.")
    record = read_record(file)
    if record.get("schema") != SCHEMA:
        raise InputError(
            f"'{folder}' was written in schema {record.get('schema')}, and this ridgeway reads {SCHEMA}. Install the "
            f"version that wrote it ({record.get('ridgeway')})."
        )
    if record.get("status") == "running":
        if is_held(folder):
            raise InputError(f"The run in '{folder}' is not finished. Wait for it, or look at its events.jsonl.")
        raise InputError(
            f"The run in '{folder}' is not finished, and its process is gone. Go on with it by "
            f"fit_path(..., out={str(folder)!r}, resume=True), or `ridgeway resume {folder}`."
        )
    if wrong := problem(record):
        raise InputError(f"'{file}' is not as ridgeway writes it: {wrong}. Restore the file, or run fit_path again.")
    sums = _sums(folder, record)
    if sums is not None:
        sums.check("run.json")
    _model_files(record)
    # What is read from the directory; `save` says anew that it has checksums.
    record.pop("checksums", None)
    table = _read_table(folder, "lanes.parquet", sums)
    if (folder / "timings.parquet").exists():
        table = table.merge(_read_table(folder, "timings.parquet", sums), on="lane", how="left")
    history = _read_table(folder, "history.parquet", sums)
    stores = {
        name: _read_blocks(StoredFile(folder, f"{name}.safetensors", sums), table["lane"].tolist())
        for name in ("weights", "last_weights")
        if (folder / f"{name}.safetensors").exists()
    }
    frames = {
        name: _read_table(folder, f"{name}.parquet", sums)
        for name in ("calibration", "probes")
        if (folder / f"{name}.parquet").exists()
    }
    return Path(
        table,
        history,
        record,
        weights=stores.get("weights"),
        last_weights=stores.get("last_weights"),
        calibration=frames.get("calibration"),
        probes=frames.get("probes"),
        variants=None if model is None else Variants(source_of(model, record["hyperparameters"], int(record["seed"]))),
        source=folder,
    )


def _sums(folder: FilePath, record: Mapping[str, Any]) -> Checksums | None:
    """The sums of a run that ended; None for one of a version that wrote none."""
    sums = Checksums.read(folder)
    if sums is None and record.get("checksums"):
        raise InputError(
            f"'{checksums.NAME}' of '{folder}' is missing, so that its files can't be checked. Restore it from a copy, "
            "or train again."
        )
    return sums


def _read_table(folder: FilePath, name: str, sums: Checksums | None) -> pd.DataFrame:
    file = folder / name
    if not file.exists():
        raise InputError(f"'{name}' of '{folder}' is missing. Restore it from a copy, or train again.")
    if sums is not None:
        sums.check(name)
    try:
        return read_parquet(file).to_pandas()
    except InputError:
        raise
    except Exception as error:  # what a stranger's file may make Arrow and pandas raise
        raise _unreadable(file, "a table", error) from error


def _unreadable(file: FilePath, what: str, error: Exception) -> InputError:
    return InputError(
        f"'{file.name}' of '{file.parent}' can't be read as {what}: {first_line(error)[:200]}. Restore it from a copy, "
        "or train again."
    )


def _json(record: Mapping[str, Any]) -> str:
    # NumPy's numbers, which a user may have put into `extra`, are numbers too.
    return json.dumps(record, indent=1, ensure_ascii=False, default=lambda value: value.item())


class StoredFile:
    """A safetensors file of a run, compared with its checksum when the first array is read from it.

    Args:
        folder: the run's directory.
        name: of the file.
        sums: the directory's; None where there are none.
    """

    def __init__(self, folder: FilePath, name: str, sums: Checksums | None) -> None:
        self.path = folder / name
        self.check = cache(partial(sums.check, name)) if sums else lambda: None

    def read(self, take: Callable[[Any], Any]) -> np.ndarray:
        """What a function takes of the opened file.

        Raises:
            InputError: the file is altered, torn or gone.
        """
        self.check()
        try:
            with safe_open(self.path, "numpy") as stored:
                return np.asarray(take(stored))
        except (OSError, SafetensorError) as error:
            raise _unreadable(self.path, "weights", error) from error


class StoredArray:
    """One array of a safetensors file, read by lane."""

    def __init__(self, file: StoredFile, name: str) -> None:
        self._file, self._name = file, name

    def __getitem__(self, place: int) -> np.ndarray:
        def own(stored: Any) -> Any:
            lanes = stored.get_slice(self._name)
            return lanes[place if lanes.get_shape()[0] > 1 else 0]

        return self._file.read(own)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._file.read(lambda stored: stored.get_tensor(self._name)), dtype=dtype)


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
        InputError: there is no such file, it is altered, or Keras can't read it.
    """
    file = FilePath(directory or ".") / name
    if directory is None or not file.exists():
        raise InputError(
            "This path has no model of its lanes: none kept an epoch, or it was made without, as that of an estimator "
            "that was saved (which predicts by model_)."
        )
    sums = Checksums.read(FilePath(directory))
    if sums is not None:
        sums.check(name)
    try:
        return read_model(file)
    except InputError:
        raise
    except Exception as error:  # what a stranger's file may make Keras raise
        raise InputError(
            f"Keras can't read '{file}' ({first_line(error)[:200]}). A model of a class of your own has to be "
            "passed, or the function that builds it: load_path(directory, model=your_compiled_model)."
        ) from error
