"""A workload's network in Keras and in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from speed.workloads import LEARNING_RATE, Workload

if TYPE_CHECKING:
    import keras
    import torch


def keras_model(workload: Workload, dropout: float, weight_decay: float) -> keras.Model:
    """A fresh, compiled model."""
    import keras
    from keras import layers

    made: dict[str, Any] = {
        "dense": layers.Dense,
        "relu": lambda: layers.Activation("relu"),
        "dropout": lambda: layers.Dropout(dropout),
        "conv": lambda filters: layers.Conv2D(filters, 3),
        "pool": layers.MaxPooling2D,
        "flatten": layers.Flatten,
        "lstm": layers.LSTM,
    }
    stack = [made[name](*arguments) for name, *arguments in workload.layers]
    model = keras.Sequential([keras.Input(workload.shape), *stack])
    loss: Any = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if workload.classifies
        else keras.losses.MeanSquaredError()
    )
    model.compile(keras.optimizers.Adam(LEARNING_RATE, weight_decay=weight_decay or None), loss)
    return model


def torch_model(workload: Workload, dropout: float | None) -> torch.nn.Sequential:
    """A fresh network; without dropout where that is None, for those who put it in themselves."""
    from torch import nn

    class Last(nn.Module):
        """The output at the last step."""

        def __init__(self, lstm: nn.LSTM) -> None:
            super().__init__()
            self.lstm = lstm

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lstm(x)[0][:, -1]

    channels, side = workload.shape[-1], workload.shape[0]
    layers: list[nn.Module] = []
    for name, *arguments in workload.layers:
        if name == "dense":
            layers.append(nn.Linear(channels, arguments[0]))
            channels = arguments[0]
        elif name == "relu":
            layers.append(nn.ReLU())
        elif name == "dropout" and dropout is not None:
            layers.append(nn.Dropout(dropout))
        elif name == "conv":
            layers.append(nn.Conv2d(channels, arguments[0], 3))
            channels, side = arguments[0], side - 2
        elif name == "pool":
            layers.append(nn.MaxPool2d(2))
            side //= 2
        elif name == "flatten":
            layers.append(nn.Flatten())
            channels *= side * side
        elif name == "lstm":
            layers.append(Last(nn.LSTM(channels, arguments[0], batch_first=True)))
            channels = arguments[0]
    return nn.Sequential(*layers)
