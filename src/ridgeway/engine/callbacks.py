"""Keras callbacks, understood per lane.

`EarlyStopping` and `ModelCheckpoint` become rules on arrays. Other callbacks are told of the best lane so far once a
round; those that would need single batches or change the model are refused by name, because lanes have no such
moment of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ridgeway.callbacks import MaxTime, PathStopping, TargetReached
from ridgeway.engine.slots import Rules
from ridgeway.engine.stopping import KeepingRule, Monitor, StoppingRule, TargetRule
from ridgeway.engine.watch import PathRule
from ridgeway.errors import InputError
from ridgeway.keras_internals import monitor_direction

_BATCH_CALLS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)
_CHANGES_MODEL = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.SwapEMAWeights,
    keras.callbacks.BackupAndRestore,
)
# Logs that ridgeway adds, of which Keras knows no direction.
_ALWAYS_LESS = ("val_nll", "val_data_loss", "val_ece")
_OURS = MaxTime | TargetReached | PathStopping
# What a callback may read of the model: nothing that depends on which lane is meant.
_READABLE = ("name", "summary", "count_params", "to_json", "get_config", "layers", "stop_training", "metrics_names")


@dataclass(frozen=True)
class Checkpoint:
    """A `ModelCheckpoint`: which keeping rule feeds its file.

    Attributes:
        callback: as given.
        keeper: place of its rule among `Rules.keeping`; None for the last epoch (`save_best_only=False`).
    """

    callback: keras.callbacks.ModelCheckpoint
    keeper: int | None


@dataclass(frozen=True)
class Understood:
    """Callbacks as the engine takes them.

    Attributes:
        rules: stopping and keeping; `keeping[0]` is the epoch that the path calls a lane's best.
        checkpoints: files to write at the end.
        listeners: callbacks to be told once a round.
        described: one line for each callback, for the record.
    """

    rules: Rules
    checkpoints: tuple[Checkpoint, ...]
    listeners: tuple[keras.callbacks.Callback, ...]
    described: tuple[str, ...]


def understand(
    callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, logs: Sequence[str], epochs: int
) -> Understood:
    """Reads callbacks as `fit` takes them.

    A lane's best epoch is that of the first `EarlyStopping` with `restore_best_weights`, else of the first
    `ModelCheckpoint` with `save_best_only`, else of the first `EarlyStopping`'s monitor, else of `val_loss`; without
    validation data it is the last epoch.

    Args:
        callbacks: Keras callback objects.
        model: compiled and built model.
        logs: names of the logs that an epoch gives.
        epochs: most epochs of a lane.

    Raises:
        InputError: a monitor that is no log's name; a callback that needs single batches or changes the model.
    """
    callbacks = list(callbacks)
    for callback in callbacks:
        _refuse_foreign(callback)
    stopping: list[StoppingRule] = []
    restoring: list[KeepingRule] = []
    watched: list[KeepingRule] = []
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            rule = StoppingRule(
                _monitor(callback, model, logs),
                int(callback.patience),
                None if callback.baseline is None else float(callback.baseline),
                int(callback.start_from_epoch),
            )
            stopping.append(rule)
            keeping = KeepingRule(rule.monitor, start_from_epoch=rule.start_from_epoch)
            (restoring if callback.restore_best_weights else watched).append(keeping)
    saving = [
        KeepingRule(
            Monitor(callback.monitor, _direction(callback, model, logs)),
            threshold=None if callback.best is None else float(callback.best),
        )
        for callback in callbacks
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_best_only
    ]
    keepers = list(dict.fromkeys([*restoring, *saving]))
    if not keepers:
        default = KeepingRule(Monitor("val_loss") if "val_loss" in logs else None)
        keepers = [watched[0] if watched else default]
    saved = iter(saving)
    checkpoints = tuple(
        Checkpoint(callback, keepers.index(next(saved)) if callback.save_best_only else None)
        for callback in callbacks
        if isinstance(callback, keras.callbacks.ModelCheckpoint)
    )
    listeners = tuple(
        callback
        for callback in callbacks
        if not isinstance(
            callback,
            keras.callbacks.EarlyStopping | keras.callbacks.ModelCheckpoint | keras.callbacks.TerminateOnNaN | _OURS,
        )
    )
    rules = Rules(
        epochs,
        tuple(stopping),
        tuple(keepers),
        targets=tuple(
            TargetRule(Monitor(callback.monitor, _direction(callback, model, logs)), float(callback.target))
            for callback in callbacks
            if isinstance(callback, TargetReached)
        ),
        max_seconds=min((c.seconds for c in callbacks if isinstance(c, MaxTime)), default=None),
        path=_path_rule(callbacks, model, logs),
    )
    return Understood(rules, checkpoints, listeners, tuple(map(_describe, callbacks)))


def _path_rule(callbacks: Sequence[Any], model: keras.Model, logs: Sequence[str]) -> PathRule | None:
    found = [callback for callback in callbacks if isinstance(callback, PathStopping)]
    if len(found) > 1:
        raise InputError(f"callbacks holds {len(found)} PathStopping objects, and a path ends by one rule. Pass one.")
    return PathRule(_monitor(found[0], model, logs), found[0].patience) if found else None


def _refuse_foreign(callback: Any) -> None:
    name = type(callback).__name__
    if not isinstance(callback, keras.callbacks.Callback):
        raise InputError(f"callbacks holds {callback!r}, which is no keras.callbacks.Callback. Pass an instance.")
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        if callback.save_freq != "epoch":
            raise InputError(
                f"{name}(save_freq={callback.save_freq}) saves between epochs, which lanes can't. Use "
                "save_freq='epoch'."
            )
        return
    # Every lane ends by itself when its loss is not finite.
    if isinstance(callback, keras.callbacks.EarlyStopping | keras.callbacks.TerminateOnNaN | _OURS):
        return
    if isinstance(callback, _CHANGES_MODEL):
        raise InputError(
            f"The callback {name} changes the model while it trains, which would change every lane at once. Leave "
            "it out; a learning rate that falls goes into the optimizer as a keras.optimizers.schedules object."
        )
    for call in _BATCH_CALLS:
        own = getattr(type(callback), call, None) is not getattr(keras.callbacks.Callback, call)
        if own or call in vars(callback):
            raise InputError(
                f"The callback {name} asks for every batch ({call}), and lanes train their epochs inside one "
                "compiled program. Leave it out, or do its work in on_epoch_end."
            )


def _monitor(callback: Any, model: keras.Model, logs: Sequence[str]) -> Monitor:
    return Monitor(callback.monitor, _direction(callback, model, logs), abs(float(callback.min_delta)))


def _direction(callback: Any, model: keras.Model, logs: Sequence[str]) -> str:
    name = type(callback).__name__
    if callback.monitor not in logs:
        hint = " Pass validation_split or validation_data." if callback.monitor.startswith("val_") else ""
        validated = any(log.startswith("val_") for log in logs)
        raise InputError(
            f"{name}(monitor='{callback.monitor}') watches a metric that this training does not have. It has "
            f"{', '.join(log for log in logs if not log.endswith('_se'))}.{'' if validated else hint}"
        )
    if callback.mode == "auto" and callback.monitor in _ALWAYS_LESS:
        return "min"
    # Keras's rule is a method of its own callbacks.
    probe = (
        keras.callbacks.EarlyStopping(callback.monitor, mode=callback.mode) if isinstance(callback, _OURS) else callback
    )
    try:
        return monitor_direction(probe, model)
    except ValueError:
        raise InputError(
            f"{name}(monitor='{callback.monitor}') does not tell whether less or more is better. Pass mode='min' "
            "or mode='max'."
        ) from None


def _describe(callback: Any) -> str:
    shown = {
        name: getattr(callback, name)
        for name in ("filepath", "monitor", "patience", "min_delta", "baseline", "save_best_only", "target", "seconds")
        if getattr(callback, name, None) not in (None, 0, False)
    }
    return f"{type(callback).__name__}({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


class ReadOnlyModel:
    """What a listening callback sees as `self.model`: the model's description, not one lane's weights."""

    def __init__(self, model: keras.Model, callback: keras.callbacks.Callback) -> None:
        object.__setattr__(self, "_model", model)
        object.__setattr__(self, "_callback", type(callback).__name__)

    def __getattr__(self, name: str) -> Any:
        if name not in _READABLE:
            raise InputError(
                f"The callback {self._callback} reads model.{name}, but many lanes train at once and it can't say "
                "which is meant. Leave it out and ask the path afterwards: path.model(lane)."
            )
        return getattr(self._model, name)

    def jax_state_sync(self) -> None:
        """Keras calls this whenever a callback reads `self.model`; there is nothing to bring up to date."""

    def __setattr__(self, name: str, value: Any) -> None:
        # `History` hangs itself onto the model it is given; that is no change to what trains.
        if name == "history":
            return
        raise InputError(
            f"The callback {self._callback} sets model.{name}, which would change every lane at once. Leave it out."
        )


def tell(listeners: Sequence[keras.callbacks.Callback], call: str, *arguments: Any) -> None:
    """Calls one method of every listener."""
    for listener in listeners:
        method: Callable[..., None] = getattr(listener, call)
        method(*arguments)
