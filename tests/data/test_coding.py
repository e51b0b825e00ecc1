"""One-hot and dummy coding, against the lecture, scikit-learn and pandas."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder

import ridgeway as rw
from ridgeway.data.coding import indicators
from ridgeway.errors import InputError

SECTIONS = ["정치", "사회", "경제", "문화"]
LABELS = ["dog", "cat", "bird", "cat", "dog"]


def test_the_lecture() -> None:
    coded, categories = rw.one_hot(["정치", "사회", "경제", "문화"], SECTIONS)
    assert categories == SECTIONS and coded.dtype == np.float32
    assert coded.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    coded, categories = rw.dummy(["사회", "정치", "경제"], SECTIONS)
    assert categories == SECTIONS and coded.dtype == np.float32
    assert coded.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        [3, 1, 2, 1],
        [0.5, -1.0, 0.5],
        [True, False, True],
        np.array(LABELS),
        np.float32([2, 1, 2]),
        [["b"], ["a"]],
    ],
)
def test_without_categories_as_scikit_learn_and_pandas(labels: object) -> None:
    column = np.asarray(labels).reshape(-1, 1)
    truth = OneHotEncoder(sparse_output=False).fit(column)
    coded, categories = rw.one_hot(labels)
    np.testing.assert_array_equal(coded, truth.transform(column))
    assert categories == truth.categories_[0].tolist()
    coded, categories = rw.dummy(labels)
    assert coded.dtype == np.float32
    np.testing.assert_array_equal(coded, pd.get_dummies(column[:, 0], drop_first=True))
    assert categories == truth.categories_[0].tolist()


@pytest.mark.parametrize("wrap", [pd.Series, pd.Categorical, pd.CategoricalIndex])
def test_the_order_of_a_categorical_is_kept(wrap: type) -> None:
    ordered = wrap(pd.Categorical(LABELS, ["fish", "dog", "cat", "bird"]))
    coded, categories = rw.one_hot(ordered)
    assert categories == ["fish", "dog", "cat", "bird"]
    np.testing.assert_array_equal(coded, pd.get_dummies(ordered))
    np.testing.assert_array_equal(rw.dummy(ordered)[0], pd.get_dummies(ordered, drop_first=True))
    coded, categories = rw.one_hot(ordered, sorted(categories))
    assert categories == ["bird", "cat", "dog", "fish"] and coded[0].tolist() == [0, 0, 1, 0]


@given(st.data())
def test_decoding_gives_the_labels_back(data: st.DataObject) -> None:
    kinds = st.sampled_from([st.text(), st.integers(-(2**60), 2**60), st.booleans()])
    categories = data.draw(kinds.flatmap(lambda kind: st.lists(kind, min_size=1, max_size=6, unique=True)))
    labels = data.draw(st.lists(st.sampled_from(categories), min_size=1, max_size=20))
    coded, known = rw.one_hot(labels, categories)
    assert known == categories and coded.shape == (len(labels), len(categories))
    assert [known[place] for place in coded.argmax(axis=1)] == labels and (coded.sum(axis=1) == 1).all()
    coded, known = rw.dummy(labels, categories)
    assert known == categories and coded.shape == (len(labels), len(categories) - 1)
    whole = np.concatenate([1 - coded.sum(axis=1, keepdims=True), coded], axis=1)
    assert [known[place] for place in whole.argmax(axis=1)] == labels
    coded, known = rw.one_hot(labels)
    assert known == sorted(set(labels)) and [known[place] for place in coded.argmax(axis=1)] == labels


@pytest.mark.parametrize("coding", ["one_hot", "dummy"])
def test_unknown_is_zeros_where_ignored(coding: str) -> None:
    found = indicators(["b", "x", "a"], ["c", "b", "a"], coding, "ignore")
    assert found[1].tolist() == [0] * found.shape[1]
    assert found[[0, 2]].tolist() == ([[0, 1, 0], [0, 0, 1]] if coding == "one_hot" else [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="unknown categories"):
        indicators(["x"], ["c", "b", "a"], coding, "error")


@pytest.mark.parametrize(
    ("labels", "categories", "said"),
    [
        (
            ["dog", "brid"],
            ["dog", "cat", "bird"],
            "The label 'brid' is none of the 3 categories. The nearest are 'bird'",
        ),
        (["정지"], SECTIONS, "The nearest are '정치'"),
        ([2, 17], [30, 2, 20, 10], "The label 17 is none of the 4 categories. The nearest are 20, 10, 30"),
        (["x"], ["dog", "cat"], "The nearest are 'dog', 'cat'"),
        (["1"], [1, 2], "The label '1' is none of the 2 categories. The nearest are 1"),
        (["a"], ["a", "b", "a"], "The category 'a' stands twice"),
        (["a"], "ab", "categories='ab' is no list"),
        (["a"], [], r"categories=\[\] is no list"),
        (["a", None, "b", float("nan")], None, "2 labels are missing, the first in row 2"),
        ([], None, "There are no labels"),
        ([[1, 2], [3, 4]], None, r"The labels have the shape \(2, 2\)"),
        (["a", 1], None, "The labels are of the types int and str. Make them all text"),
        (["a"], [1, "a"], "The labels are of the types int and str. Make them all text"),
    ],
)
def test_what_cannot_be_coded(labels: object, categories: object, said: str) -> None:
    for code in (rw.one_hot, rw.dummy):
        with pytest.raises(InputError, match=said):
            code(labels, categories)  # type: ignore[arg-type]


def test_unknown_labels_are_ignored_as_scikit_learn_does() -> None:
    labels = ["a", "z", "b"]
    for code, drop in ((rw.one_hot, None), (rw.dummy, "first")):
        encoder = OneHotEncoder(categories=[["a", "b"]], drop=drop, handle_unknown="ignore", sparse_output=False)
        encoder.fit([["a"]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = encoder.transform([[label] for label in labels])
        np.testing.assert_array_equal(code(labels, ["a", "b"], handle_unknown="ignore")[0], expected)
        with pytest.raises(InputError, match="The label 'z' is none of the 2 categories"):
            code(labels, ["a", "b"])
        with pytest.raises(InputError, match="handle_unknown='drop' is no choice"):
            code(labels, ["a", "b"], handle_unknown="drop")  # type: ignore[arg-type]


def test_sparse_labels_and_one_hot_targets_train_the_same_lane() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4)).astype("float32")
    sparse = (x[:, :3] + random.normal(size=(60, 3))).argmax(1)
    names = np.array(SECTIONS)[sparse]

    def trained(y: np.ndarray, loss: keras.losses.Loss) -> rw.Path:
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.0), keras.layers.Dense(4)]
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
        family = rw.Grid(dropout=[0.0, 0.3], weight_decay=[0.0, 0.01])
        return rw.fit_path(model, x, y, family, validation_split=0.2, epochs=4, batch_size=16, verbose=0)

    one = trained(sparse, keras.losses.SparseCategoricalCrossentropy(from_logits=True)).history()
    two = trained(rw.one_hot(names, SECTIONS)[0], keras.losses.CategoricalCrossentropy(from_logits=True)).history()
    assert len(one) == 16 and one["loss"].nunique() == 16
    for name in ("lane", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_nll"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-5, err_msg=name)


def test_scikit_learn_waits_until_it_is_needed() -> None:
    code = "import sys, ridgeway, ridgeway.data.coding, ridgeway.data.encoders; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
