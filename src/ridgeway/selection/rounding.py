"""Numbers as a person writes them: no more digits than their error supports."""

import math


def rounded(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, without padding zeros; Python reads it back.

    >>> rounded(0.23148), rounded(1e-05), rounded(1234.5), rounded(0.25)
    ('0.231', '1e-5', '1234', '0.25')
    """
    if 10 ** (digits - 1) <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e+")


def decimals(error: float) -> int:
    """How many decimals a standard error supports.

    One significant digit, two where the first is a 1 (so that rounding never moves an error by more than a
    quarter; the Particle Data Group rounds alike).

    >>> decimals(0.0063), decimals(0.0014), decimals(2.4)
    (3, 4, 0)
    """
    leading = int(f"{error:.1e}"[0])
    exponent = math.floor(math.log10(float(f"{error:.1e}")))
    return max(0, -exponent + (1 if leading == 1 else 0))


def with_error(mean: float, standard_error: float) -> str:
    """Write a mean with its standard error, both to the decimals that the error supports.

    >>> with_error(0.23148, 0.0063), with_error(0.23148, float("nan"))
    ('0.231 ± 0.006', '0.2315')
    """
    if not math.isfinite(standard_error) or standard_error <= 0:
        return rounded(mean, 4)
    places = decimals(standard_error)
    return f"{mean:.{places}f} ± {standard_error:.{places}f}"
