"""A function that builds the model: what a path makes of it, and what is refused."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.report.keras_code import keras_code
from ridgeway.report.page import render
from ridgeway.structures import Builder

random = np.random.default_rng(0)
X = random.normal(size=(60, 5)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def build(width, depth=1, kind="relu", wide=False):
    hidden = [layers.Dense(2 * width if wide else width, activation=kind) for _ in range(depth)]
    return compiled([keras.Input((5,)), *hidden, layers.Dropout(0.0), layers.Dense(2)])


def compiled(stack, metrics=("accuracy",), logits=True):
    model = keras.Sequential(stack)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=list(metrics))
    return model


def fit(function=build, family=None, **arguments):
    arguments = {"validation_split": 0.25, "epochs": 2, "verbose": 0, **arguments}
    return rw.fit_path(function, X, Y, family or rw.Grid(width=[2, 4], depth=[1, 2], dropout=[0, 0.5]), **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "built"


@pytest.fixture(scope="module")
def path(folder):
    family = rw.Grid(width=[2, 4], kind=["tanh", "relu"], wide=[False, True], dropout=[0, 0.5])
    return fit(family=family, repeats=2, test_split=0.2, probes=["saturation"], out=folder)


def test_columns_keep_their_kinds(path):
    table = path.table()
    assert [table[name].dtype.kind for name in ("width", "wide", "dropout")] == ["i", "b", "f"]
    assert list(table["kind"].unique()) == ["tanh", "relu"]
    best = path.best.configuration
    assert [type(best[name]) for name in best] == [int, str, bool, float]
    assert path.best.label.startswith(f"width={best['width']}, kind={best['kind']}, wide={best['wide']}, dropout=")


def test_each_lane_is_a_model_of_its_own_size(path):
    for row in path.table().itertuples():
        model = path.model(row.lane)
        assert model.layers[0].units == row.width * (2 if row.wide else 1)
        assert model.layers[0].activation.__name__ == row.kind
        assert model.get_layer("dropout").rate == row.dropout
    predicted = path.predict(X, lanes=[0, 31])
    np.testing.assert_allclose(predicted[1], keras.ops.convert_to_numpy(path.model(31)(X)), rtol=1e-4, atol=1e-6)


def test_the_run_is_read_without_the_function(path, folder):
    again = rw.load_path(folder)
    assert [one["arguments"] for one in again.record["structures"]][:2] == [
        {"width": 2, "kind": "tanh", "wide": False},
        {"width": 2, "kind": "tanh", "wide": True},
    ]
    assert sorted(file.name for file in (folder / "structures").iterdir()) == [f"{n}.keras" for n in range(8)]
    assert not (folder / "model.keras").exists()
    assert again.best == path.best
    assert again.table()["width"].dtype.kind == "i"
    np.testing.assert_allclose(again.predict(X), path.predict(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again.evaluate(X, Y)["loss"], path.evaluate(X, Y)["loss"], rtol=1e-5)
    assert again.honest() == path.honest()
    np.testing.assert_allclose(
        keras.models.load_model(folder / "best.keras").predict(X, verbose=0),
        path.best_model().predict(X, verbose=0),
        rtol=1e-5,
    )


def test_saved_again_elsewhere(path, folder, tmp_path):
    rw.load_path(folder).save(tmp_path / "copy")
    copied = rw.load_path(tmp_path / "copy")
    np.testing.assert_allclose(copied.predict(X), path.predict(X), rtol=1e-5, atol=1e-6)


def test_refit_is_keras_own_fit_of_what_the_function_builds(path, folder):
    best = path.best
    found = path.refit(epochs=2, x=X, y=Y)
    keras.utils.set_random_seed(0)
    alone = build(best.configuration["width"], 1, best.configuration["kind"], best.configuration["wide"])
    assert [tuple(w.shape) for w in alone.weights] == [tuple(w.shape) for w in found.weights]
    again = rw.load_path(folder).refit(epochs=2, x=X, y=Y)
    np.testing.assert_allclose(again.predict(X, verbose=0), found.predict(X, verbose=0), rtol=1e-4, atol=1e-6)


def test_refit_where_nothing_else_is_varied():
    path = fit(family=rw.Grid(width=[2, 4]), shuffle=False, batch_size=16)
    best = path.best.configuration["width"]
    keras.utils.set_random_seed(0)
    alone = build(best)
    alone.fit(X, Y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    np.testing.assert_allclose(path.refit(epochs=3).predict(X, verbose=0), alone.predict(X, verbose=0), rtol=1e-4)


def test_ensembles_of_several_structures(path):
    chosen = path.select_ensemble(6)
    model = path.ensemble(6)
    total = sum(chosen.counts.values())
    mean = sum(
        count / total * keras.ops.softmax(keras.ops.convert_to_numpy(path.model(lane)(X)))
        for lane, count in chosen.counts.items()
    )
    np.testing.assert_allclose(keras.ops.softmax(model.predict(X, verbose=0)), mean, rtol=1e-4, atol=1e-6)


def test_effects_compare_with_the_first_value(path):
    found = path.effects().set_index("hyperparameter")
    assert found["against"].to_dict() == {"width": 2, "kind": "tanh", "wide": False, "dropout": 0}
    assert found["value"].to_dict() == {"width": 4, "kind": "relu", "wide": True, "dropout": 0.5}
    table = path.table()
    differences = [
        table.query(f"width == 4 and repeat == {repeat}")["val_nll"].mean()
        - table.query(f"width == 2 and repeat == {repeat}")["val_nll"].mean()
        for repeat in (0, 1)
    ]
    assert found.loc["width", "difference"] == pytest.approx(np.mean(differences))
    assert set(path.interactions()["first"]) <= set(path.hyperparameters)
    assert set(path.importance()["hyperparameter"]) == set(path.hyperparameters)


def test_sizes_count_as_no_regularization(path):
    assert [path.record["hyperparameters"][name]["regularizes"] for name in path.hyperparameters] == [
        False, False, False, True,
    ]  # fmt: skip
    table = path.table()
    chosen = path.select("one_se")
    near = path.configurations()
    near = near[near["mean"] <= near["mean"].iloc[0] + near["standard_error"].iloc[0]]
    assert chosen.configuration["dropout"] == near["dropout"].max()
    assert len(table) == 32


def test_the_own_model_is_that_of_the_defaults():
    path = fit(family=rw.Grid(width=2, depth=[1, 2], kind=["tanh", "relu"]))
    assert path.record["hyperparameters"]["depth"]["base"] == 1
    assert path.record["hyperparameters"]["width"]["base"] is None
    everything = fit(lambda width=4, depth=2: build(width, depth), rw.Grid(width=[2, 4], depth=[1, 2]))
    from ridgeway.selection import baseline

    assert baseline(everything.table(), everything.record)[0].configuration == {"width": 4, "depth": 2}
    assert baseline(everything.table(), everything.record)[1]


@pytest.mark.parametrize(("lang", "said"), [("en", "is your own function"), ("ko", "직접 작성하신 함수")])
def test_the_report(path, lang, said):
    page = render(path, lang)
    best = path.best.configuration
    call = f"build(width={best['width']}, kind={best['kind']!r}, wide={best['wide']})"
    code = keras_code(path.record, best, 2, lang)
    assert said in code and f"\nmodel = {call}\n" in code
    assert call.replace("'", "&#x27;") in page or call.replace("'", "&#39;") in page
    for kind in ("path", "curves", "weights", "parallel", "probes"):
        assert len(path.plot(kind, lang).data) > 0
    layers_of_best = path.record["structures"][0]["model"]["layers"]
    assert layers_of_best[0]["config_line"] == "Dense(2, activation='tanh')"


def test_curves_hold_every_lane_of_a_yes_or_no():
    path = fit(family=rw.Grid(width=2, wide=[False, True]))
    lines = {trace.name: trace for trace in path.plot("curves").data}
    for word, lane in (("False", 0), ("True", 1)):
        assert lane in lines[word].customdata


@pytest.mark.parametrize(
    "family",
    [
        rw.OneAtATime(width=[2, 3, 4], depth=[1, 2], kind=["tanh", "relu"], weight_decay=[0.1]),
        rw.Random(6, width=rw.Range(2, 9), depth=[1, 2], weight_decay=rw.Range(0.001, 0.1, log=True)),
        rw.Bayes(6, batch=3, width=rw.Range(2, 64, log=True), depth=[1, 2], dropout=rw.Range(0.0, 0.5)),
    ],
    ids=["one at a time", "random", "bayes"],
)
def test_every_family(family, tmp_path):
    path = fit(family=family, out=tmp_path / "run")
    table = path.table()
    assert table["width"].dtype.kind == table["depth"].dtype.kind == "i"
    for row in table.itertuples():
        assert path.model(row.lane).layers[0].units == row.width
    again = rw.load_path(tmp_path / "run")
    np.testing.assert_allclose(again.predict(X), path.predict(X), rtol=1e-5, atol=1e-6)
    if isinstance(family, rw.OneAtATime):
        assert table.iloc[0][["width", "depth", "kind", "weight_decay"]].tolist() == [2, 1, "tanh", 0.0]
    else:
        assert len(table) == 6
        assert len(again.record["structures"]) == len(table.groupby(["width", "depth"]))


def test_a_whole_range_draws_its_ends_as_often_as_the_rest():
    drawn = [rw.Range(2, 5).draw(np.random.default_rng(seed), whole=True) for seed in range(2000)]
    shares = np.bincount(drawn, minlength=6)[2:] / 2000
    np.testing.assert_allclose(shares, 0.25, atol=0.04)
    assert {type(value) for value in drawn} == {int}
    assert not rw.Range(2, 5).whole("dropout") and not rw.Range(2, 5.0).whole("width")


def test_optional_regularizers_of_a_cocktail_act_on_what_the_defaults_build():
    with pytest.warns(UserWarning, match="Left out of the family"):
        path = fit(functools.partial(build, 4), rw.Cocktail(3))
    assert "dropout" in path.hyperparameters and "stochastic_depth" not in path.hyperparameters


def test_a_function_of_any_arguments_and_one_that_draws():
    """Each call begins from the same seeds: what it builds depends on its arguments alone."""

    def any_of(**arguments):
        first, second = layers.Dense(arguments["units"]), layers.Dense(2)
        return compiled([keras.Input((5,)), first, second])

    one, other = (fit(any_of, rw.Grid(units=units), shuffle=False) for units in ([3, 7], [7]))
    lanes = [path.table().query("units == 7")["val_loss"].item() for path in (one, other)]
    assert lanes[0] == pytest.approx(lanes[1], rel=1e-5)


def test_models_of_a_class_that_keras_cant_save():
    class Own(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.hidden, self.last = layers.Dense(width), layers.Dense(2)

        def call(self, x):
            return self.last(self.hidden(x))

    def own(width):
        model = Own(width)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    path = fit(own, rw.Grid(width=[2, 4]))
    assert path.model(1).hidden.units == 4


def test_a_run_read_with_the_function(path, folder):
    again = rw.load_path(folder, model=build)
    np.testing.assert_allclose(again.predict(X), path.predict(X), rtol=1e-5, atol=1e-6)


def returning(value):
    return lambda width: value


SAME = compiled([keras.Input((5,)), layers.Dense(2)])


def other_loss(width):
    return compiled([keras.Input((5,)), layers.Dense(2, activation="softmax" if width > 2 else None)], logits=width < 3)


@pytest.mark.parametrize(
    ("function", "family", "message"),
    [
        (
            build,
            {"widht": [1]},
            r"'widht' is neither an argument of build\(width, depth, kind, wide\) nor a hyperp.*wid",
        ),
        (build, {"depth": [1]}, r"build\(width, depth, kind, wide\) needs 'width'.*Add width=\[...\] to the family"),
        (
            lambda width, dropout: build(width),
            {"width": [1], "dropout": [0.1]},
            r"'dropout' is an argument of build\(width, dropout\) and a hyperparameter.*another name",
        ),
        (lambda width, /: build(width), {"width": [1]}, r"'width' is neither an argument|needs 'width'"),
        (returning(None), {"width": [2]}, r"build\(width=2\) is None, no keras.Model"),
        (lambda width: keras.Sequential(), {"width": [2]}, "is not compiled.*or in the function that builds it"),
        (lambda width: build(-width), {"width": [2]}, r"build\(width=2\) ended in ValueError.*Mend the function"),
        (returning(SAME), {"width": [2, 4]}, r"build\(width=4\) returned the very model that build\(width=2\) did"),
        (
            lambda width: compiled([keras.Input((5,)), layers.Dense(width)]),
            {"width": [2, 4]},
            r"The model of build\(width=4\) has the outputs SparseCategoricalCrossentropy of logits on \(4,\), not "
            r".*\(2,\) as that of build\(width=2\)",
        ),
        (other_loss, {"width": [2, 4]}, r"has the outputs SparseCategoricalCrossentropy on \(2,\), not .* of logits"),
        (
            lambda width: compiled([keras.Input((5,)), layers.Dense(2)], ["accuracy"] if width > 2 else []),
            {"width": [2, 4]},
            r"build\(width=4\) has the logs accuracy, loss, .* not loss",
        ),
        (
            lambda width: compiled([keras.Input((width,)), layers.Dense(2)]),
            {"width": [5, 6]},
            r"build\(width=6\): The model .* can't take rows of the shape x \(5,\)",
        ),
        (
            lambda width: compiled([keras.Input((5,)), *[layers.Dropout(0.0)] * (width > 2), layers.Dense(2)]),
            {"width": [2, 4], "dropout": [0.5]},
            r"build\(width=2\): dropout acts on nothing",
        ),
        (
            lambda accuracy: build(accuracy),
            {"accuracy": [2]},
            r"'accuracy' is an argument of build\(accuracy\) and a log",
        ),
        (SAME, {"width": [2]}, r"Unknown hyperparameter 'width'.*a function that builds the model"),
        (3, {"width": [2]}, "model is 3, no keras.Model.*or a function"),
    ],
)
def test_refused(function, family, message):
    with pytest.raises(rw.InputError, match=message):
        fit(function, rw.Grid(family))


def test_arguments_by_position_are_never_passed():
    assert str(Builder(build, ["width"], 0)) == "build(width, depth, kind, wide)"
    assert Builder(build, ["width", "depth"], 0).called({"width": 2, "depth": 3}) == "build(width=2, depth=3)"
