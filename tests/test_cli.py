"""The commands, run as a user runs them: each in a process of its own, and more often by the same entry point here."""

import contextlib
import gzip
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from ridgeway.cli import main
from ridgeway.errors import InputError
from ridgeway.storage import load_path
from ridgeway.tables.preparation import TablePreparation
from ridgeway.vary import parse_vary

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist-t10k"
SMALL = ["--epochs", "2", "--vary", "weight_decay=0,0.1"]
random = np.random.default_rng(0)
IMAGES = random.integers(0, 256, (60, 5, 4)).astype(np.uint8)
LABELS = np.arange(60, dtype=np.uint8) % 3


def call(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ridgeway.cli", *map(str, words)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def here(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """As `call`, in this process, which has imported all that takes seconds to import."""
    # As in a fresh process: Keras numbers the names of layers by what was built before.
    keras.utils.clear_session()
    line = ["ridgeway", *map(str, words)]
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", line),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return subprocess.CompletedProcess(line, int(ended.value.code or 0), out.getvalue(), err.getvalue())


Way = Callable[..., "subprocess.CompletedProcess[str]"]


def ridgeway(folder: Path, *words: object, by: Way = here) -> str:
    done = by(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(folder: Path, *words: object, by: Way = here) -> str:
    """What is said of bad input: exit code 2, one message, no traceback."""
    done = by(folder, *words)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and done.stderr.startswith("Error: ")
    return done.stderr


def flowers(rows: int = 90) -> pd.DataFrame:
    kinds = np.array(["iris", "rose", "tulip"])[np.arange(rows) % 3]
    size = np.arange(rows) % 3 * 4.0 + random.normal(0, 0.3, rows)
    return pd.DataFrame({"size": size, "colour": np.where(np.arange(rows) % 2, "red", "blue"), "kind": kinds})


@pytest.fixture(scope="module")
def csv_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CSV of flowers and a run on it."""
    folder = tmp_path_factory.mktemp("flowers")
    flowers().to_csv(folder / "flowers.csv", index=False)
    words = ["fit", "flowers.csv", "--target", "kind", "--out", "run", "--epochs", 40, "--batch-size", 8]
    said = ridgeway(folder, *words, "--vary", "weight_decay=0,0.1", "--lang", "ko", by=call)
    for part in ("90행", "레인 2개를", "보고서: run/report.html", "모형: run/best.keras"):
        assert part in said
    return folder


def test_csv_with_text_is_predicted_in_its_own_labels(csv_run: Path) -> None:
    rows = flowers(12)
    rows.drop(columns="kind").to_csv(csv_run / "new.csv", index=False)
    said = ridgeway(csv_run, "predict", "run", "new.csv", "--out", "found.csv", by=call)
    assert "12 predictions" in said
    found = pd.read_csv(csv_run / "found.csv")
    assert list(found.columns) == ["prediction", "probability_iris", "probability_rose", "probability_tulip"]
    shares = found.iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert (np.array(["iris", "rose", "tulip"])[shares.argmax(axis=1)] == found["prediction"]).all()
    assert (found["prediction"] == rows["kind"]).all()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of all that tables hold, and the run of the estimator on it."""
    folder = tmp_path_factory.mktemp("searched")
    table = flowers(120)
    table["day"] = pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d")
    table.loc[::7, "size"] = np.nan
    table.to_csv(folder / "flowers.csv", index=False)
    words = ["fit", "flowers.csv", "--target", "kind", "--out", "run", "--time-limit", 15, "--epochs", 8]
    said = ridgeway(folder, *words, "--lang", "ko", by=call)
    for part in ("120행, 3열을 최대 15초", "앙상블: 설정", "보고서: run/report.html", "모형: run/best.keras"):
        assert part in said
    return folder


def test_a_table_is_searched_and_predicted_by_the_estimator(searched: Path) -> None:
    assert '<html lang="ko"' in (searched / "run" / "report.html").read_text(encoding="utf-8")
    new = pd.read_csv(searched / "flowers.csv").drop(columns="kind").head(20)
    # A level and a number that were not there.
    new.loc[0, "colour"], new.loc[1, "size"] = "green", 1e6
    new[["day", "size", "colour"]].to_csv(searched / "new.csv", index=False)
    said = ridgeway(searched, "predict", "run", "new.csv", "--out", "found.csv", by=call)
    assert "20 predictions: found.csv" in said
    found = pd.read_csv(searched / "found.csv")
    assert list(found.columns) == ["prediction", "probability_iris", "probability_rose", "probability_tulip"]
    # The same by hand, from what the run's directory holds.
    record = json.loads((searched / "run" / "run.json").read_text())
    assert record["extra"]["estimator"] == "PathClassifier" and record["extra"]["target"] == "kind"
    preparation = TablePreparation.from_json(record["extra"]["preparation"])
    x = preparation.transform(new.assign(day=pd.to_datetime(new["day"])))
    logits = keras.models.load_model(searched / "run" / "best.keras").predict(x, verbose=0)
    np.testing.assert_allclose(found.iloc[:, 1:], softmax(logits, axis=1), atol=1e-5)


def test_tables_that_the_search_does_not_take(searched: Path) -> None:
    words = ["fit", "flowers.csv", "--target", "kind", "--out", "other"]
    assert "--coding and --unknown are for --model" in refused(searched, *words, "--coding", "dummy")
    assert "--patience is for --vary" in refused(searched, *words, "--patience", 3)
    assert "'run' holds another run" in refused(searched, "fit", "flowers.csv", "--target", "kind", "--out", "run")
    flowers().drop(columns="size").to_csv(searched / "less.csv", index=False)
    assert "no column 'size'" in refused(searched, "predict", "run", "less.csv")
    flowers().assign(size="big", day="2024-01-01").to_csv(searched / "text.csv", index=False)
    assert "Column 'size' holds 'big', and held numbers in fit" in refused(searched, "predict", "run", "text.csv")
    pd.DataFrame({"a": [1, 2], "y": [0.5, 0.7]}).to_csv(searched / "few.csv", index=False)
    said = refused(searched, "fit", "few.csv", "--target", "y", "--out", "other", "--task", "classification")
    assert "Unknown label type: continuous" in said


def test_dummy_coding_and_a_level_not_trained_on(tmp_path: Path) -> None:
    flowers().to_csv(tmp_path / "flowers.csv", index=False)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.save(tmp_path / "model.keras")
    words = ["fit", "flowers.csv", "--target", "kind", "--out", "run", "--model", "model.keras", *SMALL, "--quiet"]
    ridgeway(tmp_path, *words, "--coding", "dummy", "--unknown", "ignore", by=call)
    described = json.loads((tmp_path / "run" / "run.json").read_text())["extra"]["encoding"]
    assert described == {
        "columns": ["size", "colour"],
        "levels": {"colour": ["blue", "red"]},
        "coding": "dummy",
        "unknown": "ignore",
    }
    rows = flowers(12).drop(columns="kind")
    rows.to_csv(tmp_path / "known.csv", index=False)
    done = here(tmp_path, "predict", "run", "known.csv")
    assert done.returncode == 0 and "levels" not in done.stderr, done.stderr
    rows.assign(colour=["green", "black", "pink", *["red"] * 9]).to_csv(tmp_path / "new.csv", index=False)
    done = here(tmp_path, "predict", "run", "new.csv", "--out", "new_found.csv")
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if "not trained on" in line]
    assert len(notes) == 1 and "like the first level: 3 (columns: colour)" in notes[0]
    # In dummy coding zeros are the first level, blue.
    rows.assign(colour=[*["blue"] * 3, *["red"] * 9]).to_csv(tmp_path / "blue.csv", index=False)
    done = here(tmp_path, "predict", "run", "blue.csv", "--out", "blue_found.csv", "--lang", "ko")
    assert "훈련 데이터에 없던" not in done.stderr
    found, blue = (pd.read_csv(tmp_path / name) for name in ("new_found.csv", "blue_found.csv"))
    pd.testing.assert_frame_equal(found, blue)
    done = here(tmp_path, *words, "--coding", "effects")
    assert done.returncode == 2 and "effects" in done.stderr and "dummy" in done.stderr


def test_the_report_in_korean_and_english(csv_run: Path) -> None:
    assert '<html lang="ko"' in (csv_run / "run" / "report.html").read_text(encoding="utf-8")
    said = ridgeway(csv_run, "report", "run", "--out", "english.html", by=call)
    assert "Report: english.html" in said
    assert '<html lang="en"' in (csv_run / "english.html").read_text(encoding="utf-8")


def test_a_directory_that_holds_another_run(csv_run: Path) -> None:
    before = (csv_run / "run" / "run.json").read_bytes()
    said = refused(csv_run, "fit", "flowers.csv", "--target", "kind", "--out", "run", *SMALL, by=call)
    assert "'run' holds another run" in said
    assert (csv_run / "run" / "run.json").read_bytes() == before


def test_prediction_on_other_data(csv_run: Path) -> None:
    flowers().drop(columns="size").to_csv(csv_run / "less.csv", index=False)
    assert "no column 'size'" in refused(csv_run, "predict", "run", "less.csv")
    np.savez(csv_run / "a.npz", x=np.ones((3, 2)))
    assert "'a.npz' is no table" in refused(csv_run, "predict", "run", "a.npz")
    assert "holds no finished run" in refused(csv_run, "predict", "nowhere", "less.csv")
    assert "holds no finished run" in refused(csv_run, "report", "nowhere")


def test_regression_on_parquet(tmp_path: Path) -> None:
    x = random.normal(size=(80, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "price": 1000 + 50 * x[:, 0]})
    frame.to_parquet(tmp_path / "houses.parquet")
    ridgeway(tmp_path, "fit", "houses.parquet", "--target", "price", "--out", "run", *SMALL, "--quiet")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["extra"]["task"] == "regression" and record["extra"]["target"] == "price"
    ridgeway(tmp_path, "predict", "run", "houses.parquet")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert list(found.columns) == ["prediction"] and len(found) == 80
    assert found["prediction"].between(500, 1500).all()


def test_a_killed_run_is_looked_at_and_resumed(tmp_path: Path) -> None:
    flowers(60).to_csv(tmp_path / "flowers.csv", index=False)
    words = ["fit", "flowers.csv", "--target", "kind", "--vary", "weight_decay=0,0.1,1", "--patience", "1000"]
    words += ["--epochs", "200", "--checkpoint-every", "0", "--executor", "vmap", "--slots", "2", "--quiet"]
    # No checkpoints: what comes out does not depend on them.
    ridgeway(tmp_path, *words, "--out", "whole", "--checkpoint-every", 1000)
    command, state = [sys.executable, "-m", "ridgeway.cli", *words, "--out", "killed"], tmp_path / "killed" / "state"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as begun:
        deadline = time.monotonic() + 120
        while not list(state.glob("generation-*")):
            assert begun.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        begun.kill()
    killed = tmp_path / "killed"
    assert json.loads((killed / "run.json").read_text())["status"] == "running"
    assert "holds another run" in refused(tmp_path, *words, "--out", "killed")
    said = ridgeway(tmp_path, "doctor", "killed", by=call)
    assert "Resumes: yes, from its last checkpoint" in said and "state/generation-0000" in said
    # From elsewhere: where the data lie is known.
    (tmp_path / "elsewhere").mkdir()
    said = ridgeway(tmp_path / "elsewhere", "resume", str(killed), "--lang", "ko", by=call)
    assert re.search(r"실행의 \d+번째 에포크부터 이어 갑니다", said)
    assert "시작한 명령" in said and str(tmp_path / "flowers.csv") in said
    for name in ("lanes.parquet", "history.parquet", "weights.safetensors"):
        assert (killed / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert "finished" in ridgeway(tmp_path, "doctor", "killed")


def test_resume_of_what_can_not(tmp_path: Path) -> None:
    assert "holds no run" in refused(tmp_path, "resume", "nothing")
    copied = shutil.copytree(Path(__file__).parent / "data" / "run-schema-1", tmp_path / "run")
    assert "was not begun by `ridgeway fit`" in refused(tmp_path, "resume", copied)


def test_folds(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pd.DataFrame({"a": random.normal(size=60), "y": np.tile(["u", "v"], 30)}).to_csv(tmp_path / "a.csv", index=False)
    words = ["--target", "y", "--vary", "dropout=0,0.5", "--cv", "3", "--epochs", "2", "--out", "run"]
    said = ridgeway(tmp_path, "fit", "a.csv", *words)
    assert "each of 3 folds validates in turn. 6 lanes." in said
    path = load_path(tmp_path / "run")
    assert path.table()["fold"].tolist() == [0, 1, 2, 0, 1, 2]
    assert path.record["folds"]["validation_rows"] == [20, 20, 20]


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS * 10)
    done = call(tmp_path, "fit", "a.npz", "--out", "run", *SMALL, "--quiet")
    assert done.returncode == 0 and done.stdout == "", done.stderr
    ridgeway(tmp_path, "predict", "run", "a.npz")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert set(found["prediction"]) <= {0, 10, 20} and "probability_20" in found
    np.savez(tmp_path / "other.npz", x=IMAGES[:, :3])
    assert "rows have the shape (3, 4), and the model takes (5, 4)" in refused(tmp_path, "predict", "run", "other.npz")


@pytest.mark.parametrize("logits", [False, True])
def test_one_output_for_two_classes(tmp_path: Path, logits: bool) -> None:
    x = random.normal(size=(80, 2)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x, y=np.where(x[:, 0] > 0, "yes", "no"))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation=None if logits else "sigmoid")])
    model.compile(keras.optimizers.SGD(1.0), keras.losses.BinaryCrossentropy(from_logits=logits))
    model.save(tmp_path / "model.keras")
    words = ["--model", "model.keras", "--vary", "weight_decay=0", "--epochs", 20, "--batch-size", 8]
    ridgeway(tmp_path, "fit", "a.npz", "--out", "run", *words)
    ridgeway(tmp_path, "predict", "run", "a.npz", "--out", "new/folder/found.csv")
    found = pd.read_csv(tmp_path / "new" / "folder" / "found.csv")
    assert list(found.columns) == ["prediction", "probability_no", "probability_yes"]
    np.testing.assert_allclose(found.iloc[:, 1:].sum(axis=1), 1, rtol=1e-5)
    assert (found["prediction"] == np.where(x[:, 0] > 0, "yes", "no")).mean() > 0.9
    np.savez(tmp_path / "wide.npz", x=IMAGES, y=LABELS)
    said = refused(tmp_path, "fit", "wide.npz", "--out", "other", *words)
    assert "'model.keras': rows have the shape (5, 4), and the model takes (2,)" in said


def test_words_are_read_for_hyperparameters_that_take_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import ridgeway.hyperparameters

    known = {"normalization": ("none", "batch"), "dropout": ()}
    monkeypatch.setattr(ridgeway.hyperparameters, "hyperparameter", lambda name: SimpleNamespace(choices=known[name]))
    assert parse_vary("normalization=none, batch") == ("normalization", ["none", "batch"])
    assert parse_vary("normalization=batch") == ("normalization", ["batch"])
    assert parse_vary("dropout=0,0.5") == ("dropout", [0.0, 0.5])
    with pytest.raises(InputError, match="--vary 'dropout=none,0.5' can't be read"):
        parse_vary("dropout=none,0.5")


def test_words_for_an_unknown_hyperparameter_name_the_nearest() -> None:
    with pytest.raises(InputError, match="Unknown hyperparameter 'dropuot'. The nearest are .*dropout"):
        parse_vary("dropuot=none,half")


def test_a_name_varied_twice(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES, y=LABELS)
    said = refused(tmp_path, "fit", "a.npz", "--out", "run", "--vary", "dropout=0", "--vary", "dropout=0.5")
    assert "--vary names dropout twice" in said


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_idx(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(idx(IMAGES))
    (tmp_path / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(idx(LABELS))
    assert "Trained 2 lanes" in ridgeway(tmp_path, "fit", "mnist", "--out", "run", *SMALL)


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES, y=LABELS)
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((5, 4)), *layers])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    ridgeway(tmp_path, "fit", "a.npz", "--out", "run", "--model", "model.keras", *SMALL)
    ridgeway(tmp_path, "predict", "run", "a.npz")
    shares = pd.read_csv(tmp_path / "predictions.csv").iloc[:, 1:]
    assert "no model file 'none.keras'" in refused(
        tmp_path, "fit", "a.npz", "--out", "other", "--model", "none.keras", *SMALL
    )
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    flowers().to_csv(tmp_path / "flowers.csv", index=False)
    said = refused(
        tmp_path, "fit", "flowers.csv", "--target", "kind", "--out", "other", "--model", "model.keras", *SMALL
    )
    assert "rows have the shape (3,), and the model takes (5, 4)" in said


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("a,y\n1,2\n3,4,5\n", ["--target", "y"], "can't be parsed as CSV at line 3"),
        ("a,price\n1,2\n", ["--target", "prise"], "Unknown target column 'prise'"),
        ("a,price\n1,2\n", ["--target", "prise"], "nearest names are price"),
        ("a,y\n1,2\n", [], "say which column to predict"),
        ("a,y\n1,2\n3,\n", ["--target", "y"], "Column 'y' of 'a.csv' has 1 cells that are missing"),
        ("a,y\n1,u\n2,u\n", ["--target", "y"], "All labels are 'u'. Classification needs at least two classes"),
        ("a,y\n1,u\n2,v\n", ["--target", "y", "--task", "regression"], "The labels are text such as 'u'"),
        ("a,y\n1,u\ninf,v\n2,v\n", ["--target", "y"], "Column 'a' of X contains infinity"),
        ("a,y\n1,u\n1,v\n1,v\n", ["--target", "y"], "No column of X tells its rows apart"),
        ("a,y\n", ["--target", "y"], "holds no rows"),
        ("", ["--target", "y"], "is empty"),
        ("a,y\n1,2\n", ["--target", "y", "--task", "guess"], "Unknown task 'guess'"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "dropout"], "--vary 'dropout' can't be read"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "dropout=0,1"], "dropout"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "weight_decay=-1"], "weight_decay"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "weigth_decay=1"], "weight_decay"),
        (
            "a,y\n1,u\n2,v\n3,u\n4,v\n",
            ["--target", "y", "--validation-split", "1.5"],
            "--validation-split 1.5 is out of range",
        ),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--validation-split", "0"], "such as --validation-split 0.2"),
        (
            "a,y\n1,u\n2,v\n",
            ["--target", "y", "--vary", "dropout=0", "--validation-split", "0.6"],
            "leaves one side empty. Pass more rows",
        ),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "dropout=0", "--executor", "gpu"], "gpu"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--cv", "2", "--validation-split", "0.2"], "Leave --valid"),
        ("a,y\n1,u\n2,v\n3,u\n4,v\n", ["--target", "y", "--vary", "dropout=0", "--cv", "9"], "9"),
    ],
)
def test_bad_input(tmp_path: Path, content: str, words: list[str], said: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert said in refused(tmp_path, "fit", "a.csv", "--out", "run", *words)
    assert not (tmp_path / "run" / "run.json").exists()


def test_bad_paths_and_archives(tmp_path: Path) -> None:
    assert "There is no file or folder 'none.csv'" in refused(tmp_path, "fit", "none.csv", "--out", "run")
    np.savez(tmp_path / "a.npz", x=np.ones((5, 2)), y=np.ones(4))
    assert "x has 5 rows and y has 4" in refused(tmp_path, "fit", "a.npz", "--out", "run")
    np.savez(tmp_path / "a.npz", x=np.full((6, 2), np.nan), y=np.arange(6) % 2)
    assert "NaN" in refused(tmp_path, "fit", "a.npz", "--out", "run")


def test_another_backend(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES, y=LABELS)
    said = refused(tmp_path, "fit", "a.npz", "--out", "run", by=partial(call, KERAS_BACKEND="numpy"))
    assert "backend 'numpy', and ridgeway needs JAX" in said


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["doctor", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["ridgeway", *{words!r}]
from ridgeway.cli import main
try:
    main()
finally:
    heavy = {{"keras", "jax", "pandas", "numpy", "sklearn", "scipy", "plotly", "pyarrow"}}
    print("LOADED", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


@pytest.mark.parametrize(
    ("given", "name", "values"),
    [
        ("dropout=0,0.25,0.5", "dropout", [0, 0.25, 0.5]),
        ("weight_decay=0.5", "weight_decay", [0.5]),
        ("dropout=0:0.5:3", "dropout", [0, 0.25, 0.5]),
        ("l2=0.001:0.1:3:log", "l2", [0.001, 0.01, 0.1]),
        ("dense.kernel_regularizer.l2=1e-3", "dense.kernel_regularizer.l2", [0.001]),
    ],
)
def test_vary(given: str, name: str, values: list[float]) -> None:
    found, numbers = parse_vary(given)
    assert found == name and numbers == pytest.approx(values)


@pytest.mark.parametrize(
    "given", ["", "dropout", "dropout=", "=1", "a=1:2", "a=1:2:3:cube", "a=x", "a=1:2:0", "a=0:1:3:log"]
)
def test_vary_that_cannot_be_read(given: str) -> None:
    with pytest.raises(InputError):
        parse_vary(given)


@pytest.mark.skipif(not MNIST.exists(), reason="the 10,000 images of ../shared/data/mnist-t10k are not here")
def test_24_lanes_on_10000_images(tmp_path: Path) -> None:
    said = ridgeway(tmp_path, "fit", MNIST, "--out", "run", "--epochs", 1, "--batch-size", 128)
    assert "10000 rows" in said and "Trained 24 lanes" in said
    table = pd.read_parquet(tmp_path / "run" / "lanes.parquet")
    assert len(table) == 24 and table["val_accuracy"].max() > 0.85


def test_demo(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend")
    assert "Trained 24 lanes" in ridgeway(tmp_path, "demo", "--epochs", 1, by=call)
    assert (tmp_path / "ridgeway-demo" / "report.html").exists()
    assert (tmp_path / "ridgeway-demo" / "best.keras").exists()
