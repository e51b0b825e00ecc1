"""Where runs lie: directories of the workspace, named by their path in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fastapi import HTTPException

from ridgeway.studio.settings import OWN, Settings

# Directories in directories that are searched for runs.
_DEEP = 3
# Folders of a run that hold none.
_INNER = ("state", "structures")


def run_folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The runs of the workspace, each with its name."""
    yield from _below(settings.workspace, "", _DEEP)


def _below(folder: Path, before: str, deep: int) -> Iterator[tuple[str, Path]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        # Removed a moment ago, or closed to the studio: there is nothing to show.
        return
    for entry in entries:
        if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
            continue
        name, path = f"{before}{entry.name}", Path(entry.path)
        if (path / "run.json").is_file():
            yield name, path
        elif deep > 1 and entry.name not in _INNER:
            yield from _below(path, f"{name}/", deep - 1)


def folder_of(settings: Settings, name: str) -> Path:
    """The directory of that name, whether a run is in it or not yet.

    Raises:
        HTTPException: the name leads out of the workspace or into what is the studio's own (404).
    """
    parts = name.split("/")
    plain = all(part and not part.startswith(".") and "\\" not in part and "\0" not in part for part in parts)
    if not plain or len(parts) > _DEEP or len(name) > 500 or parts[0] == OWN:
        raise HTTPException(404)
    folder = settings.workspace.joinpath(*parts)
    root = settings.workspace.resolve()
    # No link may lead elsewhere.
    if folder.resolve() != root.joinpath(*parts):
        raise HTTPException(404)
    return folder


def run_folder(settings: Settings, name: str) -> Path:
    """The directory of a run that has begun.

    Raises:
        HTTPException: there is none of that name (404).
    """
    folder = folder_of(settings, name)
    if not (folder / "run.json").is_file():
        raise HTTPException(404)
    return folder
