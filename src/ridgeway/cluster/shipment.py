"""What a task needs to build a run's programs where it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from ridgeway.data import Parts
from ridgeway.engine.slots import Rules
from ridgeway.errors import InputError, first_line
from ridgeway.families import Family
from ridgeway.grouping import Grouping
from ridgeway.structures import Builder, Variants


@dataclass(frozen=True)
class Shipment:
    """A run without its lanes: sent once, and kept by each process that trains for it.

    Attributes:
        run: its id.
        versions: of what the numbers depend on.
        model: the user's model as Keras describes it, or the function that builds it.
        custom: classes and functions that the description names.
        family: what is varied.
        parts: the rows.
        settings: of `Grouping`.
        rules: what stops lanes and what they keep.
        probes: what is measured in lanes.
        shuffle: whether rows are shuffled.
    """

    run: str
    versions: Mapping[str, str]
    model: Any
    custom: Mapping[str, Any]
    family: Family
    parts: Parts
    settings: Mapping[str, Any]
    rules: Rules
    probes: tuple[str, ...]
    shuffle: bool

    @classmethod
    def of(
        cls,
        about: Mapping[str, Any],
        source: keras.Model | Builder,
        grouping: Grouping,
        rules: Rules,
        probes: tuple[str, ...],
    ) -> Shipment:
        """What is to be sent.

        Args:
            about: the record.
            source: the model, or what builds it.
            grouping: of the lanes.
            rules: what stops lanes and what they keep.
            probes: what is measured.

        Raises:
            InputError: the model can't be described, or the rows can't be sent.
        """
        family = copy.copy(grouping.family)
        if hasattr(family, "storage"):
            # A study stays where the search is.
            family.storage = None
        model: Any = _described(source) if isinstance(source, keras.Model) else source
        settings = {
            name: getattr(grouping, name)
            for name in ("repeats", "batch_size", "validation_batch_size", "epochs", "decay", "seed", "keepers")
        }
        return cls(
            about["id"],
            {**about["versions"], "ridgeway": about["ridgeway"]},
            model,
            keras.saving.get_custom_objects().copy() if isinstance(source, keras.Model) else {},
            family,
            replace(grouping.parts, test=None),
            settings,
            rules,
            probes,
            bool(about["shuffle"]),
        )

    def grouping(self) -> Grouping:
        """The run's groups, to be built where this is called."""
        if isinstance(self.model, Builder):
            return Grouping(Variants(self.model), self.family, self.parts, **self.settings, builder=self.model)
        return Grouping(Variants(_built(self.model, self.custom)), self.family, self.parts, **self.settings)


def _described(model: keras.Model) -> Any:
    try:
        described = keras.saving.serialize_keras_object(model)
        _built(described, keras.saving.get_custom_objects())
    except Exception as error:  # whatever a class of the user's own makes of its config
        raise InputError(
            f"The model '{model.name}' can't be built anew on the cluster: {first_line(error)}. Register its own "
            "classes and functions by keras.saving.register_keras_serializable, or pass a function that builds it."
        ) from error
    return described


def _built(described: Any, custom: Mapping[str, Any]) -> keras.Model:
    # Keras takes a functional model's description apart while it reads it.
    described = copy.deepcopy(described)
    return keras.saving.deserialize_keras_object(described, custom_objects=dict(custom), safe_mode=False)


def sent(value: Any, what: str) -> Any:
    """Puts a value into the cluster's object store, once for all tasks; functions of a script travel with it.

    Raises:
        InputError: it can't be sent; `what` says what it is.
    """
    import ray

    try:
        return ray.put(value)
    except (TypeError, pickle.PicklingError, AttributeError) as error:
        raise InputError(
            f"{what} can't be sent to the cluster: {first_line(error)}. Pass arrays, or the path of a file that each "
            "node can read."
        ) from error
