"""From files and arrays to checked rows: read, check, split, encode."""

from ridgeway.data.checks import check_dataset, check_labels
from ridgeway.data.dataset import Dataset, describe, leaves, map_arrays
from ridgeway.data.fingerprint import fingerprint
from ridgeway.data.folds import folds_of, pad
from ridgeway.data.held_out import HeldOut
from ridgeway.data.lists import lists_as_arrays
from ridgeway.data.nested import Nested, nested_of
from ridgeway.data.parts import Parts
from ridgeway.data.split import split_tail
from ridgeway.data.test_rows import split_test
from ridgeway.data.weights import apply_class_weight

__all__ = [
    "Dataset",
    "HeldOut",
    "Nested",
    "Parts",
    "apply_class_weight",
    "check_dataset",
    "check_labels",
    "describe",
    "fingerprint",
    "folds_of",
    "leaves",
    "lists_as_arrays",
    "map_arrays",
    "nested_of",
    "pad",
    "split_tail",
    "split_test",
]
