"""docs/lecture.md and docs/claims.md against the lecture and the tests that they name; small claims, tested here."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
from keras import layers

import ridgeway as rw

from .test_lecture import CODE, LECTURE, PROSE

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_no_statement_of_the_lecture_is_left_out():
    page = (DOCS / "lecture.md").read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
    lines = LECTURE.read_text(encoding="utf-8").splitlines()
    prose = [line for line in lines if line.strip() and (not CODE.match(line) or PROSE.match(line))]
    assert len(prose) > 90
    assert [line for line in prose if line.removeprefix("- ") not in rows] == []
    assert sum(row.startswith("*Code ") for row in rows) == 5


def test_every_test_that_is_named_exists():
    page = (DOCS / "lecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", page)
    assert len(named) > 90
    for file, test in set(named):
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert test == "*" or f"def {test}(" in source, f"{file}::{test}"


def test_every_claim_has_an_experiment():
    source = (ROOT / "claims" / "experiments.py").read_text(encoding="utf-8")
    names = re.search(r"EXPERIMENTS = \((.*?)\)", source, re.DOTALL)[1].replace(",", " ").split()
    linked = set(re.findall(r"claims\.md#(\w+)", (DOCS / "lecture.md").read_text(encoding="utf-8")))
    assert len(names) >= 9
    assert linked <= set(names)
    for page in ("claims.md", "claims.ko.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        assert set(re.findall(r'<a id="(\w+)">', text)) == set(names)
        figures = re.findall(r"\]\((claims/\w+\.png)\)", text)
        assert len(figures) == len(names)
        assert all((DOCS / figure).stat().st_size > 5000 for figure in figures)


def regression():
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 6)).astype("float32")
    return x, (x @ np.arange(1.0, 7.0)).astype("float32")


def test_fewer_epochs_leave_smaller_weights():
    """From small starting weights the norm grows epoch by epoch towards the least-squares solution."""
    x, y = regression()
    norms = []
    for epochs in (1, 3, 10, 40):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        model.compile(keras.optimizers.SGD(0.002), "mse")
        path = rw.fit_path(model, x, y, rw.Grid(l2=0.0), epochs=epochs, validation_split=0.2, verbose=0)
        norms.append(path.table()["weight_norm"].iloc[0])
    assert norms == sorted(norms)
    assert norms[0] < 0.5 * norms[-1] <= 0.5 * np.linalg.norm(np.arange(1.0, 7.0)) * 1.01


def test_scaled_features_converge_faster():
    """Features on very different scales: at the largest steps that do not diverge, scaled ones get far."""
    x, y = regression()
    wide = x * np.logspace(0, 2, 6).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    family = rw.Grid(input_scaling=["none", "standardize"], learning_rate=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    path = rw.fit_path(model, wide, y, family, epochs=5, validation_split=0.2, verbose=0)
    best = path.table().groupby("input_scaling")["val_loss"].min()
    assert best["standardize"] < 0.01 * best["none"]
