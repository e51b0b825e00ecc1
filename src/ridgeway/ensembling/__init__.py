"""Ensembles of lanes: which ones, and one model that gives their mean."""

from ridgeway.ensembling.choice import EnsembleChoice
from ridgeway.ensembling.record import SIZE, choose_ensemble, noted_ensemble

__all__ = ["SIZE", "EnsembleChoice", "choose_ensemble", "noted_ensemble"]
