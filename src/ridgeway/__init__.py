"""ridgeway: the regularization path of a neural network, in one run.

The public names stand below in the order of the data flow. They are imported when first asked for, so that
`import ridgeway` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ridgeway import devices

if TYPE_CHECKING:
    from ridgeway.data.coding import dummy, one_hot
    from ridgeway.errors import AllLanesDiverged, InputError
    from ridgeway.families import Grid, logspace
    from ridgeway.fit import fit_path
    from ridgeway.path import Path
    from ridgeway.selection import Choice
    from ridgeway.storage import load_path

_PUBLIC = {
    "Grid": "ridgeway.families",
    "logspace": "ridgeway.families",
    "fit_path": "ridgeway.fit",
    "Path": "ridgeway.path",
    "load_path": "ridgeway.storage",
    "Choice": "ridgeway.selection",
    "one_hot": "ridgeway.data.coding",
    "dummy": "ridgeway.data.coding",
    "InputError": "ridgeway.errors",
    "AllLanesDiverged": "ridgeway.errors",
}

__all__ = [
    "AllLanesDiverged",
    "Choice",
    "Grid",
    "InputError",
    "Path",
    "dummy",
    "fit_path",
    "load_path",
    "logspace",
    "one_hot",
]

# Must come before JAX starts, which is when the user's model is built.
devices.prepare()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ridgeway' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
