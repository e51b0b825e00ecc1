"""`path.refit`: the chosen configuration on all rows, held against Keras's own fit."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import ridgeway as rw

random = np.random.default_rng(0)
X = random.normal(size=(70, 6)).astype("float32")
Y = (X[:, 0] + 0.5 * random.normal(size=70) > 0).astype("int32")


def build() -> keras.Model:
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted_alone(epochs: int, **arguments) -> keras.Model:
    model = build()
    model.fit(X, Y, epochs=epochs, batch_size=16, shuffle=False, verbose=0, **arguments)
    return model


def same_weights(first: keras.Model, second: keras.Model) -> None:
    for own, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_allclose(own.numpy(), other.numpy(), atol=1e-5, err_msg=own.path)


ARGUMENTS = {"epochs": 6, "batch_size": 16, "shuffle": False, "verbose": 0}
FAMILY = rw.Grid(l2=[0.0])


@pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 0.5}])
def test_after_folds_it_is_a_fit_on_all_rows(class_weight):
    path = rw.fit_path(build(), X, Y, FAMILY, cv=3, class_weight=class_weight, **ARGUMENTS)
    epochs = round(path.table()["best_epoch"].median())
    same_weights(path.refit(), fitted_alone(epochs, class_weight=class_weight))


def test_after_a_split_it_takes_the_held_out_rows_too():
    weight = random.uniform(0.5, 2, 70).astype("float32")
    path = rw.fit_path(build(), X, Y, FAMILY, validation_split=0.3, sample_weight=weight, **ARGUMENTS)
    same_weights(path.refit(epochs=4), fitted_alone(4, sample_weight=weight))


def test_class_weights_and_weights_of_validation_rows_are_multiplied():
    weight = random.uniform(0.5, 2, 20).astype("float32")
    held = (X[50:], Y[50:], weight)
    by_class = {0: 2.0, 1: 0.5}
    path = rw.fit_path(build(), X[:50], Y[:50], FAMILY, validation_data=held, class_weight=by_class, **ARGUMENTS)
    whole = np.r_[np.ones(50, "float32"), weight] * np.where(Y == 0, 2.0, 0.5).astype("float32")
    same_weights(path.refit(epochs=4), fitted_alone(4, sample_weight=whole))
    given = np.r_[np.ones(50, "float32"), weight]
    same_weights(path.refit(x=X, y=Y, sample_weight=given, epochs=4), fitted_alone(4, sample_weight=whole))


@pytest.mark.parametrize("held_weighted", ["split", "training only", "validation only"])
def test_weights_of_several_outputs(held_weighted):
    def two() -> keras.Model:
        keras.utils.set_random_seed(2)
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(8, activation="tanh")(inputs)
        outputs = {name: keras.layers.Dense(1, name=name)(hidden) for name in ("a", "b")}
        model = keras.Model(inputs, outputs)
        model.compile("adam", {"a": "mse", "b": "mae"})
        return model

    y = {"a": X[:, :1], "b": X[:, 1:2]}
    weight = {name: random.uniform(0.5, 2, 70).astype("float32") for name in y}
    if held_weighted == "split":
        path = rw.fit_path(two(), X, y, FAMILY, validation_split=0.3, sample_weight=weight, **ARGUMENTS)
    else:
        first, last = ({name: part[rows] for name, part in y.items()} for rows in (slice(50), slice(50, None)))
        ones = {name: np.ones(70, "float32") for name in y}
        here = slice(50) if held_weighted == "training only" else slice(50, None)
        own = {name: part[here] for name, part in weight.items()}
        for name in y:
            ones[name][here] = own[name]
        held = (X[50:], last) if held_weighted == "training only" else (X[50:], last, own)
        path = rw.fit_path(
            two(),
            X[:50],
            first,
            FAMILY,
            validation_data=held,
            sample_weight=own if held_weighted == "training only" else None,
            **ARGUMENTS,
        )
        weight = ones
    alone = two()
    alone.fit(X, y, sample_weight=weight, epochs=4, batch_size=16, shuffle=False, verbose=0)
    same_weights(path.refit(epochs=4), alone)


def test_a_path_from_a_directory_starts_from_the_untrained_model(tmp_path):
    rw.fit_path(build(), X, Y, FAMILY, cv=3, out=tmp_path / "run", **ARGUMENTS)
    path = rw.load_path(tmp_path / "run")
    with pytest.raises(rw.InputError, match="holds no rows. Pass them"):
        path.refit()
    same_weights(path.refit(x=X, y=Y, epochs=5), fitted_alone(5))
    path.save(tmp_path / "again")
    same_weights(rw.load_path(tmp_path / "again").refit(x=X, y=Y, epochs=5), fitted_alone(5))


def test_the_rule_decides_what_is_trained():
    path = rw.fit_path(build(), X, Y, rw.Grid(weight_decay=[0.0, 20.0]), cv=3, **ARGUMENTS)
    chosen = {rule: path.select(rule).configuration["weight_decay"] for rule in ("best", "one_se")}
    for rule, decay in chosen.items():
        lone = rw.fit_path(build(), X, Y, rw.Grid(weight_decay=[decay]), validation_data=(X, Y), **ARGUMENTS)
        same_weights(path.refit(rule, epochs=6), lone.model(0, "last"))


def test_the_file_needs_no_ridgeway(tmp_path):
    path = rw.fit_path(build(), X, Y, rw.Grid(input_scaling=["standardize"]), cv=3, **ARGUMENTS)
    model = path.refit()
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys, numpy as np, keras; m = keras.models.load_model('model.keras');"
        "np.save('p.npy', m.predict(np.load('x.npy'), verbose=0)); assert 'ridgeway' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), model.predict(X, verbose=0), atol=1e-6)
    scaling = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    np.testing.assert_allclose(np.ravel(scaling.mean), X.mean(0), atol=1e-5)


@pytest.mark.filterwarnings("ignore:No validation data")
def test_an_ensembles_members_are_fits_on_all_rows_from_seeds_of_their_own():
    family = rw.Grid(l2=[0.0, 0.3], weight_decay=[0.0, 0.5])
    path = rw.fit_path(build(), X, Y, family, cv=3, **ARGUMENTS)
    members = path.select_ensemble(4).members
    epochs = path.table().set_index("lane")["best_epoch"]
    longest = [round(epochs[list(member.lanes)].median()) for member in members]
    alone = [rw.fit_path(build(), X, Y, rw.Grid(**one.configuration), repeats=4, **{**ARGUMENTS, "epochs": n})
             for one, n in zip(members, longest, strict=True)]  # fmt: skip
    seed, outputs = 0, []
    for member, trained in zip(members, alone, strict=True):
        for _ in range(member.count):
            outputs.append(trained.predict(X, lanes=seed)[0])
            seed += 1
    found = path.ensemble(4, refit=True)
    np.testing.assert_allclose(found.predict(X, verbose=0), np.mean(outputs, axis=0), atol=1e-5)
    same_weights(path.ensemble(1, refit=True), path.refit())
