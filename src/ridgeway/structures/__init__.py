"""Models rebuilt for a family's choices: the layers that a choice puts in, in an ordinary Keras model."""

from ridgeway.structures.scaling import scaled_states
from ridgeway.structures.variant import Variants, structure_of

__all__ = ["Variants", "scaled_states", "structure_of"]
