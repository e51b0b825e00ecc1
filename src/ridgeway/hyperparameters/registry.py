"""The hyperparameters by name."""

from __future__ import annotations

import difflib

from ridgeway.errors import InputError
from ridgeway.hyperparameters.attribute import Attribute
from ridgeway.hyperparameters.choices import Choice, InputScaling, Normalization, NormalizationPosition
from ridgeway.hyperparameters.decay import WeightDecay
from ridgeway.hyperparameters.dropout import Dropout, InputDropout
from ridgeway.hyperparameters.ema import Ema
from ridgeway.hyperparameters.group_lasso import GroupLasso
from ridgeway.hyperparameters.hyperparameter import Hyperparameter
from ridgeway.hyperparameters.inner_dropout import AttentionDropout, RecurrentDropout
from ridgeway.hyperparameters.max_epochs import MaxEpochs
from ridgeway.hyperparameters.max_norm import MaxNorm
from ridgeway.hyperparameters.mixup import Mixup
from ridgeway.hyperparameters.noise import Noise
from ridgeway.hyperparameters.optimizer import ClipNorm, LearningRate, Momentum
from ridgeway.hyperparameters.penalties import L1, L2, Exponent, Lp
from ridgeway.hyperparameters.sam import Sam
from ridgeway.hyperparameters.smoothing import LabelSmoothing
from ridgeway.hyperparameters.stochastic_depth import StochasticDepth

_KINDS = (
    WeightDecay,
    L1,
    L2,
    Lp,
    Exponent,
    GroupLasso,
    MaxNorm,
    ClipNorm,
    Dropout,
    InputDropout,
    RecurrentDropout,
    AttentionDropout,
    StochasticDepth,
    Noise,
    Mixup,
    LabelSmoothing,
    Sam,
    Ema,
    MaxEpochs,
    LearningRate,
    Momentum,
    Normalization,
    NormalizationPosition,
    InputScaling,
)
NAMES = tuple(kind.name for kind in _KINDS)


def is_choice(name: str) -> bool:
    """Whether a hyperparameter's values are words."""
    return isinstance(hyperparameter(name), Choice)


def hyperparameter(name: str) -> Hyperparameter:
    """The hyperparameter of that name.

    Args:
        name: one of `NAMES`, or the path of an attribute with a dot in it, such as "dense_1.kernel_regularizer.l2".

    Raises:
        InputError: no such name; gives the nearest.
    """
    for kind in _KINDS:
        if kind.name == name:
            return kind()
    if "." in name.strip("."):
        return Attribute(name)
    near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.5)
    hint = f"The nearest are {', '.join(near)}." if near else f"There are {', '.join(NAMES)}."
    raise InputError(
        f"Unknown hyperparameter '{name}'. {hint} Any other number of the model goes by its path, such as "
        "'dense_1.kernel_regularizer.l2'."
    )
