"""Run directories for tests that change what is in them: copies of the one that is kept, so that nothing is trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ridgeway.checksums import NAME, Checksums
from ridgeway.schema import SCHEMA

KEPT = Path(__file__).parent / "data" / f"run-schema-{SCHEMA}"


def copied(target: Path) -> Path:
    """A sound run of four lanes, without a report."""
    return Path(shutil.copytree(KEPT, target))


def record_of(folder: Path) -> dict[str, Any]:
    """What its `run.json` says."""
    return dict(json.loads((folder / "run.json").read_text("utf-8")))


def sealed(folder: Path, change: Callable[[dict[str, Any]], object] = lambda record: None) -> Path:
    """A run as a stranger would hand it on: its record changed, and all checksums as they should be."""
    record = record_of(folder)
    change(record)
    (folder / NAME).unlink(missing_ok=True)
    sums = Checksums(folder)
    for file in sorted(folder.rglob("*")):
        sums.add(file.relative_to(folder).as_posix())
    content = json.dumps(record)
    sums.write("run.json", lambda file: file.write_text(content, "utf-8"), last=True)
    return folder
