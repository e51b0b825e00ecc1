"""Estimators for tables, as scikit-learn has them."""

from ridgeway.tables.classifier import PathClassifier
from ridgeway.tables.regressor import PathRegressor

__all__ = ["PathClassifier", "PathRegressor"]
