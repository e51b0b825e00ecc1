"""The network that tables get without a `model=`."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

#: The layer whose `scale` says how much of the steps comes in: 0 leaves plain numbers.
STEPS = "steps"
# Steps of a number, and of all numbers together: what they cost grows with the product.
_MOST_STEPS, _ALL_STEPS = 16, 320


def table_network(
    x: np.ndarray,
    numbers: int,
    outputs: int,
    task: str,
    *,
    seed: int = 0,
    units: Sequence[int] = (128, 128),
    steps: bool = True,
) -> keras.Model:
    """A compiled network for prepared tables.

    Each number comes in as it is and, beside that, as steps between its quantiles: the piecewise-linear encoding of
    Gorishniy, Rubachev & Babenko 2022 ("On embeddings for numerical features in tabular deep learning"), by which a
    network learns jumps and bumps that trees are good at. Which tables gain by it can't be told beforehand, so the
    layer `steps` scales it by a number that a family can vary ("steps.scale"). All layers are stock layers of Keras.

    Args:
        x: training rows `(row, feature)`, from which the quantiles are learnt.
        numbers: columns of numbers, which come first; the others are 0 or 1.
        outputs: number of classes, or of targets.
        task: "classification" (logits out, `SparseCategoricalCrossentropy`) or "regression" (standardized targets out,
            `MeanSquaredError`).
        seed: of the starting weights and of dropout.
        units: of the hidden layers.
        steps: whether there are steps; without them, each input feature has weights of its own in the first layer.
    """
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((x.shape[1],))
    hidden = inputs
    encoded = _encoded(inputs, x[:, :numbers]) if steps else None
    if encoded is not None:
        scaled = keras.layers.Rescaling(1.0, name=STEPS)(encoded)
        hidden = keras.layers.Concatenate()([inputs, scaled])
    for size in units:
        hidden = keras.layers.Dense(size, activation="relu")(hidden)
        hidden = keras.layers.Dropout(0.0)(hidden)
    model = keras.Model(inputs, keras.layers.Dense(outputs)(hidden))
    if task == "classification":
        loss, metrics = keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
    else:
        loss, metrics = keras.losses.MeanSquaredError(), ["mae"]
    # beta_2 as RealMLP's: at 0.999 the first epochs of a small table are over before the second moment has settled.
    model.compile(optimizer=keras.optimizers.Adam(3e-3, beta_2=0.95), loss=loss, metrics=metrics)
    return model


def _encoded(inputs: keras.KerasTensor, x: np.ndarray) -> keras.KerasTensor | None:
    """Each number as its place in each interval between quantiles, from 0 (below it) to 1 (above); None for none."""
    edges = [_edges(column, min(_MOST_STEPS, max(2, _ALL_STEPS // x.shape[1]))) for column in x.T]
    # A number of few values, 0 and 1 say, is its own code.
    kept = [place for place, found in enumerate(edges) if len(found) > 2]
    if not kept:
        return None
    most = max(len(edges[place]) for place in kept) - 1
    slope, shift = np.zeros((2, len(kept), most))
    for row, place in enumerate(kept):
        widths = np.diff(edges[place])
        slope[row, : len(widths)] = 1 / widths
        shift[row, : len(widths)] = -edges[place][:-1] / widths
    chosen = inputs[:, : x.shape[1]] if kept == list(range(x.shape[1])) else keras.ops.take(inputs, kept, axis=1)
    ramps = keras.layers.EinsumDense(
        "bf,fk->bfk",
        output_shape=(len(kept), most),
        bias_axes="fk",
        kernel_initializer=keras.initializers.Constant(slope.tolist()),
        bias_initializer=keras.initializers.Constant(shift.tolist()),
        trainable=False,
        name="ramps",
    )(chosen)
    return keras.layers.Flatten()(keras.layers.ReLU(max_value=1.0)(ramps))


def _edges(column: np.ndarray, steps: int) -> np.ndarray:
    """Quantiles; of the values that differ, where many rows share one, such as 0."""
    places, column = np.linspace(0, 1, steps + 1), column.astype(np.float64)
    found = np.unique(np.quantile(column, places))
    if len(found) <= steps:
        found = np.unique(np.quantile(np.unique(column), places))
    # Intervals too narrow for float32 would be jumps.
    return found[np.concatenate([[True], np.diff(found) > 1e-4])]
