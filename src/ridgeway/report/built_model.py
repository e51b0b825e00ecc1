"""The model of one configuration, where the user's function builds a model for each."""

from collections.abc import Mapping
from typing import Any

from ridgeway.selection import Value


def model_record(record: Mapping[str, Any], configuration: Mapping[str, Value]) -> Mapping[str, Any]:
    """What the record says of a configuration's model.

    Args:
        record: the path's record; `model` and `structures` are read.
        configuration: value of each hyperparameter.
    """
    built: Mapping[str, Any] | None = _structure(record, configuration)
    own: Mapping[str, Any] = record.get("model", {}) if built is None else built["model"]
    return own


def call_of(record: Mapping[str, Any], configuration: Mapping[str, Value]) -> str | None:
    """The call of the user's function that builds a configuration's model; None where a model was given."""
    built = _structure(record, configuration)
    if built is None:
        return None
    arguments = ", ".join(f"{name}={value!r}" for name, value in built["arguments"].items())
    return f"{record['model'].get('built_by', 'build')}({arguments})"


def _structure(record: Mapping[str, Any], configuration: Mapping[str, Value]) -> Mapping[str, Any] | None:
    for one in record.get("structures") or ():
        if all(configuration[name] == value for name, value in one["arguments"].items()):
            found: Mapping[str, Any] = one
            return found
    return None
