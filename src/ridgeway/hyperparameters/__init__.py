"""What can be varied: one file a method, each saying where it lives in a Keras model.

`hyperparameter(name)` gives the object for a name; the names are the field's own.
"""

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.registry import NAMES, hyperparameter, is_argument, is_built, named
from ridgeway.hyperparameters.swap import LaneScalar, swapped

__all__ = [
    "NAMES",
    "Binding",
    "Decay",
    "Hyperparameter",
    "LaneScalar",
    "StepContext",
    "hyperparameter",
    "is_argument",
    "is_built",
    "named",
    "swapped",
]
