"""What each hyperparameter does, with how sure that is: from the table of lanes, in plain arithmetic."""

from ridgeway.effects.fanova import importance, judged_at
from ridgeway.effects.joint import interactions
from ridgeway.effects.single import effects

__all__ = ["effects", "importance", "interactions", "judged_at"]
