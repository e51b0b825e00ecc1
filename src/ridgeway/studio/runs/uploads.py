"""Files of data that were sent to the studio: `uploads/<number>/` in its own folder.

A file keeps nothing of its name but the ending; what it was called is text in `about.json`.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ridgeway.files import write_atomically
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal
from ridgeway.studio.runs.inspection import inspected
from ridgeway.studio.settings import Settings

#: Endings of what is taken.
ENDINGS = (".csv", ".tsv", ".parquet", ".npz")
_ABOUT = "about.json"
_NUMBER = re.compile(r"[0-9a-f]{16}")
# Bytes written at once, characters of a name that are kept, and seconds for which a file waits to be used.
_PIECE = 1 << 20
_NAME = 120
_WAITS = 24 * 3600


@dataclass(frozen=True)
class Upload:
    """A file that was sent.

    Attributes:
        number: of the upload.
        file: where it lies.
        name: what it was called.
        found: what is in it, as `inspection` tells.
    """

    number: str
    file: Path
    name: str
    found: Mapping[str, Any]


class Uploads:
    """The uploads of a workspace.

    Args:
        settings: the studio's.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.upload_limit
        #: Files are looked into one after another: each may take what memory there is.
        self.turn = asyncio.Lock()
        self.folder = settings.own / "uploads"
        self.folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, content: BinaryIO) -> Upload:
        """Writes a file that is sent, piece by piece, and looks into it.

        Args:
            name: what it is called.
            content: to read from.

        Raises:
            InputError: it is of no kind that is taken, too large, or can't be read as what its name says.
        """
        name = shown_name(name)
        ending = PurePosixPath(name).suffix.lower()
        if ending not in ENDINGS:
            said = N_("'%(name)s' is none of %(endings)s. Save the data in one of these forms.")
            raise Refusal(said, name=name, endings=", ".join(ENDINGS))

        def write(file: Path) -> None:
            with open(file, "wb") as opened:
                while piece := content.read(_PIECE):
                    opened.write(piece)
                    if opened.tell() > self._limit:
                        said = N_("'%(name)s' is larger than %(most)s bytes. Pass a smaller file.")
                        raise Refusal(said, name=name, most=f"{self._limit:,}")

        return self._made(name, ending, write)

    def sample(self, name: str, write: Callable[[Path], None]) -> Upload:
        """Takes a file that the studio writes itself."""
        return self._made(name, PurePosixPath(name).suffix, write)

    def _made(self, name: str, ending: str, write: Callable[[Path], None]) -> Upload:
        self._tidy()
        number = secrets.token_hex(8)
        place = self.folder / number
        place.mkdir()
        try:
            file = place / f"data{ending}"
            write(file)
            found = inspected(file, name)
            about = json.dumps({"name": name, "file": file.name, "found": found}, ensure_ascii=False)
            write_atomically(place / _ABOUT, lambda target: target.write_text(about, encoding="utf-8"))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return Upload(number, file, name, found)

    def of(self, number: str) -> Upload | None:
        """An upload by its number; None where there is none."""
        if not _NUMBER.fullmatch(number):
            return None
        try:
            about = json.loads((self.folder / number / _ABOUT).read_bytes())
            file = self.folder / number / about["file"]
            return Upload(number, file, str(about["name"]), about["found"]) if file.is_file() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self, number: str) -> None:
        """Deletes an upload."""
        if _NUMBER.fullmatch(number):
            shutil.rmtree(self.folder / number, ignore_errors=True)

    def keep_only(self, used: Collection[str]) -> None:
        """Deletes uploads that no run reads and that nobody has gone on with for a day.

        Args:
            used: numbers of those that runs read.
        """
        for place in self.folder.iterdir():
            if place.name not in used and _age(place) > _WAITS:
                shutil.rmtree(place, ignore_errors=True)

    def _tidy(self) -> None:
        """Makes the folder anew, should someone have deleted it."""
        self.folder.mkdir(parents=True, exist_ok=True)


def shown_name(name: str) -> str:
    """A file's name without folders, of one line, and not too long."""
    last = re.split(r"[\\/]", name)[-1]
    line = "".join(letter for letter in last if letter.isprintable())
    if len(line) > _NAME:
        ending = PurePosixPath(line).suffix[:10]
        line = f"{line[: _NAME - len(ending)]}{ending}"
    return line or "data"


def _age(place: Path) -> float:
    try:
        return time.time() - place.stat().st_mtime
    except OSError:
        return 0.0
