"""Weight decay: the update itself, and when it is the L2 penalty."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import ridgeway as rw

RATE = 0.1
DECAYS = [0.0, 1e-3, 0.03, 1.0]
_random = np.random.default_rng(8)
X = _random.normal(size=(64, 4)).astype("float32")
Y = (np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3] + 0.1 * _random.normal(size=(64, 1))).astype("float32")


def network(optimizer):
    keras.utils.set_random_seed(4)
    built = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="tanh", bias_initializer="glorot_normal", name="hidden"),
            keras.layers.Dense(1, bias_initializer="ones", name="out"),
        ]
    )
    built.compile(optimizer, "mse")
    return built


def train(model, name, strengths, **arguments):
    """Each lane's last weights, in the order of ascending strengths."""
    arguments = {"batch_size": len(X), "epochs": 1, "shuffle": False, "executor": "vmap", "slots": 4, **arguments}
    with pytest.warns(UserWarning, match="No validation data"):
        path = rw.fit_path(model, X, Y, rw.Grid({name: strengths}), verbose=0, **arguments)
    lanes = path.table().sort_values(name)["lane"]
    return [list(path.lane_weights(lane, epoch="last").values()) for lane in lanes]


@pytest.mark.parametrize("decay", ["kernels", "all"])
def test_one_update_is_the_formula(decay):
    model = network(keras.optimizers.SGD(RATE))
    weights = [jnp.asarray(variable.value) for variable in model.trainable_variables]

    def loss(trainable):
        predicted, _ = model.stateless_call(trainable, [], jnp.asarray(X))
        return jnp.mean((predicted - Y) ** 2)

    gradients = [np.asarray(gradient) for gradient in jax.jit(jax.grad(loss))(weights)]
    found = train(model, "weight_decay", DECAYS, decay=decay)
    rate, one = np.float32(RATE), np.float32(1)
    for strength, lane in zip(np.float32(DECAYS), found, strict=True):
        for after, before, gradient in zip(lane, map(np.asarray, weights), gradients, strict=True):
            shrink = one - rate * strength if before.ndim == 2 or decay == "all" else one
            expected = before * shrink - rate * gradient
            assert after.dtype == expected.dtype == np.float32
            # Units in the last place of the numbers that are added: their sum may be near 0.
            unit = np.spacing(np.maximum(np.abs(before), np.abs(rate * gradient)))
            assert (np.abs(after - expected) <= 2 * unit).all()
    # The weakest decay is far above that, so that leaving it out would be seen.
    assert np.abs(found[1][0] - found[0][0]).max() > 1e-5


def test_the_update_is_the_formula_to_the_last_bit():
    # Row i holds feature i alone, and weights and targets are multiples of 1/256: the gradient (2/n)(w - y) is exact
    # in float32, so that nothing but the update itself is rounded.
    size = 64
    x = np.eye(size, dtype="float32")
    random = np.random.default_rng(5)
    before, y = (random.integers(-512, 512, (size, 1)).astype("float32") / 256 for _ in range(2))
    gradient = np.float32(2 / size) * (before - y)
    model = keras.Sequential([keras.Input((size,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign(before)
    model.compile(keras.optimizers.SGD(RATE), "mse")
    with pytest.warns(UserWarning, match="No validation data"):
        path = rw.fit_path(
            model,
            x,
            y,
            rw.Grid(weight_decay=DECAYS),
            batch_size=size,
            epochs=1,
            shuffle=False,
            verbose=0,
            executor="vmap",
            slots=4,
        )
    rate = np.float32(RATE)
    for lane, strength in zip(path.table().sort_values("weight_decay")["lane"], np.float32(DECAYS), strict=True):
        ((after,),) = (path.lane_weights(lane, epoch="last").values(),)
        # w(1 - ηλ) - ηg, multiplied in Keras's order.
        expected = before - before * strength * rate - rate * gradient
        assert after.dtype == expected.dtype == np.float32
        # A compiler may fuse a product with a sum, which rounds once less.
        unit = np.spacing(np.maximum(np.abs(before), np.abs(rate * gradient)))
        assert (np.abs(after - expected) <= unit).all()
        true = before.astype("float64") * (1 - float(rate) * float(strength)) - float(rate) * gradient
        assert (np.abs(after - true) <= unit).all()


def largest_difference(decayed, penalized):
    return [
        max(np.abs(ours - theirs).max() for ours, theirs in zip(lane, other, strict=True))
        for lane, other in zip(decayed, penalized, strict=True)
    ]


def both(optimizer, rate):
    """Largest difference of weights, at each strength, between weight decay λ and the penalty (λ/2)‖w‖²."""
    arguments = {"batch_size": 16, "epochs": 6, "shuffle": True, "seed": 3}
    decayed = train(network(optimizer(rate)), "weight_decay", DECAYS, **arguments)
    penalized = train(network(optimizer(rate)), "l2", [strength / 2 for strength in DECAYS], **arguments)
    return decayed, largest_difference(decayed, penalized)


def test_sgd_with_weight_decay_is_sgd_on_the_l2_penalty():
    decayed, differences = both(keras.optimizers.SGD, RATE)
    assert max(differences) < 2e-6
    # It does something: the strongest lane is far from the one without.
    assert largest_difference(decayed[:1], decayed[-1:])[0] > 0.1


def test_adam_tells_them_apart():
    _, differences = both(keras.optimizers.Adam, 0.02)
    assert differences[0] < 2e-6
    assert all(difference > 1e-3 for difference in differences[1:])
    assert differences == sorted(differences)
