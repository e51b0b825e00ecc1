"""Layers that Keras lacks."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["ClassicDropout"]


@keras.saving.register_keras_serializable(package="ridgeway")
class ClassicDropout(keras.layers.Dropout):
    """Dropout as Srivastava et al. 2014 wrote it, and as the lecture teaches it.

    In training a unit is set to 0 with probability `rate` and else left as it is; in prediction every output is
    multiplied by the share that was kept, 1 − `rate`. `keras.layers.Dropout` divides by that share in training instead
    ("inverted dropout") and leaves prediction alone: its outputs are these over 1 − `rate`, in both, so that the two
    agree but for the scale of the next layer's weights.

    The hyperparameter `dropout` acts on it as on any dropout layer. A model that holds one needs ridgeway to be loaded.

    Args:
        rate: share of units dropped, in [0, 1).
        noise_shape: shape of the mask, as in `keras.layers.Dropout`.
        seed: of the draws.
        **kwargs: as for any Keras layer.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drops in training, shrinks in prediction."""
        if not self.rate > 0:
            return inputs
        keep = 1.0 - self.rate
        if not training:
            return inputs * keep
        return super().call(inputs, training=True) * keep
