"""Lanes that halving cut are not held against lanes that trained on."""

import math

import keras
import numpy as np
import pandas as pd
import pytest

import ridgeway as rw
from ridgeway.effects import importance
from ridgeway.selection import compare
from ridgeway.selection.rules import choice
from ridgeway.selection.summary import configurations

random = np.random.default_rng(0)
X = random.normal(size=(120, 5)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


@pytest.fixture(scope="module")
def path():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    family = rw.Grid(weight_decay=[0.0, 0.1, 1.0], input_dropout=[0.0, 0.2, 0.4])
    return rw.fit_path(model, X, Y, family, validation_split=0.25, epochs=27, repeats=3, halving=3, verbose=0)


def test_effects_and_interactions_are_refused(path):
    for ask in (path.effects, path.interactions):
        with pytest.raises(rw.InputError, match="Halving cut 24 of 27 lanes.*Ask path.importance"):
            ask()


def test_importance_judges_all_at_the_first_cut(path):
    first = path.record["halving"]["rungs"][0]
    history = path.history()
    assert (path.table()["epochs"] >= first).all() and first < 27
    then = path.table().assign(stopped="completed")
    then[path.metric] = then["lane"].map(history[history["epoch"] == first].set_index("lane")[path.metric])
    pd.testing.assert_frame_equal(path.importance(), importance(then, path.record))
    with pytest.raises(rw.InputError, match="no weight_norm by epoch"):
        path.importance("weight_norm")


def test_a_gain_over_one_of_them_has_no_interval(path):
    table, summary = path.table(), configurations(path.table(), path.record)
    cut = next(
        one
        for one in (choice(table, path.record, row, "any") for _, row in summary.iterrows())
        if one.configuration != path.best.configuration
    )
    found = compare(table, path.best, cut)
    assert found.means == "unequal epochs" and math.isnan(found.low)


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "they stood after 3 epochs"), ("ko", "모든 설정이 거친 3에포크 시점")]
)
def test_the_report_speaks_of_importance_at_the_first_cut(path, lang, said, tmp_path):
    path.report(tmp_path / "r.html", lang)
    page = (tmp_path / "r.html").read_text()
    assert 'class="answer advice"' in page and said in page and 'id="effects"' in page
