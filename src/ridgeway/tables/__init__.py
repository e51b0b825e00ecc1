"""Networks for tables, with scikit-learn's conventions."""

from ridgeway.tables.classifier import PathClassifier
from ridgeway.tables.regressor import PathRegressor

__all__ = ["PathClassifier", "PathRegressor"]
