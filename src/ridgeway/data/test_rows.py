"""Rows set aside before anything else: to judge what was chosen, once."""

from __future__ import annotations

import numpy as np

from ridgeway.data.dataset import Dataset
from ridgeway.data.folds import class_numbers
from ridgeway.errors import InputError


def split_test(dataset: Dataset, share: float, classes: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws test rows by chance, stratified where labels are classes.

    Args:
        dataset: all rows.
        share: of the rows, in (0, 1).
        classes: whether the labels are classes.
        seed: of the draw.

    Returns:
        Row numbers of the rest and of the test part, both ascending.

    Raises:
        InputError: the share is out of range, leaves one side empty, or is too small to hold each class.
    """
    # Imported here: runs without a test part need none of it.
    from sklearn.model_selection import train_test_split

    if not 0 < share < 1:
        raise InputError(f"test_split={share:g} is out of range. Pass a share above 0 and below 1.")
    labels = class_numbers(dataset.y) if classes else None
    try:
        rest, test = train_test_split(
            np.arange(dataset.rows), test_size=share, stratify=labels, random_state=seed, shuffle=True
        )
    except ValueError as error:
        raise InputError(f"test_split={share:g} can't be drawn from {dataset.rows} rows: {error}") from None
    return np.sort(rest), np.sort(test)
