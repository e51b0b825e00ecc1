"""`class_weight` weighs rows as Keras does."""

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from ridgeway.data import apply_class_weight
from ridgeway.errors import InputError

LABELS = np.random.default_rng(0).integers(0, 4, 50)


@pytest.mark.parametrize(
    "y",
    [LABELS, LABELS[:, None], LABELS.astype(np.float32), LABELS.astype(np.uint8), keras.utils.to_categorical(LABELS)],
    ids=["flat", "column", "float", "uint8", "one-hot"],
)
@pytest.mark.parametrize("weights", [{0: 2.0, 3: 0.5}, {0: 1, 1: 2, 2: 3, 3: 4}, {}, {9: 5.0}, {np.int64(1): 0.0}])
def test_as_keras(y: np.ndarray, weights: dict[int, float]) -> None:
    ours = apply_class_weight(y, weights)
    np.testing.assert_array_equal(ours, np.asarray(class_weight_to_sample_weights(y, weights)).reshape(-1))
    assert ours.shape == (50,) and ours.dtype == np.float32


def test_both_weights() -> None:
    with pytest.raises(InputError, match="class_weight and sample_weight can't be given together"):
        apply_class_weight(LABELS, {0: 2.0}, np.ones(50))


def test_several_outputs() -> None:
    with pytest.raises(InputError, match="one output"):
        apply_class_weight([LABELS, LABELS], {0: 2.0})


def test_a_class_by_name() -> None:
    with pytest.raises(InputError, match="names the class 'cat'"):
        apply_class_weight(LABELS, {"cat": 2.0})  # type: ignore[dict-item]
