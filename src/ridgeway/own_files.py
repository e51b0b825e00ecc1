"""What a run writes in place has to lie in its own directory.

Most files are written under another name and renamed, which replaces a link. These few are opened, appended to or
cleared where they are: in a directory from a stranger a link would lead that to any file of the user's.
"""

from __future__ import annotations

import stat
from pathlib import Path

from ridgeway.errors import InputError

#: Directories and files that are written in place.
FOLDERS = ("state", "structures")
FILES = ("events.jsonl", "optuna.db", "optuna.db-journal", "optuna.db-wal", "optuna.db-shm")


def foreign(folder: Path) -> str | None:
    """What is wrong with the things in a directory that a run writes in place, or None."""
    for name in (*FOLDERS, *FILES):
        try:
            mode = (folder / name).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        fits, kind = (stat.S_ISDIR, "directory") if name in FOLDERS else (stat.S_ISREG, "file")
        if not fits(mode):
            what = "link" if stat.S_ISLNK(mode) else "directory" if stat.S_ISDIR(mode) else "file"
            return (
                f"'{name}' of '{folder}' is a {what if what != kind else 'special file'}, not a {kind} of the run's own"
            )
    return None


def check_own(folder: Path) -> None:
    """Refuses a directory in which something that a run writes in place leads elsewhere.

    Raises:
        InputError: names it.
    """
    if wrong := foreign(folder):
        raise InputError(f"{wrong}: ridgeway did not write it. Remove it, or pass another directory.")
