"""What people look at: figures, and the one-file page.

Plotly and SciPy's statistics are imported when a figure is asked for: who needs only the Keras code of a lane, as the
studio's server does, does not wait for them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ridgeway.report.figures import KINDS, plot
    from ridgeway.report.page import write_report

_PUBLIC = {"KINDS": "figures", "plot": "figures", "write_report": "page"}

__all__ = ["KINDS", "plot", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
