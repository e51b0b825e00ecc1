"""Which configurations to train."""

from ridgeway.families.bayes import Bayes, Search, study_in
from ridgeway.families.cocktail import Cocktail
from ridgeway.families.family import Configuration, Family
from ridgeway.families.grid import Grid
from ridgeway.families.listed import Listed
from ridgeway.families.one_at_a_time import OneAtATime
from ridgeway.families.random import Random
from ridgeway.families.range import Range
from ridgeway.families.spacing import logspace

__all__ = [
    "Bayes",
    "Search",
    "Cocktail",
    "Configuration",
    "Family",
    "Grid",
    "Listed",
    "OneAtATime",
    "Random",
    "Range",
    "logspace",
    "study_in",
]
