"""Warnings that name the line of the user's own code from which ridgeway was called."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from functools import cache
from pathlib import Path


def warn(message: str) -> None:
    """Gives a `UserWarning` whose place is the nearest caller outside of ridgeway.

    How many calls lie between differs by the way that was taken, so that no fixed `stacklevel` would do; Python's own
    `skip_file_prefixes` comes with 3.12. Callers in Keras, which calls our callbacks, scikit-learn, which wraps our
    estimators' methods, and the standard library's `contextlib` are passed over too. In a thread, where nobody outside
    called, the place is that where it began.

    Args:
        message: what the user should know.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_passed_over()):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


@cache
def _passed_over() -> tuple[str, ...]:
    places = [str(Path(__file__).parent)]
    for name in ("keras", "sklearn"):
        spec = importlib.util.find_spec(name)
        places += [] if spec is None or spec.origin is None else [os.path.dirname(spec.origin)]
    import contextlib

    return (*(place + os.sep for place in places), contextlib.__file__)
