"""Rows that are read while lanes train, not held in memory: one file a kind of source."""

from ridgeway.data.sources.open import is_streamed, open_source
from ridgeway.data.sources.order import Reading, row_order
from ridgeway.data.sources.source import Check, Chunk, DataSource, RowSource, Slice, joined, pieces
from ridgeway.data.sources.stream import WINDOW_BYTES, Stream, row_bytes

__all__ = [
    "Check",
    "Chunk",
    "DataSource",
    "Reading",
    "RowSource",
    "Slice",
    "Stream",
    "WINDOW_BYTES",
    "is_streamed",
    "joined",
    "open_source",
    "pieces",
    "row_bytes",
    "row_order",
]
