"""Looks into a file of data in a process of its own: `python -m ridgeway.studio.runs.inspection FILE [TARGET [TASK]]`.

It prints one JSON object. What a stranger's file does to the memory or the clock it does to that process alone, which
may take no more memory than there is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ridgeway.errors import InputError
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal

_REFUSED = {
    "memory": N_("'%(name)s' needs more memory than there is. Pass a smaller file."),
    "form": N_("'%(name)s' can't be read (%(why)s). Pass CSV, Parquet or .npz."),
}
# Of the memory that is free.
_SHARE = 0.8
# Seconds until a file is given up, and characters of a cell that are shown.
_PATIENCE = 120
_SHOWN = 30
# Columns that are described; more of them can be chosen by name all the same.
_COLUMNS = 200


def inspected(file: Path, name: str, target: str | None = None, task: str | None = None) -> Mapping[str, Any]:
    """What is in a file.

    Args:
        file: CSV, Parquet or `.npz`.
        name: what it was called where it came from.
        target: the column to predict; checked as by `ridgeway fit`, where it is given.
        task: as in `ridgeway.data.read.read`.

    Raises:
        InputError: it can't be used.
    """
    words = [str(file), *([] if target is None else [f"={target}", task or ""])]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ridgeway.studio.runs.inspection", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # Arrow's other allocators claim address space that they don't use, which counts against the limit.
            env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
            timeout=_PATIENCE,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        said = N_("It takes more than %(seconds)s seconds to read '%(name)s'. Pass a smaller file.")
        raise Refusal(said, name=name, seconds=_PATIENCE) from None
    except ValueError:
        said = N_("'%(name)s' could not be read: the process that read it ended. Pass a smaller file.")
        raise Refusal(said, name=name) from None
    if "refused" in found:
        raise Refusal(_REFUSED[found["refused"]], name=name, **found["values"])
    if "error" in found:
        # The file has a name of ours, which says nothing to whoever sent it.
        raise InputError(found["error"].replace(str(file), name))
    return found


def look(file: Path, target: str | None, task: str | None) -> dict[str, Any]:
    """The same, in this process.

    Raises:
        InputError: it can't be used.
    """
    import numpy as np

    from ridgeway.data.read import is_table, read, read_labelled

    if not is_table(file):
        source = read(file, None, task)
        shape = "×".join(map(str, source.x.shape[1:]))
        return {
            "kind": "arrays",
            "rows": len(source),
            "x": f"{shape} {source.x.dtype}",
            "task": source.task,
            "classes": [str(one)[:_SHOWN] for one in source.classes[:50]],
        }
    if file.suffix == ".parquet":
        _check_coded(file)
    if target is not None:
        table = read_labelled(file, target, task)
        classes = sorted({str(one) for one in np.unique(table.labels)}) if table.task == "classification" else []
        return {"kind": "table", "rows": len(table), "task": table.task, "classes": [c[:_SHOWN] for c in classes[:50]]}
    from ridgeway.data.tables import read_table

    frame = read_table(file).rename(columns=str)
    return {
        "kind": "table",
        "rows": len(frame),
        "names": frame.columns.tolist(),
        "columns": [_column(name, frame[name]) for name in frame.columns[:_COLUMNS] if frame.columns.is_unique],
    }


def _column(name: str, cells: Any) -> dict[str, Any]:
    import pandas as pd

    there = cells.dropna()
    examples = [str(cell)[:_SHOWN] for cell in there.drop_duplicates().head(4)]
    return {
        "name": name,
        "numbers": bool(pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)),
        "missing": int(cells.isna().sum()),
        "distinct": int(there.nunique()),
        "examples": examples,
    }


def _check_coded(file: Path) -> None:
    """Counts what the texts of a Parquet file take once they are written out: a cell is stored as the number of a text.

    Raises:
        InputError: more than there is memory.
    """
    import pyarrow.compute
    import pyarrow.parquet

    from ridgeway.limits import check_parquet, check_size

    check_parquet(file, None)
    opened = pyarrow.parquet.ParquetFile(file)
    schema = opened.schema_arrow
    kinds = ("string", "large_string", "binary", "large_binary")
    names = [name for name, kind in zip(schema.names, schema.types, strict=True) if str(kind) in kinds]
    if not names:
        return
    coded = pyarrow.parquet.ParquetFile(file, read_dictionary=names)
    total = 0
    for batch in coded.iter_batches(columns=names):
        for column in batch.columns:
            lengths = pyarrow.compute.binary_length(column.dictionary).take(column.indices)
            total += pyarrow.compute.sum(lengths).as_py() or 0
        # Before the next piece is read: a few of them may say it already.
        check_size(file, total, None)


def _limit_memory() -> None:
    """Takes no more memory than is free: where there is too little, this process ends, not another."""
    try:
        import resource
    except ImportError:  # Windows
        return
    from ridgeway.memory import memory

    free = memory().free
    if free is not None:
        # Libraries that are loaded have address space already.
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        limit = used + int(_SHARE * free)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(words: list[str]) -> None:
    """Prints what is in a file."""
    import pandas  # noqa: F401 - before the limit
    import pyarrow.parquet  # noqa: F401

    _limit_memory()
    # A leading "=" keeps a column's name that is empty or looks like an option what it is.
    target = words[1][1:] if len(words) > 1 else None
    found: dict[str, Any]
    try:
        found = look(Path(words[0]), target, (words[2] or None) if len(words) > 2 else None)
    except InputError as error:
        found = {"error": str(error)}
    except (MemoryError, OverflowError):
        found = {"refused": "memory", "values": {}}
    except (TypeError, ValueError, LookupError, OSError) as error:
        found = {"refused": "form", "values": {"why": f"{type(error).__name__}: {error}".replace(words[0], "…")[:300]}}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
