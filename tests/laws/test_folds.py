"""A fold's lane is a lone `fit` on the fold's rows, whatever the other folds' lengths."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

import ridgeway as rw

from .against_fit import compiled, fit_alone
from .models import LABELS, ROWS, SECOND, TABLE, mlp, normalized_mlp, two_inputs

FAMILY = rw.Grid(l2=[0.0, 1e-2])
GROUPS = np.random.default_rng(5).choice(4, ROWS, p=[0.1, 0.2, 0.3, 0.4])
#: Row numbers of training and held-out parts whose lengths differ by full batches and by what is left over.
UNEQUAL = [
    (np.arange(20, 70), np.arange(20)),
    (np.arange(33), np.arange(40, 70)),
    (np.r_[0:10, 50:53], np.arange(12, 50)),
]


def fold_alone(build, x, y, pair, l2, weight, class_weight):
    """Logs and weights of a lone fit on a fold's rows."""
    train, held = pair
    own, other = (
        ({name: values[rows] for name, values in x.items()} if isinstance(x, dict) else x[rows], y[rows])
        for rows in (train, held)
    )
    model = compiled(build, "adam")
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.regularizer = keras.regularizers.L2(l2) if l2 else None
    alone = fit_alone(
        model,
        *own,
        epochs=3,
        validation_split=0.0,
        validation_data=other if weight is None else (*other, weight[held]),
        sample_weight=None if weight is None else weight[train],
        class_weight=class_weight,
    )
    return alone.history, [(variable.path, variable.numpy()) for variable in model.weights]


#: Logs and weights of lone fits, by what was trained: executors are held against the same.
ALONE = {}


def assert_folds_equal_fit(build, x, y, pairs, weight=None, class_weight=None, key=None, **arguments):
    path = rw.fit_path(
        compiled(build, "adam"),
        x,
        y,
        FAMILY,
        epochs=3,
        batch_size=16,
        shuffle=False,
        sample_weight=weight,
        class_weight=class_weight,
        verbose=0,
        **arguments,
    )
    table, history = path.table(), path.history()
    assert sorted(table["fold"]) == sorted([*range(len(pairs))] * 2)
    for row in table.itertuples():
        made = (key, row.fold, row.l2)
        if key is None or made not in ALONE:
            ALONE[made] = fold_alone(build, x, y, pairs[row.fold], row.l2, weight, class_weight)
        logs, weights = ALONE[made]
        found = history[history["lane"] == row.lane]
        for name, expected in logs.items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5, err_msg=f"{name} of {row}")
        for (name, expected), value in zip(weights, path.lane_weights(row.lane, "last").values(), strict=True):
            np.testing.assert_allclose(value, expected, atol=1e-5, err_msg=name)
    return path


@pytest.mark.parametrize("executor", ["vmap", "map", "steps"])
@pytest.mark.parametrize("build", [mlp, normalized_mlp], ids=["mlp", "batch normalization and dropout"])
def test_a_fold_is_a_lone_fit_on_its_rows(build, executor):
    assert_folds_equal_fit(build, TABLE, LABELS, UNEQUAL, key=build, cv=UNEQUAL, executor=executor, slots=4)


@pytest.mark.parametrize("loss", [None, "mse"])
def test_a_number_of_folds_keeps_groups_together(loss):
    model = compiled(mlp, "adam")
    labels = LABELS
    if loss:
        model.compile("adam", loss)
        labels = np.eye(3, dtype="float32")[LABELS]
    path = rw.fit_path(model, TABLE, labels, FAMILY, cv=3, groups=GROUPS, epochs=1, verbose=0)
    folds = path.parts.folds
    for train, held in zip(folds.train, folds.held_out, strict=True):
        assert not set(GROUPS[train]) & set(GROUPS[held])
    assert path.record["folds"]["splitter"] == ("GroupKFold" if loss else "StratifiedGroupKFold")


@pytest.mark.parametrize(
    "splitter",
    [StratifiedKFold(3), GroupKFold(3), TimeSeriesSplit(3)],
    ids=["stratified", "groups", "time series"],
)
def test_scikit_learns_splitters(splitter):
    groups = GROUPS if isinstance(splitter, GroupKFold) else None
    pairs = list(splitter.split(TABLE, LABELS, groups))
    path = assert_folds_equal_fit(mlp, TABLE, LABELS, pairs, cv=splitter, groups=groups)
    assert path.record["folds"]["splitter"] == type(splitter).__name__


def test_several_inputs_and_weights():
    weight = np.random.default_rng(1).uniform(0.5, 2, ROWS).astype("float32")
    assert_folds_equal_fit(two_inputs, {"a": TABLE, "b": SECOND}, LABELS, UNEQUAL, weight=weight, cv=UNEQUAL)


def test_class_weights_are_for_training_only():
    assert_folds_equal_fit(mlp, TABLE, LABELS, UNEQUAL, class_weight={0: 3.0, 1: 0.5}, cv=UNEQUAL)


def test_a_number_of_folds_is_stratified_and_drawn_by_the_seed():
    y = np.repeat([0, 1, 2], [45, 15, 10])
    path = rw.fit_path(compiled(mlp, "sgd"), TABLE, y, FAMILY, cv=5, seed=3, verbose=0)
    held = [path.held_out.rows(fold) for fold in range(5)]
    expected = StratifiedKFold(5, shuffle=True, random_state=3).split(TABLE, y)
    for rows, (_, other) in zip(held, expected, strict=True):
        assert np.array_equal(rows, other)
        assert np.array_equal(np.bincount(y[rows]), [9, 3, 2])


def test_regression_is_not_stratified():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.arange(ROWS) % 2 * 1.0
    path = rw.fit_path(model, TABLE, y, rw.Grid(l2=[0.0, 0.1]), cv=4, seed=1, verbose=0)
    for fold, (_, other) in enumerate(KFold(4, shuffle=True, random_state=1).split(TABLE)):
        assert np.array_equal(path.held_out.rows(fold), other)


def test_repeats_train_on_the_same_folds_from_other_weights():
    path = rw.fit_path(compiled(mlp, "sgd"), TABLE, LABELS, FAMILY, cv=3, repeats=2, epochs=2, verbose=0)
    table = path.table()
    assert table.groupby("l2").size().tolist() == [6, 6]
    assert table.groupby(["l2", "fold", "repeat"]).size().eq(1).all()
    assert table["val_loss"].nunique() == 12
    assert path.record["folds"]["validation_rows"] == [24, 23, 23] or sum(path.record["folds"]["validation_rows"]) == 70


@pytest.mark.parametrize("slots", [1, 4])
def test_the_schedule_changes_nothing(slots):
    def run(slots):
        return rw.fit_path(
            compiled(normalized_mlp, "adam"), TABLE, LABELS, FAMILY, cv=UNEQUAL, slots=slots, epochs=3, verbose=0,
            executor="vmap",
        )  # fmt: skip

    first, second = run(slots).table(), run(6).table()
    np.testing.assert_allclose(first["val_loss"], second["val_loss"], rtol=1e-5)


def test_input_scaling_is_by_the_folds_own_training_rows():
    """A held-out row far from the others must not move the scaling of the fold that does not train on it."""
    x = TABLE.copy()
    x[0] = 1e4
    path = rw.fit_path(
        compiled(mlp, "sgd"),
        x,
        LABELS,
        rw.Grid(input_scaling=["standardize", "minmax"]),
        cv=UNEQUAL,
        epochs=1,
        verbose=0,
    )
    for row in path.table().itertuples():
        weights = path.lane_weights(row.lane)
        train = x[UNEQUAL[row.fold][0]]
        mean = next(value for name, value in weights.items() if name.endswith("/mean"))
        expected = train.mean(0) if row.input_scaling == "standardize" else train.min(0)
        np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-5)


def test_probes_look_at_the_folds_own_training_rows():
    x = TABLE.copy()
    arguments = {"epochs": 2, "shuffle": False, "probes": ["generalization_gap"], "verbose": 0}
    path = rw.fit_path(compiled(mlp, "sgd"), x, LABELS, FAMILY, cv=UNEQUAL, **arguments)
    probed = path.probes()
    for row in path.table().itertuples():
        train, held = UNEQUAL[row.fold]
        few = min(len(train) for train, _ in UNEQUAL)
        lone = rw.fit_path(
            compiled(mlp, "sgd"), x[train], LABELS[train], rw.Grid(l2=[row.l2]),
            validation_data=(x[held], LABELS[held]), **arguments,
        )  # fmt: skip
        model = lone.model(0, "last")
        logits = model.predict(x[train[:few]], verbose=0)
        loss = float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS[train[:few]], logits))
        own = probed[(probed["lane"] == row.lane) & (probed["epoch"] == 2) & (probed["probe"] == "train_loss")]
        assert own["value"].item() == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cv": 1}, "cv=1 folds of 70 rows"),
        ({"cv": 71}, "cv=71 folds of 70 rows"),
        ({"cv": 40}, "the rarest class has"),
        ({"cv": "five"}, "cv='five' can't be used"),
        ({"cv": GroupKFold(3)}, "'groups' parameter should not be None"),
        ({"cv": GroupKFold(3), "groups": GROUPS[:5]}, "groups has 5 values and x has 70 rows"),
        ({"groups": GROUPS}, "groups are kept together by folds, and there are none"),
        ({"cv": 3, "validation_split": 0.2}, "cv holds out rows by itself"),
        ({"cv": [([0, 1], [1, 2])]}, "Fold 0 of cv trains on row 1, which it also holds out"),
        ({"cv": [([0, 1], [])]}, "Fold 0 of cv has 2 rows to train on and 0 held out"),
        ({"cv": [([0, 1], [70])]}, "names the row 70, and there are 70 rows"),
        ({"cv": []}, "cv gives no fold"),
    ],
)
def test_bad_folds_are_refused(arguments, message):
    with pytest.raises(rw.InputError, match=message):
        rw.fit_path(compiled(mlp, "sgd"), TABLE, LABELS, FAMILY, verbose=0, **arguments)
