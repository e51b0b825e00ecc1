"""Models of several structures: built by the user's function, or rebuilt with the layers that a choice puts in."""

from ridgeway.structures.builder import Builder, source_of
from ridgeway.structures.scaling import scaled_states
from ridgeway.structures.variant import Structure, Variants, arguments_of, key_of, structure_of

__all__ = [
    "Builder",
    "Structure",
    "Variants",
    "arguments_of",
    "key_of",
    "scaled_states",
    "source_of",
    "structure_of",
]
