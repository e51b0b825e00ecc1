"""On a linear model the paths are scikit-learn's: lasso, ridge, and the group lasso of two outputs.

An epoch is many steps on all rows: the rows are repeated, and a batch is one copy of them.
"""

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes
from sklearn.linear_model import MultiTaskLasso, Ridge, lasso_path

import ridgeway as rw
from ridgeway.hyperparameters import LaneScalar, StepContext, hyperparameter

COPIES = 200


def standardized(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


_x, _y = load_diabetes(return_X_y=True)
# In float32 as the net sees them, then handed to scikit-learn in float64.
X32 = standardized(_x).astype("float32")
Y32 = standardized(_y).astype("float32")[:, None]
Y32_TWO = standardized(np.stack([_y, _y**2], axis=1)).astype("float32")
X, Y, Y_TWO = (array.astype("float64") for array in (X32, Y32, Y32_TWO))
ROWS, FEATURES = X.shape
#: From just below the strength that empties the model to a thousandth of it, with two beyond it.
LARGEST = np.abs(X.T @ Y).max() / ROWS
#: Descending.
ALPHAS = LARGEST * np.concatenate([[2.0, 1.01], np.geomspace(0.95, 1e-3, 10)])


def coefficients(name, strengths, y, epochs, momentum=0.0):
    """The kernels of a linear model's path, of shape (strength, feature, output)."""
    outputs = y.shape[1]
    # The largest eigenvalue of the objective's smooth part, 2 X'X / (n · outputs) and what decays: SGD converges by
    # steps below 2 over it.
    curvature = 2 * np.linalg.eigvalsh(X.T @ X / ROWS).max() / outputs
    curvature += {"l2": 2, "weight_decay": 1}.get(name, 0) * max(strengths)
    rate = (1.0 if momentum else 1.9) / curvature
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(outputs, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(rate, momentum=momentum), "mse")
    with pytest.warns(UserWarning, match="validation"):
        path = rw.fit_path(
            model,
            np.tile(X32, (COPIES, 1)),
            np.tile(y, (COPIES, 1)),
            rw.Grid({name: [float(strength) for strength in strengths]}),
            batch_size=ROWS,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            slots=len(strengths),
            executor="vmap",
        )
    table = path.table().sort_values(name, ascending=False)
    np.testing.assert_allclose(table[name], strengths, rtol=1e-6)
    weights = [path.lane_weights(lane, epoch="last") for lane in table["lane"]]
    return np.stack([kernel for lane in weights for kernel in lane.values()])


def assert_close(found, truth):
    """At each strength, to 1e-4 of the largest coefficient there."""
    assert found.shape == truth.shape
    for ours, theirs in zip(found, truth, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def lasso():
    # scikit-learn's loss is half of Keras's mean squared error: a penalty α there is 2α here.
    _, truth, _ = lasso_path(X, Y[:, 0], alphas=ALPHAS, tol=1e-12, max_iter=100_000)
    return truth.T[:, :, None]


def ridge(penalties):
    # scikit-learn's loss is the sum of the squares, Keras's their mean: a penalty of l2 here is n · l2 there.
    models = [Ridge(alpha=ROWS * penalty, fit_intercept=False).fit(X, Y[:, 0]) for penalty in penalties]
    return np.stack([model.coef_[:, None] for model in models])


def test_l1_is_the_lasso():
    truth, found = lasso(), coefficients("l1", 2 * ALPHAS, Y32, epochs=30)
    assert_close(found, truth)
    np.testing.assert_array_equal(found != 0, truth != 0)
    # The path goes from nothing to everything, so that equal supports say something.
    assert not found[:2].any()
    assert found[-1].all()
    assert len(set((found != 0).sum(axis=(1, 2)))) >= 6


def test_l1_with_momentum_is_the_lasso_of_a_smaller_strength():
    # Momentum m lengthens the steps along the loss to η/(1 − m) and leaves the threshold at η · l1.
    momentum = 0.9
    truth = lasso()
    found = coefficients("l1", 2 * ALPHAS / (1 - momentum), Y32, epochs=30, momentum=momentum)
    assert_close(found, truth)
    np.testing.assert_array_equal(found != 0, truth != 0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_l2_is_ridge(momentum):
    penalties = np.geomspace(3, 1e-3, 10)
    assert_close(coefficients("l2", penalties, Y32, epochs=40, momentum=momentum), ridge(penalties))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_weight_decay_under_sgd_is_ridge(momentum):
    # Decay λ is the penalty (λ/2)‖w‖². Momentum lengthens the steps along the loss, not the decay.
    penalties = np.geomspace(0.3, 1e-3, 8)
    found = coefficients("weight_decay", 2 * penalties / (1 - momentum), Y32, epochs=40, momentum=momentum)
    assert_close(found, ridge(penalties))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_group_lasso_is_the_lasso_of_several_outputs(momentum):
    # Keras's mean goes over the n · 2 entries, which is scikit-learn's 1/(2n): a penalty α there is α here.
    largest = np.linalg.norm(X.T @ Y_TWO, axis=1).max() / ROWS
    alphas = largest * np.concatenate([[2.0, 1.01], np.geomspace(0.95, 1e-3, 10)])
    truth = np.stack(
        [
            MultiTaskLasso(alpha, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, Y_TWO).coef_.T
            for alpha in alphas
        ]
    )
    found = coefficients("group_lasso", alphas / (1 - momentum), Y32_TWO, epochs=30, momentum=momentum)
    assert_close(found, truth)
    np.testing.assert_array_equal(found != 0, truth != 0)
    kept = (found != 0).all(axis=2)
    np.testing.assert_array_equal(kept, (found != 0).any(axis=2))
    assert not kept[:2].any()
    assert kept[-1].all()
    assert len(set(kept.sum(axis=1))) >= 5


@pytest.fixture(scope="module")
def proximal():
    """The map that l1 applies to a kernel after each update, of strength and kernel, at learning rate 0.5."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    binding = hyperparameter("l1").bind(model, "kernels")
    context = StepContext(jnp.uint32(0), jnp.int32(0))

    def step(strength, kernel):
        ((_, _, constrain),) = binding.swaps(LaneScalar(jnp.float32(strength), 0.0, 100.0, "l1"), context)
        return np.asarray(constrain(jnp.asarray(kernel)))

    return step


_kernels = arrays(np.float32, (3, 2), elements=st.floats(-100, 100, width=32, allow_subnormal=False))


@settings(deadline=None)
@given(strength=st.floats(0, 100, width=32, allow_subnormal=False), kernel=_kernels, other=_kernels)
def test_the_proximal_step_shrinks_and_never_crosses_zero(proximal, strength, kernel, other):
    ours, theirs = proximal(strength, kernel), proximal(strength, other)
    assert (ours * kernel >= 0).all()
    assert (np.abs(ours) <= np.abs(kernel)).all()
    np.testing.assert_array_equal(ours == 0, np.abs(kernel) <= np.float32(0.5) * np.float32(strength))
    # Weights that were in order stay so.
    assert ((ours <= theirs) | (kernel > other)).all()
