"""From files and arrays to checked rows: read, check, split, encode."""

from ridgeway.data.ahead import ahead
from ridgeway.data.checks import check_dataset, check_labels
from ridgeway.data.dataset import Dataset, describe, leaves, map_arrays
from ridgeway.data.fingerprint import fingerprint
from ridgeway.data.folds import Folds, folds_of
from ridgeway.data.held_out import HeldOut
from ridgeway.data.lists import lists_as_arrays
from ridgeway.data.nested import Nested, nested_of
from ridgeway.data.parts import Parts, Streamed
from ridgeway.data.row_orders import row_orders
from ridgeway.data.sources import Chunk, DataSource, Reading, RowSource, Slice, Stream, is_streamed, open_source
from ridgeway.data.split import cut_of, split_tail, warn_of_difference
from ridgeway.data.test_rows import split_test
from ridgeway.data.weights import apply_class_weight

__all__ = [
    "Chunk",
    "DataSource",
    "Dataset",
    "Folds",
    "HeldOut",
    "Nested",
    "Parts",
    "Reading",
    "RowSource",
    "Slice",
    "Stream",
    "Streamed",
    "ahead",
    "apply_class_weight",
    "check_dataset",
    "check_labels",
    "cut_of",
    "describe",
    "fingerprint",
    "folds_of",
    "is_streamed",
    "leaves",
    "lists_as_arrays",
    "map_arrays",
    "nested_of",
    "open_source",
    "row_orders",
    "split_tail",
    "split_test",
    "warn_of_difference",
]
