"""The Keras layers that a choice of words puts into the model, as code."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ridgeway.locale import text

_HIDDEN = re.compile(r"Dense|(Separable|Depthwise)?Conv[123]D(Transpose)?")
_SCALINGS = {
    "unit": ["scaling = keras.layers.Normalization(axis=-1, mean=low, variance=(high - low) ** 2)"],
    "symmetric": [
        "scaling = keras.layers.Normalization(axis=-1, mean=(low + high) / 2, variance=((high - low) / 2) ** 2)"
    ],
    "standardize": ["scaling = keras.layers.Normalization(axis=-1)", "scaling.adapt(x_train)"],
    "minmax": [
        "rows = x_train.reshape(-1, x_train.shape[-1]).astype(float)",
        "low, high = rows.min(axis=0), rows.max(axis=0)",
        "scaling = keras.layers.Normalization(axis=-1, mean=low, variance=(high - low) ** 2)",
    ],
    "robust": [
        "rows = x_train.reshape(-1, x_train.shape[-1]).astype(float)",
        "low, middle, high = keras.ops.quantile(rows, [0.25, 0.5, 0.75], axis=0)",
        "scaling = keras.layers.Normalization(axis=-1, mean=middle, variance=(high - low) ** 2)",
    ],
}


def comment(key: str, lang: str, **values: str) -> list[str]:
    """A text of the catalogue as lines of comment."""
    return [f"# {line}" for line in text(key, lang, **values).splitlines()]


def normalization_code(layers: Sequence[Mapping[str, Any]], words: Mapping[str, str], lang: str) -> list[str]:
    """What to put behind which hidden layer; nothing for `"none"`.

    Args:
        layers: of the model as it was, from its record: `name`, `class`, `config_line`.
        words: the configuration's words; `normalization` and `normalization_position` are read.
        lang: of the comments.
    """
    kind = words.get("normalization", "none")
    if kind == "none":
        return []
    # The last layer of these gives the output, which is not normalized.
    hidden = [layer for layer in layers if _HIDDEN.fullmatch(str(layer["class"]))][:-1]
    before = words.get("normalization_position") == "before"
    lines = "\n".join(f"    {str(layer['name'])!r}: {_normalization(layer, kind, before)}" for layer in hidden) or "?"
    if before:
        return comment("code.normalization_before", lang, layers=lines)
    return comment("code.normalization_after", lang, layers=lines)


def _normalization(layer: Mapping[str, Any], kind: str, before: bool) -> str:
    config = str(layer.get("config_line", ""))
    code = {
        "batch": "keras.layers.BatchNormalization()",
        # Behind a convolution, one group is layer normalization over all channels and places.
        "layer": "keras.layers.LayerNormalization()"
        if layer["class"] == "Dense"
        else "keras.layers.GroupNormalization(groups=1)",
        "instance": "keras.layers.GroupNormalization(groups=-1)",
        "group": f"keras.layers.GroupNormalization(groups={_groups(config)})",
    }.get(kind, f"{kind!r}?")
    activation = re.search(r"activation='(\w+)'", config)
    return f"{code}, keras.layers.Activation('{activation[1]}')" if before and activation else code


def _groups(config: str) -> str:
    """Wu & He (2018), section 3.1: 32 groups; fewer where two channels a group would not be left."""
    found = re.search(r"(?:^\w*\(|units=|filters=)(\d+)", config)
    if not found or int(found[1]) < 1:
        return "..."
    channels = int(found[1])
    most = max(1, min(32, channels // 2))
    return str(next(groups for groups in range(most, 0, -1) if channels % groups == 0))


def scaling_code(inputs: str, words: Mapping[str, str], lang: str) -> list[str]:
    """A `Normalization` layer with the statistics of `x_train`; nothing for `"none"`.

    Args:
        inputs: what was trained on, e.g. `"28x28 uint8"`.
        words: the configuration's words; `input_scaling` is read.
        lang: of the comments.
    """
    kind = words.get("input_scaling", "none")
    if kind == "none":
        return []
    lines = comment("code.input_scaling", lang)
    if kind in ("unit", "symmetric"):
        # Pixels of which few reach black or white are scaled by what pixels can be.
        lines += ["low, high = 0.0, 255.0" if "uint8" in inputs else "low, high = x_train.min(), x_train.max()"]
    return [*lines, *_SCALINGS.get(kind, [f"scaling = ...  # {kind!r}"])]
