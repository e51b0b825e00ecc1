"""Labels that a model's losses can't take are refused, whatever the kind of model."""

import keras
import numpy as np
import pytest

import ridgeway as rw

random = np.random.default_rng(0)
X = random.normal(size=(80, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
FAMILY = rw.Grid(weight_decay=[0.0, 0.1])
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(2)

    def call(self, x):
        return self.out(x)


def two_outputs(losses, units=2, activation=None):
    given = keras.Input((4,))
    heads = [keras.layers.Dense(units, activation=activation, name=name)(given) for name in ("a", "b")]
    model = keras.Model(given, heads)
    model.compile("sgd", losses)
    return model


def with_label(value, place=3):
    labels = Y.copy()
    labels[place] = value
    return labels


def fit(model, y, x=X):
    return rw.fit_path(model, x, y, FAMILY, validation_split=0.25, verbose=0)


@pytest.mark.parametrize("label", [7, -1])
def test_of_a_subclassed_model(label):
    model = Subclassed()
    model.compile("sgd", SPARSE)
    with pytest.raises(rw.InputError, match=f"the label {label} in row 3"):
        fit(model, with_label(label))


def test_of_validation_rows():
    model = Subclassed()
    model.compile("sgd", SPARSE)
    with pytest.raises(rw.InputError, match="the label 7 in row 19"):
        fit(model, with_label(7, place=79))


@pytest.mark.parametrize("place", [0, 1])
def test_of_several_outputs(place):
    labels = [Y, Y]
    labels[place] = with_label(7)
    with pytest.raises(rw.InputError, match="the label 7 in row 3"):
        fit(two_outputs([SPARSE, SPARSE]), labels)


def test_of_outputs_by_name():
    with pytest.raises(rw.InputError, match="the label 7 in row 3"):
        fit(two_outputs({"a": SPARSE, "b": SPARSE}), {"a": Y, "b": with_label(7)})


def test_of_two_binary_outputs():
    model = two_outputs(["binary_crossentropy"] * 2, 1, "sigmoid")
    with pytest.raises(rw.InputError, match="the label 2 in row 3"):
        fit(model, [Y, with_label(2)])


def test_in_evaluation(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", SPARSE)
    path = fit(model, Y)
    path.save(tmp_path / "run")
    for one in (path, rw.load_path(tmp_path / "run")):
        with pytest.raises(rw.InputError, match="outside the model's 2 classes"):
            one.evaluate(X, Y + 5)
        assert len(one.evaluate(X, Y)) == 2


def test_one_hot_labels_of_a_sparse_loss():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", SPARSE)
    with pytest.raises(rw.InputError, match=r"one-hot.*argmax"):
        fit(model, np.eye(2, dtype="float32")[Y])


def test_another_number_of_features():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", SPARSE)
    with pytest.raises(rw.InputError, match=r"can't take rows of the shape x \(3,\)"):
        fit(model, Y, X[:, :3])


def test_a_missing_output():
    with pytest.raises(rw.InputError, match="Pass "):
        fit(two_outputs([SPARSE, SPARSE]), [Y])


def test_a_missing_input_of_a_dict():
    first, second = keras.Input((4,), name="p"), keras.Input((4,), name="q")
    model = keras.Model({"p": first, "q": second}, keras.layers.Dense(2)(keras.layers.Add()([first, second])))
    model.compile("sgd", SPARSE)
    with pytest.raises(rw.InputError, match="can't take rows"):
        fit(model, Y, {"p": X})


def test_one_callback_needs_no_list():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", SPARSE)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=100.0)
    path = rw.fit_path(model, X, Y, FAMILY, validation_split=0.25, epochs=9, callbacks=stop, verbose=0)
    assert (path.table()["stopped"] == "early stopping").all()


def test_a_checkpoint_whose_threshold_no_epoch_beats_writes_nothing(tmp_path):
    """As `fit` does, also where the checkpoint's rule is the one that the path goes by."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", SPARSE)

    def checkpoint(name):
        return keras.callbacks.ModelCheckpoint(
            str(tmp_path / name), save_best_only=True, initial_value_threshold=0.001, verbose=0
        )

    with pytest.warns(UserWarning, match="saved nothing"):
        rw.fit_path(
            model, X, Y, FAMILY, validation_split=0.25, epochs=2, callbacks=[checkpoint("ours.keras")], verbose=0
        )
    model.fit(X, Y, validation_split=0.25, epochs=2, callbacks=[checkpoint("kerass.keras")], verbose=0)
    assert not list(tmp_path.iterdir())
