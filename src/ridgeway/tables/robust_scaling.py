"""Robust scaling with smooth clipping, of one column of numbers.

Holzmüller, D., Grinsztajn, L. and Steinwart, I. (2024), "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS 37, appendix A. scikit-learn's `RobustScaler` has neither the second rule for the scale nor the
clipping, and takes columns with a tiny scale for constant ones.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

#: Of all that is read from a description: the types as they stand, nothing more, nothing infinite.
CHECKED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
# Beyond this the clipped value is 3 in float32 already; its square doesn't overflow.
_FAR = 1e9


@dataclass(frozen=True, config=CHECKED)
class RobustScaling:
    """x → f((x - center) / scale), where f(z) = z / sqrt(1 + (z/3)²) lies between -3 and 3.

    Attributes:
        center: the median.
        scale: the range between the quartiles, or half of the whole range where that is 0.
    """

    center: float
    scale: Annotated[float, Field(gt=0)]

    @classmethod
    def fit(cls, values: np.ndarray) -> RobustScaling | None:
        """Learns center and scale.

        Args:
            values: float64 `(row,)`; NaN is passed over.

        Returns:
            None where the values don't vary.
        """
        present = values[~np.isnan(values)]
        if not len(present):
            return None
        lowest, lower, median, upper, highest = np.quantile(present, [0, 0.25, 0.5, 0.75, 1]).tolist()
        scale = upper - lower or (highest - lowest) / 2
        return cls(median, scale) if scale > 0 else None

    def transform(self, values: np.ndarray) -> np.ndarray:
        """float64 `(row,)`, 0 (the median) where the value is NaN."""
        # A scale near 0 may take the quotient beyond float64, which clipping below mends.
        with np.errstate(over="ignore"):
            scaled = (values - self.center) / self.scale
        np.clip(scaled, -_FAR, _FAR, out=scaled)
        scaled /= np.sqrt(1 + (scaled / 3) ** 2)
        scaled[np.isnan(scaled)] = 0
        return scaled
