"""Temperature against the definition."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ridgeway.tables.calibration import temperature

random = np.random.default_rng(0)
TRUE = random.normal(size=(4000, 3)) * 1.5
CODES = np.array([random.choice(3, p=row) for row in softmax(TRUE, axis=1)])


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_it_undoes_a_factor(factor: float) -> None:
    assert temperature(softmax(TRUE * factor, axis=1), CODES) == pytest.approx(factor, rel=0.1)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_has_the_least_log_loss(weighted: bool) -> None:
    logits = TRUE * 3 + random.normal(size=TRUE.shape)
    weights = random.random(len(CODES)) if weighted else None

    def loss(t: np.ndarray) -> float:
        own = -log_softmax(logits / t[0], axis=1)[np.arange(len(CODES)), CODES]
        return float(np.average(own, weights=weights))

    expected = minimize(loss, [1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).x[0]
    assert temperature(softmax(logits, axis=1), CODES, weights) == pytest.approx(expected, rel=1e-4)


def test_certainties_stay_finite() -> None:
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert np.isfinite(temperature(shares, np.array([0, 1, 1])))
