"""Writes the run directory that tests read as one of an older version: `python tests/data/make_run.py`.

Run it once for each schema, by the last version that writes it; the directory is never made anew after that.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np

import ridgeway as rw
from ridgeway.checksums import Checksums
from ridgeway.schema import SCHEMA

FOLDER = Path(__file__).parent / f"run-schema-{SCHEMA}"


def main() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.0), keras.layers.Dense(2)]
    model = keras.Sequential(layers, name="small")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    shutil.rmtree(FOLDER, ignore_errors=True)
    path = rw.fit_path(
        model,
        x,
        y,
        rw.Grid(weight_decay=[0.0, 0.1], dropout=[0.0, 0.5]),
        validation_split=0.25,
        epochs=2,
        probes=["saturation"],
        extra={"task": "classification", "classes": ["no", "yes"], "note": "정칙화"},
        out=FOLDER,
    )
    # Of several megabytes, nearly all of it Plotly.
    (FOLDER / "report.html").unlink()
    (FOLDER / ".lock").unlink()
    sums = Checksums.read(FOLDER)
    assert sums is not None
    sums.keep_existing()
    record = (FOLDER / "run.json").read_bytes()
    sums.write("run.json", lambda file: file.write_bytes(record), last=True)
    expected = {
        "best": path.best.lane,
        "configuration": path.best.configuration,
        "val_nll": path.table()["val_nll"].tolist(),
        "epochs": len(path.history()),
        "probes": len(path.probes()),
        "x": x[:4].tolist(),
        "predictions": path.best_model().predict(x[:4], verbose=0).tolist(),
    }
    FOLDER.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
