"""The ensemble that the report speaks of."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ridgeway.ensembling.choice import EnsembleChoice
from ridgeway.errors import InputError

if TYPE_CHECKING:
    from ridgeway.path import Path

logger = logging.getLogger(__name__)

#: Members of the ensemble in the report, and of an estimator's: Caruana et al. (2004) gain most by the first few.
SIZE = 16
# Numbers in all candidates' predictions; beyond, an ensemble is made where it is asked for only.
_MOST = 1 << 26


def noted_ensemble(path: Path) -> EnsembleChoice | None:
    """The greedy ensemble of 16, from the path's record or made now and noted there.

    Returns:
        None where there is nothing to put together: one candidate, no validation rows in memory, more predictions than
        a report is worth, or a metric that predictions alone do not give.
    """
    if "ensemble" not in path.record:
        if path.parts is None:
            return None
        choice = _made(path)
        path.record["ensemble"] = None if choice is None else asdict(choice)
    noted = path.record["ensemble"]
    return None if noted is None else EnsembleChoice.from_json(noted)


def choose_ensemble(
    path: Path,
    size: int,
    members: str,
    rule: str,
    data: tuple[Any, Any, Any] | None,
    n_boot: int = 1000,
    seed: int = 0,
) -> EnsembleChoice:
    """See `Path.select_ensemble`; a path that was read without rows knows the ensemble of its report."""
    if path.parts is None and data is None and members == "all":
        noted = noted_ensemble(path)
        if noted is not None and size == SIZE:
            return noted
        known = f", or take the one that is noted, by k={SIZE}" if noted is not None else ""
        raise InputError(
            f"A path that was read from a directory holds no rows to choose an ensemble by. Pass x and y{known}."
        )
    # Imported where it is needed: to read what is noted, nobody waits for Keras.
    from ridgeway.ensembling.select import select_ensemble

    return select_ensemble(path, size, members, rule, data, n_boot, seed)


def _made(path: Path) -> EnsembleChoice | None:
    from ridgeway.ensembling.select import candidates_of, select_ensemble

    held = path.held_out
    candidates = candidates_of(path)
    if held is None or len(candidates) < 2:
        return None
    shape = getattr(path.structure(candidates[0].lanes[0]), "output_shape", None)
    width = math.prod(size or 1 for size in shape[1:]) if isinstance(shape, tuple) and shape else 1
    if width * held.dataset.rows * len(candidates) > _MOST:
        logger.info("No ensemble in the report: %s candidates on %s rows.", len(candidates), held.dataset.rows)
        return None
    try:
        return select_ensemble(path, SIZE, "all", "best", None, 1000, 0)
    except InputError as error:
        logger.info("No ensemble in the report: %s", error)
        return None
