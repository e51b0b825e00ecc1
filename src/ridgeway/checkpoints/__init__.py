"""What a run leaves on the way, so that it goes on where it was when something kills it."""

from ridgeway.checkpoints.generations import Checkpoints, Restored, latest
from ridgeway.checkpoints.stored_tree import Damaged

__all__ = ["Checkpoints", "Damaged", "Restored", "latest"]
