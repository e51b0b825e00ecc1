"""Commands that the studio was asked to run, as files: `jobs/<run>/` in its own folder.

`job.json` is what was asked, `process.json` who does it, written by that process itself, `log.txt` what it printed.
A job without a process waits; one whose process is gone has ended, and the run's directory says how.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ridgeway.files import write_atomically
from ridgeway.studio.runs.process import Process
from ridgeway.studio.settings import Settings

JOB, PROCESS, LOG = "job.json", "process.json", "log.txt"
# Bytes of a log's end that are shown.
_END = 4000


class State(StrEnum):
    """How a job stands."""

    waiting = "waiting"
    working = "working"
    ended = "ended"


@dataclass(frozen=True)
class Job:
    """A command for a run.

    Attributes:
        name: the run's.
        words: of the command line, after `ridgeway`.
        created: seconds since 1970.
        data: what the data are called where they came from.
        upload: the upload that the command reads; empty where it reads none.
        lanes: lanes that it will train, where that is known.
    """

    name: str
    words: tuple[str, ...]
    created: float
    data: str = ""
    upload: str = ""
    lanes: int | None = None


class Jobs:
    """The jobs of a workspace.

    Args:
        settings: the studio's.
    """

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.own / "jobs"
        self.folder.mkdir(parents=True, exist_ok=True)

    def place(self, name: str) -> Path:
        """The folder of a run's job."""
        return self.folder / quote(name, safe="")

    def write(self, job: Job) -> None:
        """Puts a job at the end of the queue, in the place of an ended one of that run."""
        place = self.place(job.name)
        place.mkdir(exist_ok=True)
        content = json.dumps(asdict(job), ensure_ascii=False)
        write_atomically(place / JOB, lambda file: file.write_text(content, encoding="utf-8"))
        (place / PROCESS).unlink(missing_ok=True)

    def read(self, name: str) -> Job | None:
        """A run's job, or None."""
        try:
            told: dict[str, Any] = json.loads((self.place(name) / JOB).read_bytes())
            return Job(**{**told, "words": tuple(told["words"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def all(self) -> list[Job]:
        """All jobs, in the order in which they were asked for."""
        found = [self.read(unquote(place.name)) for place in self.folder.iterdir()]
        return sorted((job for job in found if job is not None), key=lambda job: (job.created, job.name))

    def process(self, name: str) -> Process | None:
        """Who does a run's job; None where nobody has begun."""
        try:
            told = json.loads((self.place(name) / PROCESS).read_bytes())
            return Process(int(told["pid"]), str(told["started"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def state(self, name: str) -> State:
        """How a run's job stands."""
        process = self.process(name)
        if process is None:
            return State.waiting
        return State.working if process.is_alive else State.ended

    def waiting(self) -> list[Job]:
        """Jobs that nobody has begun."""
        return [job for job in self.all() if self.state(job.name) == State.waiting]

    def remove(self, name: str) -> None:
        """Forgets a job."""
        shutil.rmtree(self.place(name), ignore_errors=True)

    def last_words(self, name: str) -> str:
        """The end of what a job printed; empty where it printed nothing."""
        try:
            with open(self.place(name) / LOG, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
                return file.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


def claim(place: Path, process: Process) -> bool:
    """Writes down who does a job; whether nobody else does it already.

    Args:
        place: the job's folder.
        process: who.
    """
    written = place / f"{PROCESS}.{process.pid}"
    written.write_text(json.dumps({**asdict(process), "since": time.time()}), encoding="utf-8")
    try:
        # A link is made whole, and only where there is none of that name.
        os.link(written, place / PROCESS)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    return True
