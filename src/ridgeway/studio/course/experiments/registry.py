"""The experiments by id, and their results: shipped, kept in the workspace, or computed here and now."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from ridgeway.studio.course.experiments.rounding import plain
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress, key
from ridgeway.studio.topics import LESSONS

PLAYGROUND = "playground"
#: Ids of lessons, whose jobs go first, and of the playground.
IDS = (*LESSONS, PLAYGROUND)
# A learner's own rows are theirs: results don't repeat them.
_PRIVATE = {"csv"}


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        id: of its lesson, or `PLAYGROUND`.
        module: that computes it.
    """

    id: str
    module: ModuleType

    @property
    def version(self) -> int:
        """Of its numbers."""
        return int(self.module.VERSION)

    def settings(self, given: Mapping[str, Any] | None = None) -> ExperimentSettings:
        """Settings as a learner gave them, as text or numbers; defaults for the rest.

        Raises:
            pydantic.ValidationError: one is unknown or out of its range.
        """
        found: ExperimentSettings = self.module.Settings.model_validate(dict(given or {}))
        return found

    def key(self, settings: ExperimentSettings) -> str:
        """The name under which a result is kept."""
        return key(self.id, self.version, settings)

    def run(self, settings: ExperimentSettings, progress: Progress) -> dict[str, Any]:
        """Trains, and wraps the result: `experiment`, `key`, `settings`, `milliseconds`, `ridgeway` and `data`.

        JAX starts here: in the server this is never called.
        """
        from importlib.metadata import version

        began = time.perf_counter()
        data = plain(self.module.compute(settings, progress))
        return {
            "experiment": self.id,
            "key": self.key(settings),
            "settings": settings.model_dump(mode="json", exclude=_PRIVATE),
            "milliseconds": round(1000 * (time.perf_counter() - began)),
            "ridgeway": version("ridgeway"),
            "data": data,
        }


def experiment(name: str) -> Experiment:
    """An experiment by its id.

    Raises:
        KeyError: there is none.
    """
    if name not in IDS:
        raise KeyError(name)
    return Experiment(name, importlib.import_module(f"{__package__}.{name.replace('-', '_')}"))


@cache
def shipped(name: str) -> dict[str, Any] | None:
    """The result for the default settings that came with ridgeway; None where it is of another version."""
    file = files("ridgeway.studio.course") / "results" / f"{name}.json"
    if not file.is_file():
        return None
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    one = experiment(name)
    return result if result["key"] == one.key(one.settings()) else None


class Results:
    """Results in a folder, a JSON file each.

    Args:
        folder: made when the first is written.
        most: files that are kept; the oldest go.
    """

    def __init__(self, folder: Path, most: int = 1000) -> None:
        self._folder, self._most = folder, most

    def file(self, name: str) -> Path:
        """Where a result of that key lies or would lie."""
        return self._folder / f"{name}.json"

    def find(self, one: Experiment, settings: ExperimentSettings) -> bytes | None:
        """A result as JSON text, shipped or kept; None where it has to be computed."""
        name, came = one.key(settings), shipped(one.id)
        if came is not None and came["key"] == name:
            return json.dumps(came, ensure_ascii=False, separators=(",", ":")).encode()
        return self.kept(name)

    def kept(self, name: str) -> bytes | None:
        """The file of a key, if there is one."""
        try:
            return self.file(name).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, result: dict[str, Any]) -> None:
        """Writes a result, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self.file(result["key"])
        partial = target.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        os.replace(partial, target)
        kept = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in kept[: -self._most]:
            file.unlink(missing_ok=True)
