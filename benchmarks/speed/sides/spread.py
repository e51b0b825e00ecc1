"""Which configurations a side trains that trains a part of them."""

from __future__ import annotations

import numpy as np

from speed.workloads import CONFIGURATIONS


def spread(models: int) -> list[tuple[float, float]]:
    """So many configurations, evenly over the 64."""
    return [CONFIGURATIONS[round(place)] for place in np.linspace(0, len(CONFIGURATIONS) - 1, models)]
