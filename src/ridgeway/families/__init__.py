"""Which configurations to train."""

from ridgeway.families.cocktail import Cocktail
from ridgeway.families.family import Configuration, Family
from ridgeway.families.grid import Grid
from ridgeway.families.spacing import logspace

__all__ = ["Cocktail", "Configuration", "Family", "Grid", "logspace"]
