"""A curve as small as a word, in SVG."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT, _EDGE = 96, 26, 3
# Points are thinned to about one a pixel.
_MOST = 96


def sparkline(values: Sequence[float | None], mode: str = "min") -> Markup:
    """The curve with a dot at its best point; nothing where there are not two points.

    It is decoration: what it shows stands in words beside it.

    Args:
        values: by epoch; None is left out.
        mode: "min" or "max".
    """
    points = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(points) < 2:
        return Markup("")
    low, high = min(value for _, value in points), max(value for _, value in points)
    best = (min if mode == "min" else max)(points, key=lambda point: point[1])
    step = max(1, len(points) // _MOST)
    drawn = [*points[::step], points[-1]]

    def place(point: tuple[int, float]) -> str:
        x = _EDGE + (_WIDTH - 2 * _EDGE) * point[0] / max(1, len(values) - 1)
        y = _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * ((point[1] - low) / (high - low) if high > low else 0.5)
        return f"{x:.1f},{y:.1f}"

    x, y = place(best).split(",")
    return Markup(
        '<svg class="sparkline" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-hidden="true" focusable="false">'
        '<polyline points="{points}" fill="none"/><circle cx="{x}" cy="{y}" r="2.5"/></svg>'
    ).format(w=_WIDTH, h=_HEIGHT, points=" ".join(map(place, drawn)), x=x, y=y)
