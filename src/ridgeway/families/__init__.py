"""Which configurations to train."""

from ridgeway.families.family import Configuration, Family
from ridgeway.families.grid import Grid
from ridgeway.families.spacing import logspace

__all__ = ["Configuration", "Family", "Grid", "logspace"]
