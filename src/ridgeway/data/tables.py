"""CSV and Parquet files as tables."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ridgeway.errors import InputError
from ridgeway.limits import check_parquet

# What a date of ISO 8601 begins with.
_DATE = r"\d{4}-\d{2}-\d{2}"
# How it ends where it names a time zone.
_ZONE = r"(?:Z|:\d{2}.*[+-]\d{2}:?\d{2})$"


def read_table(file: Path, texts: Collection[str] = ()) -> pd.DataFrame:
    """Reads a CSV or Parquet file.

    Args:
        file: the file.
        texts: columns whose cells are text as they stand in a CSV file, such as "01", whatever they could be read as.

    Raises:
        InputError: it can't be parsed (with the line), or holds no rows or no columns.
    """
    try:
        kind = file.suffix.lower()
        comma = "\t" if kind == ".tsv" else ","
        if kind in (".parquet", ".pq"):
            # Columns of few values shrink to next to nothing: only memory is a limit.
            check_parquet(file, None)
            frame = pd.read_parquet(file)
        else:
            # In one piece: each chunk of a large file would find types of its own, 1 in one and "01" in the next.
            frame = pd.read_csv(file, sep=comma, dtype=dict.fromkeys(texts, str), low_memory=False)
    except pd.errors.EmptyDataError:
        raise InputError(f"'{file}' is empty. Pass a file with a header line and at least one row.") from None
    except pd.errors.ParserError as error:
        line = re.search(r"line (\d+)", str(error))
        where = f" at line {line.group(1)}" if line else ""
        raise InputError(
            f"'{file}' can't be parsed as CSV{where}: {str(error).strip()}. Mend that line, or quote the field."
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{file}' is no UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"'{file}' can't be read: {error}. Pass a CSV or Parquet file.") from None
    if frame.empty:
        raise InputError(f"'{file}' holds no rows. Pass at least one row below the header.")
    return frame


def with_dates(frame: pd.DataFrame, known: Mapping[str, str | None] | None = None) -> pd.DataFrame:
    """The table with its columns of dates written out, "2024-05-17" or with a time behind, as dates.

    CSV has no type for them. A column is one of dates where each cell that is there can be read as such.

    Args:
        frame: the table.
        known: the columns that may be dates, each with its time zone or None; any where None.
    """
    found = {}
    for name in frame.columns:
        if known is not None and name not in known:
            continue
        cells = frame[name].dropna()
        if pd.api.types.is_string_dtype(cells) and len(cells) and cells.str.match(_DATE).all():
            # In one time zone where they have any: a column can't hold several.
            zoned = bool(cells.str.contains(_ZONE).any() or (known and known[name] is not None))
            dates = pd.to_datetime(frame[name], format="ISO8601", errors="coerce", utc=zoned)
            if dates.notna().sum() == len(cells):
                found[name] = dates
    return frame.assign(**found)


def split_target(frame: pd.DataFrame, target: str, file: Path) -> tuple[pd.DataFrame, pd.Series]:
    """The features and the target column.

    Raises:
        InputError: there is no such column; gives the nearest names.
    """
    if target not in frame.columns:
        names = [str(name) for name in frame.columns]
        near = difflib.get_close_matches(target, names, n=3, cutoff=0.4) or names[:8]
        raise InputError(f"Unknown target column '{target}' in '{file}'. The nearest names are {', '.join(near)}.")
    features = frame.drop(columns=[target])
    if features.shape[1] == 0:
        raise InputError(f"'{file}' has no column beside the target '{target}'. Pass a table with features.")
    return features, frame[target]


def check_cells(frame: pd.DataFrame, file: Path) -> None:
    """Refuses cells that are missing or infinite.

    Raises:
        InputError: names the column, the number of such cells and the first line of the file that has one.
    """
    for name in frame.columns:
        column = frame[name]
        bad = column.isna().to_numpy()
        if pd.api.types.is_float_dtype(column):
            bad = bad | ~np.isfinite(column.to_numpy(dtype=float, na_value=np.nan))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"Column '{name}' of '{file}' has {int(bad.sum())} cells that are missing, NaN or infinite, the first "
                f"in data row {row + 1}. Fill them in or drop those rows."
            )
