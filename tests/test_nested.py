"""Nested folds: the honest estimate without rows set aside for good."""

import keras
import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit

import ridgeway as rw

random = np.random.default_rng(0)
ROWS = 120
X = random.normal(size=(ROWS, 6)).astype("float32")
Y = (X[:, 0] + random.normal(size=ROWS) > 0.5).astype("int32")
GROUPS = np.arange(ROWS) // 6
FAMILY = rw.Grid(l2=[0.0, 0.1, 1.0])


def build():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def fit(x=X, y=Y, family=FAMILY, **arguments):
    arguments = {"cv": 3, "nested": 4, "epochs": 3, "batch_size": 16, "verbose": 0, **arguments}
    return rw.fit_path(build(), x, y, family, **arguments)


@pytest.fixture(scope="module")
def path():
    return fit(repeats=2, shuffle=False, seed=5)


def test_each_outer_fold_is_split_anew_among_its_other_rows(path):
    outer = StratifiedKFold(4, shuffle=True, random_state=5)
    for own, (train, held) in zip(path.nested, outer.split(X, Y), strict=True):
        np.testing.assert_array_equal(own.parts.test.x, X[held])
        inner = StratifiedKFold(3, shuffle=True, random_state=5).split(X[train], Y[train])
        for fold, (rows, checked) in enumerate(inner):
            np.testing.assert_array_equal(own.parts.folds.train[fold], train[rows])
            np.testing.assert_array_equal(own.held_out.rows(fold), train[checked])


def test_a_nested_lane_is_a_lone_fit_on_its_rows(path):
    for own in (path.nested[0], path.nested[3]):
        table, history = own.table(), own.history()
        assert sorted(set(table["fold"])) == [0, 1, 2] and len(table) == 3 * 2 * 3
        for row in table[table["repeat"] == 0].itertuples():
            train, held = own.parts.folds.train[row.fold], own.parts.folds.held_out[row.fold]
            alone = build()
            for layer in alone.layers:
                layer.kernel.regularizer = keras.regularizers.L2(row.l2) if row.l2 else None
            expected = alone.fit(
                X[train], Y[train], validation_data=(X[held], Y[held]), epochs=3, batch_size=16, shuffle=False,
                verbose=0,
            ).history  # fmt: skip
            found = history[history["lane"] == row.lane]
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
            for variable, value in zip(alone.weights, own.lane_weights(row.lane, "last").values(), strict=True):
                np.testing.assert_allclose(value, variable.numpy(), atol=1e-5, err_msg=variable.path)


def test_the_choice_is_that_of_the_run_without_nested_folds(path):
    plain = fit(repeats=2, shuffle=False, seed=5, nested=None)
    assert plain.nested == ()
    names = ["lane", "l2", "repeat", "fold", "best_epoch", "stopped"]
    assert path.table()[names].equals(plain.table()[names])
    np.testing.assert_allclose(path.table()["val_nll"], plain.table()["val_nll"], rtol=1e-5)
    assert path.best.configuration == plain.best.configuration and path.best.lanes == plain.best.lanes
    assert path.record["folds"] == plain.record["folds"] and path.record["data"] == plain.record["data"]
    lanes = [lane for own in path.nested for lane in own.table()["lane"]]
    assert len(set(lanes)) == 72 and not set(lanes) & set(path.table()["lane"])


def test_the_estimate_is_the_mean_of_kerass_own_evaluation_of_each_folds_choice(path):
    found = path.honest()
    scores = []
    for own, fold in zip(path.nested, found.folds, strict=True):
        table = own.table()
        means = table.groupby("l2")["val_nll"].mean()
        assert fold.configuration == {"l2": means.idxmin()} and fold.naive == pytest.approx(means.min())
        x, y = own.parts.test.x, own.parts.test.y
        losses = []
        for lane in table[table["l2"] == means.idxmin()]["lane"]:
            logits = own.model(lane).predict(x, verbose=0)
            losses.append(float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, logits)))
        scores.append(np.mean(losses))
        assert fold.estimate == pytest.approx(scores[-1], rel=1e-4) and fold.rows == len(y)
        assert own.honest().estimate == pytest.approx(fold.estimate)
    assert found.estimate == pytest.approx(np.mean(scores), rel=1e-4)
    assert found.naive == path.best.mean and found.optimism == pytest.approx(found.estimate - found.naive)
    assert found.low < found.estimate < found.high
    assert (found.by, found.rows) == ("nested folds", ROWS)
    assert "by 4 outer folds" in str(found)


def test_an_accuracys_interval_is_about_the_binomial_one():
    callback = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=9, restore_best_weights=True)
    found = fit(callbacks=callback).honest()
    assert found.metric == "val_accuracy"
    low, high = stats.binom(ROWS, found.estimate).interval(0.95)
    # Lanes of one outer fold are averaged, which makes it somewhat narrower.
    assert low / ROWS - 0.02 < found.low < found.estimate < found.high < high / ROWS + 0.02
    assert found.high - found.low > 0.5 * (high - low) / ROWS
    assert found.optimism == pytest.approx(found.naive - found.estimate)


def test_groups_stay_together_in_both_loops():
    path = fit(cv=GroupKFold(3), groups=GROUPS, epochs=1)
    for own in path.nested:
        for train, held in zip(own.parts.folds.train, own.parts.folds.held_out, strict=True):
            parts = [
                set(GROUPS[train]),
                set(GROUPS[held]),
                set(np.flatnonzero(np.isin(X[:, 0], own.parts.test.x[:, 0])) // 6),
            ]
            assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert path.record["nested"]["splitter"] == "StratifiedGroupKFold"


def test_time_goes_forward_in_both_loops():
    path = fit(cv=TimeSeriesSplit(2), nested=TimeSeriesSplit(3), epochs=1)
    for own in path.nested:
        after = int(np.flatnonzero(X[:, 0] == own.parts.test.x[0, 0])[0])
        for train, held in zip(own.parts.folds.train, own.parts.folds.held_out, strict=True):
            assert train.max() < held.min() and held.max() < after


def test_class_weights_are_for_training_only():
    path = fit(class_weight={0: 5.0, 1: 1.0}, epochs=1)
    own = path.nested[0]
    assert own.parts.test.sample_weight is None
    assert own.parts.train.sample_weight is not None


def test_halving_lets_no_outer_row_have_a_say():
    """Each outer fold cuts by its own lanes: they go on as in a run of that fold alone."""
    family = rw.Grid(l2=[0.0, 0.05, 0.1, 0.5, 1.0, 2.0])
    path = fit(family=family, halving=3, epochs=9, shuffle=False, seed=5)
    for own in (path.nested[0], path.nested[2]):
        pairs = list(zip(own.parts.folds.train, own.parts.folds.held_out, strict=True))
        lone = rw.fit_path(
            build(), X, Y, family, cv=pairs, halving=3, epochs=9, batch_size=16, shuffle=False, seed=5, verbose=0
        )
        assert own.table()["stopped"].tolist() == lone.table()["stopped"].tolist()
        np.testing.assert_allclose(own.table()["val_nll"], lone.table()["val_nll"], rtol=1e-4)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_record_and_the_report_hold_it(lang, tmp_path):
    path = fit(out=tmp_path / "run")
    again = rw.load_path(tmp_path / "run")
    assert again.honest() == path.honest() and again.honest("one_se") == path.honest("one_se")
    again.report(tmp_path / "r.html", lang)
    page = (tmp_path / "r.html").read_text()
    said = {"en": "Nested cross-validation: in each of 4 outer folds", "ko": "중첩 교차 검증(바깥 폴드 4개"}[lang]
    assert said in page and 'class="honest"' in page
    # No outer fold chose an ensemble.
    without = {"en": "an ensemble was chosen in none of them", "ko": "앙상블의 정직한 점수는 알 수 없습니다"}[lang]
    assert without in page
    assert f"{path.honest().estimate:.1f}"[:2] in page


def test_on_noise_the_naive_score_is_above_chance_and_the_nested_one_is_not():
    """Labels that nothing explains: any accuracy above one half is luck."""
    x = random.normal(size=(240, 6)).astype("float32")
    y = np.tile([0, 1], 120).astype("int32")
    family = rw.Grid(input_dropout=np.linspace(0, 0.6, 4), learning_rate=np.geomspace(0.05, 3, 10))
    callback = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=99, restore_best_weights=True)
    path = fit(x, y, family, cv=3, nested=3, epochs=8, batch_size=32, callbacks=callback)
    found = path.honest()
    assert stats.binomtest(round(found.naive * 240), 240, 0.5, "greater").pvalue < 0.05
    assert stats.binomtest(round(found.estimate * 240), 240, 0.5).pvalue > 0.01
    assert found.optimism > 0.04


def test_a_path_whose_outer_folds_had_no_time_says_so(tmp_path):
    path = fit()
    path.nested = path.nested[:2]
    with pytest.raises(rw.InputError, match="2 of 4 outer folds kept no epoch of any lane"):
        path.honest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cv": None, "validation_split": 0.2}, "nested needs the folds by which each outer fold chooses"),
        ({"nested": 1}, "nested=1 folds of 120 rows"),
        ({"nested": "four"}, "nested='four' can't be used"),
        ({"test_split": 0.2}, "nested and test rows are two ways"),
        ({"cv": [(np.arange(60), np.arange(60, 120))]}, "row numbers hold for all rows only"),
        ({"family": rw.Bayes(3, l2=rw.Range(0, 1))}, "Bayes proposes by scores on all rows"),
        ({"callbacks": rw.callbacks.PathStopping(patience=2)}, "PathStopping ends lanes by the scores of others"),
        (
            {"cv": GroupKFold(3), "groups": GROUPS, "nested": [(np.arange(62, 120), np.arange(62))]},
            "Fold 0 of nested holds out rows of group",
        ),
        ({"cv": GroupKFold(19), "groups": GROUPS}, "In fold 0 of nested: The splitter GroupKFold"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(rw.InputError, match=message):
        fit(**arguments)


def test_numbers_of_folds_keep_groups_together_too():
    path = fit(groups=GROUPS, epochs=1)
    for own in path.nested:
        for train, held in zip(own.parts.folds.train, own.parts.folds.held_out, strict=True):
            assert not set(GROUPS[train]) & set(GROUPS[held])
    # What errors are taken over is that of the outer fold's own folds.
    assert path.nested[0].record["folds"]["rows"] != path.record["folds"]["rows"]
