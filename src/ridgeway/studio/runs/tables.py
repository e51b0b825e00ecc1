"""Tables of runs in memory, those that were read lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import pandas as pd

from ridgeway.errors import InputError
from ridgeway.limits import check_parquet
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal

# Bytes of all tables that are kept; a larger one is read each time.
_MOST = 256 << 20


class Tables:
    """Reads Parquet files, each again when it has changed.

    Args:
        most: bytes of memory that those kept may take together.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Path, tuple[tuple[int, int], pd.DataFrame, int]] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, file: Path) -> pd.DataFrame:
        """The table in a file; nobody may change it.

        Raises:
            InputError: it can't be read.
            OSError: it is missing.
        """
        about = file.stat()
        mark = about.st_mtime_ns, about.st_size
        with self._guard:
            known = self._kept.get(file)
            if known is not None and known[0] == mark:
                self._kept.move_to_end(file)
                return known[1]
        table = _read(file)
        size = int(table.memory_usage(deep=True).sum())
        with self._guard:
            self._kept.pop(file, None)
            if size <= self._most:
                self._kept[file] = mark, table, size
            while self.size > self._most:
                self._kept.popitem(last=False)
        return table

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(size for _, _, size in self._kept.values())


def unreadable(file: str, why: str) -> Refusal:
    """The refusal of a run's file that can't be read."""
    return Refusal(N_("'%(file)s' can't be read (%(why)s)."), file=file, why=why)


def _read(file: Path) -> pd.DataFrame:
    try:
        check_parquet(file)
        return pd.read_parquet(file)
    except (InputError, FileNotFoundError):
        raise
    except Exception as error:  # what a stranger's file may make Arrow and pandas raise
        raise unreadable(file.name, type(error).__name__) from error
