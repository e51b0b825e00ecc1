"""The relaxed lasso: penalties choose, then what is left trains without them."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, lasso_path

import ridgeway as rw
from ridgeway.errors import InputError
from ridgeway.families.family import checked_values

COPIES, EPOCHS, RELAXED, RATE = 200, 60, 30, 0.15
_x, _y = load_diabetes(return_X_y=True)
X = ((_x - _x.mean(axis=0)) / _x.std(axis=0)).astype("float32")
Y = ((_y - _y.mean()) / _y.std()).astype("float32")
ALPHAS = np.abs(X.T @ Y).max() / len(X) * np.array([1.5, 0.8, 0.4, 0.1])


def kernels(values, y, outputs=1):
    """The kernels of linear models, `(lane, feature, output)`; an epoch is many steps on all rows."""
    model = keras.Sequential(
        [keras.Input((X.shape[1],)), keras.layers.Dense(outputs, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(RATE, momentum=0.9), "mse")
    with pytest.warns(UserWarning, match="validation"):
        path = rw.fit_path(
            model,
            np.tile(X, (COPIES, 1)),
            np.tile(y, (COPIES, 1)),
            rw.Grid(values),
            batch_size=len(X),
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
        )
    table = path.table().sort_values(next(iter(values)), ascending=False)
    return np.stack([next(iter(path.lane_weights(lane, epoch="last").values())) for lane in table["lane"]])


def test_it_is_least_squares_on_the_columns_that_the_lasso_chose():
    # With momentum m a strength acts as 1 - m times itself; a penalty of alpha in scikit-learn is one of 2 alpha here.
    found = kernels({"l1": (2 * ALPHAS / 0.1).tolist(), "relax": [RELAXED]}, Y[:, None])[:, :, 0]
    _, truth, _ = lasso_path(X.astype(float), Y.astype(float), alphas=ALPHAS, tol=1e-12)
    chosen = truth.T != 0
    assert chosen.sum(axis=1).tolist() == sorted(set(chosen.sum(axis=1).tolist())) and not chosen[0].any()
    np.testing.assert_array_equal(found != 0, chosen)
    for ours, columns, shrunk in zip(found[1:], chosen[1:], truth.T[1:], strict=True):
        squares = LinearRegression(fit_intercept=False).fit(X[:, columns].astype(float), Y.astype(float))
        np.testing.assert_allclose(ours[columns], squares.coef_, atol=2e-4)
        assert np.abs(ours).sum() > 1.05 * np.abs(shrunk).sum()


def test_groups_leave_together_and_their_zeros_within_live_on():
    found = kernels({"group_lasso": [1.0, 0.0], "relax": [RELAXED]}, np.stack([Y, Y**2], axis=1), 2)
    left = (found[0] != 0).any(axis=1)
    assert 0 < left.sum() < len(left)
    squares = LinearRegression(fit_intercept=False).fit(X[:, left], np.stack([Y, Y**2], axis=1))
    np.testing.assert_allclose(found[0][left], squares.coef_.T, atol=2e-4)
    # A strength of 0 has nothing to end: even a kernel that begins at 0 trains.
    assert (found[1] != 0).all()


@pytest.mark.parametrize("executor", ["vmap", "map"])
def test_a_lane_is_a_fit_whose_constraint_changes_after_so_many_epochs(executor):
    class Shrink(keras.constraints.Constraint):
        def __call__(self, w):
            norms = keras.ops.maximum(keras.ops.norm(w, axis=1, keepdims=True), 1e-12)
            return w * keras.ops.maximum(1 - 0.05 * 3.0 / norms, 0)

    class Keep(keras.constraints.Constraint):
        def __init__(self, w):
            self.kept = np.any(np.asarray(w) != 0, axis=1, keepdims=True)

        def __call__(self, w):
            return w * keras.ops.cast(self.kept, w.dtype)

    def network():
        keras.utils.set_random_seed(3)
        layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((X.shape[1],)), *layers])
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
        return model

    values = {"group_lasso": [0.0, 3.0], "relax": [0, 2]}
    with pytest.warns(UserWarning, match="validation"):
        path = rw.fit_path(
            network(), X, Y, rw.Grid(values), batch_size=64, epochs=5, shuffle=False, verbose=0, executor=executor
        )
    table = path.table().set_index(["group_lasso", "relax"])["lane"]
    lone = network()
    lone.layers[0].kernel.constraint = Shrink()
    lone.fit(X, Y, batch_size=64, epochs=2, shuffle=False, verbose=0)
    lone.layers[0].kernel.constraint = Keep(lone.layers[0].kernel)
    lone.make_train_function(force=True)
    lone.fit(X, Y, batch_size=64, initial_epoch=2, epochs=5, shuffle=False, verbose=0)
    kernel = np.asarray(lone.layers[0].kernel)
    assert 0 < (kernel == 0).all(axis=1).sum() < len(kernel)
    ours = path.model(int(table[3.0, 2]), epoch="last")
    for mine, theirs in zip(ours.weights, lone.weights, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=2e-4, atol=2e-6)
    np.testing.assert_array_equal(np.asarray(ours.weights[0]) == 0, kernel == 0)
    never, penalized = (path.model(int(table[3.0, relax]), epoch="last").weights[0] for relax in (0, 2))
    assert np.abs(np.asarray(never)).sum() < np.abs(np.asarray(penalized)).sum()
    for one, other in zip(*(path.model(int(table[0.0, relax])).weights for relax in (0, 2)), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_what_it_can_not_be_is_refused():
    with pytest.raises(InputError, match="acts on nothing without 'l1' or 'group_lasso'"):
        checked_values({"relax": [3], "l2": [0.1]})
    with pytest.raises(InputError, match="relax=2.5 is no whole number. Pass whole numbers from 0"):
        checked_values({"relax": [2.5], "l1": [0.1]})
    assert checked_values({"relax": [0, 3], "group_lasso": 0.1})["relax"] == (0.0, 3.0)
    model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="relax=4 of the family leaves no epoch of epochs=4"):
        rw.fit_path(model, X, Y, rw.Grid(l1=[0.1], relax=[4]), epochs=4, validation_split=0.2)
    model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(1, kernel_constraint="non_neg")])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="what the constraint NonNeg of '.*kernel' has. Leave one"):
        rw.fit_path(model, X, Y, rw.Grid(l1=[0.1], relax=[2]), epochs=4, validation_split=0.2)


def test_a_refit_that_ends_before_is_not_relaxed():
    def kernel(relax, epochs):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        family = rw.Grid(l1=[0.5], relax=[relax])
        path = rw.fit_path(model, X, Y, family, epochs=8, validation_split=0.2, verbose=0)
        return np.asarray(path.refit(epochs=epochs).layers[0].kernel)

    np.testing.assert_array_equal(kernel(5, 3), kernel(0, 3))
    assert np.abs(kernel(5, 7)).sum() > np.abs(kernel(0, 7)).sum()
