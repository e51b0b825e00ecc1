"""Warm starts: a lane begins with the kept weights of the one before it, and is then Keras's own `fit` from there."""

import keras
import numpy as np
import pytest

import ridgeway as rw
from engine.small import VALIDATION, X, Y, model, train

STRENGTHS = [0.3, 0.0, 0.1, 1.0]
GIVEN = {"shuffle": False, "epochs": 3, "warm_start": "weight_decay"}


def continued():
    """What the chain gives by hand: `fit` from strength to strength, each with an optimizer of its own."""
    built = model(dropout=0.3)
    found = {}
    for strength in sorted(STRENGTHS):
        weights = built.get_weights()
        built = model(dropout=0.3)
        built.compile(
            keras.optimizers.SGD(0.1, weight_decay=strength),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        built.optimizer.exclude_from_weight_decay(var_list=[v for v in built.weights if "kernel" not in v.name])
        built.set_weights(weights)
        # The generator's state is no weight to go on with: each lane draws as one that begins.
        built.get_layer("drop").seed_generator.state.assign(model(dropout=0.3).get_layer("drop").seed_generator.state)
        best = keras.callbacks.EarlyStopping(patience=99, restore_best_weights=True)
        given = {"epochs": 3, "batch_size": 16, "shuffle": False, "validation_data": VALIDATION, "verbose": 0}
        history = built.fit(X[:40], Y[:40], callbacks=[best], **given)
        found[strength] = (history.history["val_loss"], [np.array(value) for value in built.get_weights()])
    return found


@pytest.mark.parametrize(("executor", "slots"), [("vmap", 4), ("vmap", 1), ("map", 2), ("steps", 2), ("auto", None)])
def test_each_lane_goes_on_from_the_one_before(executor, slots):
    path = train(rw.Grid(weight_decay=STRENGTHS), model(dropout=0.3), executor=executor, slots=slots, **GIVEN)
    for strength, (losses, weights) in continued().items():
        lane = int(path.table().set_index("weight_decay").loc[strength, "lane"])
        own = path.history().query("lane == @lane")["val_loss"]
        np.testing.assert_allclose(own, losses, rtol=1e-5)
        for mine, theirs in zip(path.lane_weights(lane).values(), weights, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    assert path.record["warm_start"] == "weight_decay"


def test_chains_stand_side_by_side_and_do_not_mix():
    family = rw.Grid(weight_decay=STRENGTHS, learning_rate=[0.01, 0.1])
    path = train(family, repeats=2, slots=None, executor="auto", **GIVEN)
    assert path.record["executor"]["slots"] == 4
    for rate in (0.01, 0.1):
        alone = train(rw.Grid(weight_decay=STRENGTHS, learning_rate=[rate]), repeats=2, **GIVEN)
        mine = path.table().query("learning_rate == @rate").sort_values(["weight_decay", "repeat"])
        theirs = alone.table().sort_values(["weight_decay", "repeat"])
        np.testing.assert_allclose(mine["val_loss"], theirs["val_loss"], rtol=1e-5)


def test_after_a_lane_that_diverged_the_next_begins_anew():
    def built():
        keras.utils.set_random_seed(5)
        network = keras.Sequential(
            [keras.Input((5,)), keras.layers.Rescaling(1.0, name="scale"), keras.layers.Dense(2)]
        )
        network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return network

    given = {**GIVEN, "warm_start": "scale.scale"}
    path = train(rw.Grid({"scale.scale": [-3e38, 1.0]}), built(), **given)
    assert path.table().set_index("lane")["stopped"].to_dict() == {0: "diverged", 1: "completed"}
    alone = train(rw.Grid({"scale.scale": [0.5, 1.0]}), built(), **{**given, "warm_start": None})
    np.testing.assert_allclose(
        path.history().query("lane == 1")["val_loss"], alone.history().query("lane == 1")["val_loss"], rtol=1e-6
    )


def test_probes_begin_with_each_lane():
    path = train(rw.Grid(weight_decay=STRENGTHS), probes=["covariate_shift", "sharpness"], **GIVEN)
    assert path.probes().groupby("lane")["epoch"].min().nunique() == 1


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("dropout", {}, "warm_start='dropout' is not varied by the family, which has weight_decay. Name one of them."),
        ("weight_decay", {"halving": 2}, "halving cuts lanes that others would begin from"),
        ("weight_decay", {"cluster": "auto"}, "warm_start goes from lane to lane on one machine"),
    ],
)
def test_what_can_not_be(name, given, message):
    with pytest.raises(rw.InputError, match=message):
        train(rw.Grid(weight_decay=STRENGTHS), warm_start=name, **given)


def test_words_have_no_order():
    with pytest.raises(rw.InputError, match="warm_start='max_epochs' is no strength"):
        train(rw.Grid(max_epochs=[1, 2]), warm_start="max_epochs")


def test_bayes_has_no_path():
    with pytest.raises(rw.InputError, match="Bayes proposes lanes one after another"):
        train(rw.Bayes(weight_decay=rw.Range(1e-3, 1.0, log=True), n=4), warm_start="weight_decay")


@pytest.mark.filterwarnings("ignore:time_limit")
@pytest.mark.parametrize("limit", [1e-3, 0.5])
def test_lanes_that_had_no_time_to_begin_are_left_out(limit):
    path = train(rw.Grid(weight_decay=STRENGTHS), time_limit=limit, slots=1, **{**GIVEN, "epochs": 400})
    assert 1 <= len(path.table()) <= 4
    assert path.table()["epochs"].min() >= 1
    assert path.table()["weight_decay"].min() == 0.0
