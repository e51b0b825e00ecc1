"""Which variables are kernels."""

import keras
import numpy as np
import pytest
from keras import layers

from ridgeway import InputError
from ridgeway.hyperparameters.kernels import kernels


def test_kernels_of_dense_convolution_and_recurrent_layers():
    inputs = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3)(inputs)
    hidden = layers.BatchNormalization()(hidden)
    hidden = layers.DepthwiseConv2D(2)(hidden)
    hidden = layers.Reshape((5, -1))(hidden)
    hidden = layers.LSTM(6)(hidden)
    hidden = layers.LayerNormalization()(hidden)
    model = keras.Model(inputs, layers.Dense(2)(hidden))
    assert [variable.name for variable in kernels(model, "l2")] == [
        "kernel",
        "kernel",
        "kernel",
        "recurrent_kernel",
        "kernel",
    ]


def test_embeddings_norm_parameters_and_biases_of_rank_two_are_no_kernels():
    tokens = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(10, 8)(tokens)
    attended = layers.MultiHeadAttention(num_heads=2, key_dim=4)(embedded, embedded)
    model = keras.Model(tokens, layers.LayerNormalization()(attended))
    biases = [v for v in model.trainable_variables if v.name == "bias" and len(v.shape) == 2]
    found = kernels(model, "l2")
    assert biases
    assert len(found) == 4
    assert all(v.name == "kernel" for v in found)


def test_shared_layers_count_once_and_frozen_ones_not():
    first, second = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(3, name="shared")
    frozen = layers.Dense(3, trainable=False, name="frozen")
    joined = layers.Add()([shared(first), shared(second), frozen(first)])
    model = keras.Model([first, second], joined)
    assert [v.path for v in kernels(model, "l2")] == ["shared/kernel"]


def test_no_kernel_says_what_to_add():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
    model(np.zeros((1, 4), "float32"))
    with pytest.raises(InputError, match=r"l2 acts on nothing in this model.*keras\.layers\.Dense"):
        kernels(model, "l2")
