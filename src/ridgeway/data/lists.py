"""Plain Python lists as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeway.errors import InputError


def lists_as_arrays(name: str, structure: Any, places: int) -> Any:
    """The structure with every list of numbers turned into an array.

    A list may be rows or, as for Keras, one array for each of a model's inputs. Lists of numbers all the way down are
    rows, unless the model has several places for them.

    Args:
        name: what the structure is called in errors.
        structure: an array, or a list, tuple or dict of arrays or of further lists.
        places: how many inputs (or outputs) the model has.

    Raises:
        InputError: rows differ in length, or lists of numbers are not as many as the model's places.
    """
    if isinstance(structure, Mapping):
        return {key: lists_as_arrays(f"{name}[{key!r}]", part, 1) for key, part in structure.items()}
    if not isinstance(structure, list | tuple):
        return structure
    if _is_plain(structure):
        if places == 1:
            return _array(name, structure)
        if len(structure) != places:
            raise InputError(
                f"{name} is a list of {len(structure)} lists, and the model takes {places}. Pass one array for each of "
                "them, with the rows as leading axis."
            )
    return type(structure)(lists_as_arrays(f"{name}[{place}]", part, 1) for place, part in enumerate(structure))


def _is_plain(part: Any) -> bool:
    """Whether a list holds numbers or text, in whatever depth, rather than arrays."""
    while isinstance(part, list | tuple):
        if not part:
            return True
        part = part[0]
    return isinstance(part, bool | int | float | complex | str | np.generic)


def _array(name: str, rows: Any) -> np.ndarray:
    try:
        return np.asarray(rows)
    except ValueError:
        raise InputError(
            f"{name} is a list whose rows differ in length. Pass rows of equal length, padded where they are sequences."
        ) from None
