"""Writes the runs that tests read as those of an older version: `PYTHONPATH=src python tests/data/make_kept.py`.

One that has ended, with halving, folds and two structures, and one of Bayes with two structures that was killed in the
middle. Run it once for each schema or format of checkpoints, by the last version that writes it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from kept_runs import KINDS, train
from ridgeway.checkpoints import generations
from ridgeway.checksums import Checksums
from ridgeway.schema import SCHEMA


class Killed(BaseException):
    """What no handler of the run's takes notice of."""


def main() -> None:
    warnings.simplefilter("ignore")
    folders = {kind: Path(__file__).parent / f"kept-schema-{SCHEMA}-{kind}" for kind in KINDS}
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
    path = train("halved", folders["halved"])
    table = path.table()
    expected = {
        "best": path.best.configuration,
        "val_nll": table["val_nll"].tolist(),
        "stopped": list(table["stopped"]),
    }
    # Of several megabytes, nearly all of it Plotly.
    (folders["halved"] / "report.html").unlink()
    sums = Checksums.read(folders["halved"])
    assert sums is not None
    sums.keep_existing()
    record = (folders["halved"] / "run.json").read_bytes()
    sums.write("run.json", lambda file: file.write_bytes(record), last=True)
    save = generations.Checkpoints.save

    def saved(self: generations.Checkpoints, live: Any, ended: Any) -> None:
        save(self, live, ended)
        self.wait()
        if len(self._batches) == 2:
            raise Killed

    generations.Checkpoints.save = saved  # type: ignore[method-assign]
    with contextlib.suppress(Killed):
        train("bayes", folders["bayes"])
    # Made anew when the run goes on.
    (folders["bayes"] / "optuna.db").unlink()
    for folder in folders.values():
        for name in (".lock", ".lock.owner"):
            (folder / name).unlink(missing_ok=True)
    (Path(__file__).parent / f"kept-schema-{SCHEMA}.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
