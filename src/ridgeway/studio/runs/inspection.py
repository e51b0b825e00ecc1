"""Looks into a file of data in a process of its own: `python -m ridgeway.studio.runs.inspection FILE [TARGET [TASK]]`.

It prints one JSON object. What a stranger's file does to the memory or the clock it does to that process alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Seconds until a file is given up, and characters of a cell that are shown.
_PATIENCE = 120
_SHOWN = 30
# Columns that are described; more of them can be chosen by name all the same.
_COLUMNS = 200


def inspected(file: Path, target: str | None = None, task: str | None = None) -> Mapping[str, Any]:
    """What is in a file, or `{"error": why it can't be used}`.

    Args:
        file: CSV, Parquet or `.npz`.
        target: the column to predict; checked as by `ridgeway fit`, where it is given.
        task: as in `ridgeway.data.read.read`.
    """
    words = [str(file), *([] if target is None else [f"={target}", task or ""])]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ridgeway.studio.runs.inspection", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"It took more than {_PATIENCE} seconds to read. Pass a smaller file."}
    except ValueError:
        return {"error": "It could not be read: the process that read it ended. Pass a smaller file."}
    if "error" in found:
        # The file has a name of ours, which says nothing to whoever sent it.
        found["error"] = found["error"].replace(f"'{file}'", "'…'").replace(str(file), "…")
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


def main(words: list[str]) -> None:
    """Prints what is in a file."""
    from ridgeway.errors import InputError

    # A leading "=" keeps a column's name that is empty or looks like an option what it is.
    target = words[1][1:] if len(words) > 1 else None
    try:
        found = look(Path(words[0]), target, (words[2] or None) if len(words) > 2 else None)
    except InputError as error:
        found = {"error": str(error)}
    except (MemoryError, OverflowError):
        found = {"error": "It needs more memory than there is. Pass a smaller file."}
    except (TypeError, ValueError, LookupError, OSError) as error:
        found = {"error": f"It can't be read ({type(error).__name__}: {error}). Pass CSV, Parquet or .npz."}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
