"""Keras callbacks at the edge: told once a round, or written at the end."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import keras

from ridgeway.engine.callbacks import ReadOnlyModel, Understood, tell
from ridgeway.engine.lanes import LaneResult
from ridgeway.engine.slots import Round
from ridgeway.errors import InputError
from ridgeway.export import lent_model, weight_names
from ridgeway.path import Path
from ridgeway.results import lane_weights
from ridgeway.telling import warn


class Listeners:
    """Tells callbacks, once a round, the logs of the best epoch of any lane so far.

    Args:
        callbacks: Keras callbacks that listen.
        model: the model, of which they may read the description.
        metric: log by which the best is told.
        mode: "min" or "max".
        epochs: most epochs of a lane, passed on as `params["epochs"]`.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        metric: str,
        mode: str,
        epochs: int,
    ) -> None:
        self._callbacks = list(callbacks)
        self._metric, self._sign = metric, 1.0 if mode == "min" else -1.0
        #: Logs that were told last.
        self.best: dict[str, float] = {}
        for callback in self._callbacks:
            callback.set_params({"epochs": epochs, "steps": None, "verbose": 0})
            callback._model = ReadOnlyModel(model, callback)

    def begin(self) -> None:
        """Training begins."""
        tell(self._callbacks, "on_train_begin", {})

    def round(self, news: Round) -> None:
        """An epoch of all live lanes is done; the number passed on counts rounds."""
        if not self._callbacks or not news.results:
            return
        for result in news.results:
            if result.plan.outer is not None:
                # Judged on other rows than those that are chosen among.
                continue
            logs = result.history[-1]
            best = self.best.get(self._metric, math.nan)
            if not math.isfinite(best) or self._sign * logs[self._metric] < self._sign * best:
                self.best = dict(logs)
        tell(self._callbacks, "on_epoch_begin", news.number, {})
        tell(self._callbacks, "on_epoch_end", news.number, dict(self.best))

    def end(self) -> None:
        """Training ended."""
        if self._callbacks:
            tell(self._callbacks, "on_train_end", dict(self.best))


def write_checkpoints(path: Path, understood: Understood, results: Sequence[LaneResult]) -> None:
    """Writes what each `ModelCheckpoint` asked for: the chosen lane, at the epoch that its rule keeps.

    Raises:
        InputError: the file's name has a placeholder that is no log.

    Warns:
        UserWarning: the lane kept no epoch under the rule; as in Keras nothing is written then.
    """
    if not understood.checkpoints:
        return
    lane = path.best.lane
    result = next(result for result in results if result.plan.lane == lane)
    model = path.structure(lane)
    row = path.lane(lane)
    for checkpoint in understood.checkpoints:
        callback, keeper = checkpoint.callback, checkpoint.keeper
        epoch = len(result.history) - 1 if keeper is None else result.kept_epochs[keeper]
        stored = result.last if keeper is None else result.kept[keeper]
        if epoch < 0 or stored is None or (keeper == 0 and result.fell_back):
            warn(
                f"ModelCheckpoint('{callback.filepath}') saved nothing: no epoch of lane {lane} beat "
                f"initial_value_threshold={callback.best}."
            )
            continue
        try:
            file = callback.filepath.format(epoch=epoch + 1, **result.history[epoch])
        except KeyError as error:
            raise InputError(
                f"ModelCheckpoint('{callback.filepath}') names {error}, which is no log of this training. It has "
                f"{', '.join(result.history[epoch])}."
            ) from None
        weights = dict(zip(weight_names(model), lane_weights(model, stored), strict=True))
        folder = os.path.dirname(file)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with lent_model(model, row, path.record, weights) as lane_model:
            if callback.save_weights_only:
                lane_model.save_weights(file, overwrite=True)
            else:
                lane_model.save(file, overwrite=True)
