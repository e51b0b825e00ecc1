"""The honest estimate: on rows that took no part in choosing."""

import html
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import train_test_split

import ridgeway as rw
from ridgeway.report.honest import honest

random = np.random.default_rng(0)
X = random.normal(size=(300, 6)).astype("float32")
Y = (X[:, 0] + random.normal(size=300) > 0).astype("int32")


def build(units=2, metrics=("accuracy",)):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(units)]
    )
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=list(metrics)
    )
    return model


def fit(x=X, y=Y, family=None, **arguments):
    arguments = {"validation_split": 0.3, "test_split": 0.25, "epochs": 3, "verbose": 0, **arguments}
    return rw.fit_path(build(), x, y, family or rw.Grid(weight_decay=[0.0, 0.1, 1.0]), **arguments)


def test_the_test_rows_are_scikit_learns_stratified_draw_and_take_no_other_part():
    path = fit(seed=7)
    rest, test = train_test_split(np.arange(300), test_size=0.25, stratify=Y, random_state=7)
    np.testing.assert_array_equal(path.parts.test.x, X[np.sort(test)])
    seen = np.concatenate([path.parts.train.x, path.parts.validation.x])
    np.testing.assert_array_equal(seen, X[np.sort(rest)])


def test_the_estimate_is_the_mean_of_kerass_own_evaluation():
    path = fit(repeats=2)
    found, choice = path.honest(), path.best
    test = path.parts.test
    losses = [path.model(lane).evaluate(test.x, test.y, verbose=0, return_dict=True)["loss"] for lane in choice.lanes]
    assert found.estimate == pytest.approx(np.mean(losses), rel=1e-4)
    assert found.naive == choice.mean
    assert found.optimism == pytest.approx(found.estimate - choice.mean)
    assert found.low < found.estimate < found.high and found.rows == 75


def test_of_a_metric_and_its_interval():
    """An accuracy's bootstrap interval is about the binomial one."""
    callback = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=9, restore_best_weights=True)
    path = fit(callbacks=callback)
    found = path.honest()
    test = path.parts.test
    share = path.model(path.best.lane).evaluate(test.x, test.y, verbose=0, return_dict=True)["accuracy"]
    assert found.metric == "val_accuracy" and found.estimate == pytest.approx(share, abs=1e-6)
    low, high = stats.binom(75, share).interval(0.95)
    assert found.low == pytest.approx(low / 75, abs=0.03) and found.high == pytest.approx(high / 75, abs=0.03)
    assert found.optimism == pytest.approx(found.naive - found.estimate)


def test_test_data_with_folds(tmp_path):
    path = fit(
        X[:200], Y[:200], validation_split=0.0, cv=3, test_split=0.0, test_data=(X[200:], Y[200:]), out=tmp_path / "run"
    )
    found = path.honest("one_se")
    assert found.rows == 100 and found.rule == "one_se"
    assert rw.load_path(tmp_path / "run").honest("one_se") == found
    assert f"{found.estimate:.2f}"[:3] in (tmp_path / "run" / "report.html").read_text()


def test_the_optimism_has_an_interval_over_the_rows_of_both_values():
    path = fit(repeats=2)
    found = path.honest(n_boot=4000)
    parts, lanes = path.parts, path.best.lanes
    errors = []
    for dataset in (parts.validation, parts.test):
        losses = []
        for lane in lanes:
            logits = path.model(lane).predict(dataset.x, verbose=0)
            losses.append(keras.losses.sparse_categorical_crossentropy(dataset.y, logits, from_logits=True))
        errors.append(np.mean(losses, axis=0).std(ddof=1) / np.sqrt(dataset.rows))
    width = 2 * 1.96 * np.hypot(*errors)
    assert found.optimism_low < found.optimism < found.optimism_high
    assert found.optimism_high - found.optimism_low == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.01, 0.05), {"en": "the optimism of choosing, as far as", "ko": "부풀려진 몫입니다"}),
        ((-0.02, 0.05), {"en": "can't be told from 0", "ko": "차이가 있다고 말할 수 없고"}),
        ((None, None), {"en": "how much of it is chance is not known", "ko": "우연이 얼마나 되는지는"}),
    ],
)
def test_the_report_claims_no_more_than_the_interval(ends, said):
    noted = {"estimate": 0.5, "naive": 0.48, "optimism": 0.02, "low": 0.4, "high": 0.6, "rows": 9, "metric": "val_nll"}
    noted |= dict(zip(("optimism_low", "optimism_high"), ends, strict=True))
    for lang in ("en", "ko"):
        page = html.unescape(honest(SimpleNamespace(record={"honest": {"best": noted}}), lang))
        assert said[lang] in page and ("95% 신뢰구간" if lang == "ko" else "95 % interval") in page


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_report_says_how_large_the_optimism_was(lang, tmp_path):
    path = fit()
    path.report(tmp_path / "r.html", lang)
    page = (tmp_path / "r.html").read_text()
    assert 'class="honest"' in page
    fit(test_split=0.0).report(tmp_path / "r.html", lang)
    assert 'class="honest"' not in (tmp_path / "r.html").read_text()


def test_of_200_configurations_on_noise_the_naive_score_is_above_chance_and_the_honest_one_is_not():
    """Labels that nothing explains: any accuracy above one half is luck."""
    x = random.normal(size=(800, 6)).astype("float32")
    y = random.integers(0, 2, 800).astype("int32")
    family = rw.Grid(input_dropout=np.linspace(0, 0.6, 10), learning_rate=np.geomspace(0.05, 3, 20))
    assert len(family) == 200
    callback = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=99, restore_best_weights=True)
    path = fit(x, y, family, test_split=0.5, validation_split=0.25, epochs=8, callbacks=callback)
    found = path.honest()
    rows = path.parts.validation.rows
    assert stats.binomtest(round(found.naive * rows), rows, 0.5, "greater").pvalue < 0.05
    assert stats.binomtest(round(found.estimate * found.rows), found.rows, 0.5).pvalue > 0.01
    assert found.low < 0.5 < found.high
    assert found.optimism > 0.04


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_split": 1.5}, "test_split=1.5 is out of range"),
        ({"test_split": 0.001}, "can't be drawn from 300 rows"),
        ({"test_split": 0.2, "test_data": (X, Y)}, "can't be given together"),
        ({"test_split": 0.0, "test_data": X}, "test_data is no"),
        ({"validation_split": 0.0, "cv": 3, "groups": np.arange(300)}, "would part rows of one group"),
        ({"test_split": 0.0, "test_data": (X, Y + 5)}, "outside the model's 2 classes"),
    ],
)
def test_bad_test_parts_are_refused(arguments, message):
    with pytest.raises(rw.InputError, match=message):
        fit(**arguments)


def test_without_test_rows_there_is_no_honest_estimate():
    path = fit(test_split=0.0)
    with pytest.raises(rw.InputError, match="has no test rows"):
        path.honest()
