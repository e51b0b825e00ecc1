"""ridgeway: the regularization path of a neural network, in one run.

The public names stand below in the order of the data flow. They are imported when first asked for, so that
`import ridgeway` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ridgeway import compilation_cache, devices

if TYPE_CHECKING:
    from ridgeway import callbacks, layers, losses, regularizers
    from ridgeway.data.coding import dummy, one_hot
    from ridgeway.errors import AllLanesDiverged, ClusterFailure, InputError, StorageFull
    from ridgeway.families import Bayes, Cocktail, Grid, Listed, OneAtATime, Random, Range, logspace
    from ridgeway.fit import fit_path
    from ridgeway.norms import norm
    from ridgeway.path import Path
    from ridgeway.selection import Choice
    from ridgeway.storage import load_path
    from ridgeway.tables import PathClassifier, PathRegressor

_PUBLIC = {
    "Grid": "ridgeway.families",
    "Bayes": "ridgeway.families",
    "Listed": "ridgeway.families",
    "OneAtATime": "ridgeway.families",
    "Random": "ridgeway.families",
    "Cocktail": "ridgeway.families",
    "Range": "ridgeway.families",
    "logspace": "ridgeway.families",
    "fit_path": "ridgeway.fit",
    "Path": "ridgeway.path",
    "load_path": "ridgeway.storage",
    "Choice": "ridgeway.selection",
    "PathClassifier": "ridgeway.tables",
    "PathRegressor": "ridgeway.tables",
    "one_hot": "ridgeway.data.coding",
    "dummy": "ridgeway.data.coding",
    "InputError": "ridgeway.errors",
    "StorageFull": "ridgeway.errors",
    "AllLanesDiverged": "ridgeway.errors",
    "ClusterFailure": "ridgeway.errors",
    "norm": "ridgeway.norms",
}
# Keras objects for use outside of a path too.
_MODULES = ("callbacks", "layers", "losses", "regularizers")

__all__ = [
    "AllLanesDiverged",
    "ClusterFailure",
    "Bayes",
    "Choice",
    "Cocktail",
    "Grid",
    "InputError",
    "Listed",
    "OneAtATime",
    "Path",
    "PathClassifier",
    "PathRegressor",
    "Random",
    "Range",
    "StorageFull",
    "callbacks",
    "dummy",
    "fit_path",
    "layers",
    "load_path",
    "logspace",
    "losses",
    "norm",
    "one_hot",
    "regularizers",
]

# Must come before JAX starts, which is when the user's model is built.
devices.prepare()
compilation_cache.prepare()


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"ridgeway.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ridgeway' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC, *_MODULES])
