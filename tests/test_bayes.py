"""Bayes against Optuna driven by hand."""

import keras
import numpy as np
import optuna
import pandas as pd
import pytest

import ridgeway as rw
from ridgeway.families import study_in

random = np.random.default_rng(0)
X = random.normal(size=(160, 5)).astype("float32")
Y = (X[:, 0] + 0.5 * random.normal(size=160) > 0).astype("int32")


def build(rate=0.1):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dropout(0.0), keras.layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss, metrics=["accuracy"])
    return model


def fit(family, model=None, **arguments):
    arguments = {"validation_split": 0.25, "epochs": 2, "batch_size": 16, "verbose": 0, **arguments}
    return rw.fit_path(model or build(), X, Y, family, **arguments)


RANGES = {"weight_decay": rw.Range(1e-4, 1.0, log=True, zero=0.3), "dropout": rw.Range(0.0, 0.8)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bayes") / "run"
    return fit(rw.Bayes(18, batch=5, seed=4, **RANGES), out=folder), folder


@pytest.mark.filterwarnings("ignore:.*constant_liar.*")
def test_proposals_are_optunas_own_for_the_same_scores(run):
    path, _ = run
    means = path.table().groupby("lane")[path.metric].mean()
    configurations = path.table().set_index("lane")[["weight_decay", "dropout"]]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=4, constant_liar=True))
    for first in range(0, 18, 5):
        trials = [study.ask() for _ in range(min(5, 18 - first))]
        for number, trial in enumerate(trials, start=first):
            used = trial.suggest_categorical("weight_decay used", [True, False])
            decay = trial.suggest_float("weight_decay", 1e-4, 1.0, log=True) if used else 0.0
            dropout = trial.suggest_float("dropout", 0.0, 0.8)
            assert configurations.loc[number].tolist() == pytest.approx([decay, dropout], rel=1e-6)
        for number, trial in enumerate(trials, start=first):
            study.tell(trial, float(means[number]))
    assert (configurations["weight_decay"] == 0).any() and len(configurations) == 18


def test_the_study_lies_in_the_runs_directory_as_optuna_reads_it(run):
    path, folder = run
    study = optuna.load_study(study_name=path.record["id"], storage=f"sqlite:///{folder / 'optuna.db'}")
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    assert [trial.state for trial in study.trials] == [optuna.trial.TrialState.COMPLETE] * 18
    np.testing.assert_allclose([trial.value for trial in study.trials], path.table()[path.metric], rtol=1e-6)
    assert study.best_value == pytest.approx(path.best.mean)


def test_the_study_lies_in_a_directory_of_any_name(tmp_path):
    folder = tmp_path / "a?b%20c#{d} 한글"
    path = fit(rw.Bayes(2, batch=2, **RANGES), epochs=1, out=folder)
    assert (folder / "optuna.db").exists()
    assert len(optuna.load_study(study_name=path.record["id"], storage=study_in(folder)).trials) == 2


def test_the_record_holds_what_was_tried(run):
    path, folder = run
    tried = sorted(set(path.table()["dropout"]))
    assert path.record["hyperparameters"]["dropout"]["values"] == pytest.approx(tried)
    again = rw.load_path(folder)
    assert again.table().equals(path.table())
    assert "18" in (folder / "report.html").read_text()


def test_a_lane_is_that_of_a_grid(run):
    path, _ = run
    row = path.table().iloc[7]
    lone = fit(rw.Grid(weight_decay=[row["weight_decay"]], dropout=[row["dropout"]])).table().iloc[0]
    assert lone["val_loss"] == pytest.approx(row["val_loss"], rel=1e-5)


def test_structures_repeats_and_folds():
    family = rw.Bayes(9, batch=4, normalization=["none", "batch"], dropout=rw.Range(0.0, 0.5))
    path = fit(family, validation_split=0.0, cv=2, repeats=2)
    table = path.table()
    assert len(table) == 9 * 4 and sorted(table["lane"]) == list(range(36))
    assert set(table["normalization"]) == {"none", "batch"}
    assert (table.groupby(["normalization", "dropout"]).size() == 4).all()


def test_more_is_better_where_the_metric_says_so():
    stop = keras.callbacks.EarlyStopping("val_accuracy", mode="max", restore_best_weights=True)
    storage = optuna.storages.InMemoryStorage()
    path = fit(rw.Bayes(3, batch=2, storage=storage, **RANGES), callbacks=stop)
    study = optuna.load_study(study_name=path.record["id"], storage=storage)
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.best_value == pytest.approx(path.best.mean)


def test_what_diverged_has_failed():
    storage = optuna.storages.InMemoryStorage()
    path = fit(rw.Bayes(6, batch=6, storage=storage, learning_rate=[0.1, 3e38], dropout=[0.0, 0.1, 0.2]), epochs=3)
    study = optuna.load_study(study_name=path.record["id"], storage=storage)
    diverged = path.table().set_index(["learning_rate", "dropout"])["stopped"] == "diverged"
    failed = [trial.state == optuna.trial.TrialState.FAIL for trial in study.trials]
    asked = [tuple(trial.params[name] for name in ("learning_rate", "dropout")) for trial in study.trials]
    assert failed == [diverged[one] for one in asked] and any(failed) and not all(failed)


LISTS = {"dropout": [0.0, 0.5], "weight_decay": [0.0, 0.1, 1.0]}


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists") / "run"
    return fit(rw.Bayes(40, batch=4, **LISTS), validation_split=0.0, cv=2, repeats=2, out=folder), folder


def test_lists_are_searched_without_doubles_until_nothing_is_left(listed):
    path, folder = listed
    table = path.table()
    assert len(rw.Bayes(40, **LISTS)) == 6 and sorted(table["lane"]) == list(range(6 * 4))
    assert (table.groupby(list(LISTS)).size() == 4).all() and table.groupby(list(LISTS)).ngroups == 6
    means = table.groupby(list(LISTS))[path.metric].mean()
    assert path.best.mean == pytest.approx(means.min()) and path.configurations()["whole"].all()
    # The report compares configurations, and the ensemble takes all of them.
    assert (folder / "report.html").exists() and path.select_ensemble(4).candidates == 12
    assert rw.load_path(folder).record["status"] == "finished"


def test_a_double_is_told_the_score_of_the_first(listed):
    path, folder = listed
    study = optuna.load_study(study_name=path.record["id"], storage=f"sqlite:///{folder / 'optuna.db'}")
    means = path.table().groupby(list(LISTS))[path.metric].mean()
    assert len(study.trials) > 6
    for trial in study.trials:
        assert trial.value == pytest.approx(means[tuple(trial.params[name] for name in LISTS)])


def test_a_search_with_doubles_goes_on_where_it_was(listed, tmp_path):
    path, _ = listed

    class Stop(keras.callbacks.Callback):
        rounds = 0

        def on_epoch_end(self, epoch, logs=None):
            Stop.rounds += 1
            if Stop.rounds == 3:
                raise RuntimeError("enough")

    def again(**arguments):
        family = rw.Bayes(40, batch=4, **LISTS)
        common = {"validation_split": 0.0, "cv": 2, "repeats": 2, "out": tmp_path / "run", "checkpoint_every": 0}
        return fit(family, **common, **arguments)

    with pytest.raises(RuntimeError):
        again(callbacks=[Stop()])
    Stop.rounds = 100
    pd.testing.assert_frame_equal(
        again(callbacks=[Stop()], resume=True).table().drop(columns="seconds"), path.table().drop(columns="seconds")
    )


def test_an_insistent_estimator_is_led_on(monkeypatch):
    # Its independent proposals know nothing of each other: with one model of the scores it may ask for one thing ever.
    search = rw.Bayes(6, batch=6, **LISTS).search("insistent", "min", optuna.storages.InMemoryStorage())
    monkeypatch.setattr(search.study.sampler, "sample_independent", lambda study, trial, name, d: d.choices[0])
    asked = search.ask()
    assert len({tuple(one.values()) for one in asked}) == 6
    for number in range(6):
        search.tell(number, float(number))
    states = {trial.state for trial in search.study.trials}
    assert states == {optuna.trial.TrialState.COMPLETE} and not search.ask()


def test_what_was_given_up_is_told(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("enough")

    with pytest.raises(RuntimeError) as caught:
        fit(rw.Bayes(8, batch=2, **RANGES), callbacks=[Stop()], out=tmp_path / "run")
    assert len(caught.value.path.table()) == 4
    record = rw.load_path(tmp_path / "run").record
    study = optuna.load_study(study_name=record["id"], storage=f"sqlite:///{tmp_path / 'run' / 'optuna.db'}")
    assert optuna.trial.TrialState.RUNNING not in {trial.state for trial in study.trials}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rw.Bayes(0, **RANGES), r"Bayes\(n=0\)"),
        (lambda: rw.Bayes(5, batch=0, **RANGES), r"Bayes\(batch=0\)"),
        (lambda: fit(rw.Bayes(5, dropot=[0.1])), "Unknown hyperparameter .dropot.. The nearest are dropout"),
        (lambda: rw.Bayes(5, normalization=rw.Range(0.1, 1.0)), "words belong|normalization"),
        (lambda: fit(rw.Bayes(5, **RANGES), halving=3), "Bayes learns from lanes that trained alike"),
        (lambda: fit(rw.Bayes(5, storage="nosuch://x", **RANGES)), "Optuna can't keep the study"),
    ],
)
def test_bad_searches_are_refused(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()
