"""Rows of a file, prepared as those that were trained on."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import ridgeway as rw
from ridgeway.data.read import read_labelled
from ridgeway.tables.command import predict, search
from ridgeway.trainings import train_family
from small_search import small_search

SMALL = small_search(epochs=5)
# What pandas reads as numbers, booleans or dates where the last of the levels is not there.
LEVELS = {
    "code": ["01", "02", "A"],
    "price": ["1.50", "2.00", "free"],
    "flag": ["true", "false", "maybe"],
    "day": ["2024-01-01", "2024-02-01", "unknown"],
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and the table that it was fitted on."""
    folder = tmp_path_factory.mktemp("searched")
    random = np.random.default_rng(0)
    table = pd.DataFrame({name: random.choice(levels, 90) for name, levels in LEVELS.items()})
    table["size"] = random.normal(size=90)
    table["when"] = np.where(np.arange(90) % 2, "2024-01-01T10:00:00Z", "2024-03-01")
    table["y"] = np.where((table["code"] == "01") ^ (table["flag"] == "true"), "yes", "no")
    table.to_csv(folder / "table.csv", index=False)
    search(read_labelled(folder / "table.csv", "y"), out=folder / "run", command={}, **SMALL)
    return folder


def found(folder: Path, rows: pd.DataFrame) -> np.ndarray:
    rows.to_csv(folder / "new.csv", index=False)
    return predict(folder / "run", rw.load_path(folder / "run").record, folder / "new.csv")[1]


def test_a_row_alone_has_the_types_of_the_whole_table(searched: Path) -> None:
    table = pd.read_csv(searched / "table.csv", dtype=str, keep_default_na=False).drop(columns="y")
    together = found(searched, table)
    for row in range(12):
        np.testing.assert_allclose(found(searched, table.iloc[[row]]), together[[row]], atol=1e-6)


def test_runs_that_were_fitted_on_arrays(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    fitted = rw.PathClassifier(**SMALL, out=tmp_path / "run").fit(x, x[:, 0] > 0)
    np.testing.assert_allclose(found(tmp_path, pd.DataFrame(x)), fitted._outputs(x), atol=1e-5)
    with pytest.raises(ValueError, match="The data has 2 columns, and the model was trained on 3"):
        found(tmp_path, pd.DataFrame(x[:, :2]))


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_family_learns_values_of_any_scale(tmp_path: Path, scale: float) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = scale * (50 + 2 * frame["a"] - frame["b"])
    frame.to_csv(tmp_path / "table.csv", index=False)
    given = {"validation": 0.25, "seed": 0, "epochs": 40, "repeats": 1, "batch_size": 16}
    train_family(
        read_labelled(tmp_path / "table.csv", "y"), {"weight_decay": [0.0]}, tmp_path / "run", None, "en", True, **given
    )
    errors = found(tmp_path, frame.drop(columns="y"))[:, 0] - frame["y"].to_numpy()
    assert np.std(errors) < 0.3 * frame["y"].std()
    # Losses are those of standardized values, the file's units those of the table.
    assert rw.load_path(tmp_path / "run").best.mean < 0.2
    best = keras.saving.load_model(tmp_path / "run" / "best.keras")
    assert best.layers[-1].name == "target_units"
