"""What a run leaves on the way, so that it goes on where it was when something kills it."""

from ridgeway.checkpoints.generations import Checkpoints, Restored, latest, remove_checkpoints
from ridgeway.checkpoints.stored_tree import Damaged

__all__ = ["Checkpoints", "Damaged", "Restored", "latest", "remove_checkpoints"]
