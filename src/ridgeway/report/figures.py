"""The figures of a path by name."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ridgeway.errors import InputError
from ridgeway.locale import check_language
from ridgeway.report.curves_figure import curves_figure
from ridgeway.report.effects_figure import effects_figure
from ridgeway.report.parallel_figure import parallel_figure
from ridgeway.report.path_figure import path_figure
from ridgeway.report.probes_figure import probes_figure
from ridgeway.report.reliability_figure import reliability_figure
from ridgeway.report.weights_figure import weights_figure

if TYPE_CHECKING:
    from ridgeway.path import Path

_FIGURES: dict[str, Callable[["Path", str], go.Figure]] = {
    "path": path_figure,
    "curves": curves_figure,
    "effects": effects_figure,
    "weights": weights_figure,
    "parallel": parallel_figure,
    "reliability": reliability_figure,
    "probes": probes_figure,
}
KINDS = tuple(_FIGURES)


def plot(path: "Path", kind: str = "path", lang: str = "en") -> go.Figure:
    """Draw a figure of a path.

    Args:
        path: what to draw.
        kind: `"path"`, metric against strength; `"curves"`, learning curves of all lanes; `"effects"`,
            gains of each strength over the method's absence, or importance where lanes form no pairs; `"weights"`, norm
            and share of exact zeros against strength; `"parallel"`, parallel coordinates; `"reliability"`,
            accuracy against confidence, for classification; `"probes"`, what was measured inside the lanes.
        lang: `"en"` or `"ko"`.

    Returns:
        A plotly figure, to show, restyle or write to a file.

    Raises:
        InputError: unknown kind or language; `"reliability"` of a path without calibration, `"probes"` of one without
            probes.
    """
    check_language(lang)
    if kind not in _FIGURES:
        near = get_close_matches(str(kind), KINDS, n=1)
        hint = f" The nearest is {near[0]!r}." if near else ""
        raise InputError(f"Unknown kind of figure {kind!r}.{hint} The kinds are {', '.join(map(repr, KINDS))}.")
    return _FIGURES[kind](path, lang)
