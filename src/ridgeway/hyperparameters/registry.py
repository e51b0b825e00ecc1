"""The hyperparameters by name."""

from __future__ import annotations

import difflib

from ridgeway.errors import InputError
from ridgeway.hyperparameters.argument import Argument
from ridgeway.hyperparameters.attribute import Attribute
from ridgeway.hyperparameters.choices import InputScaling, Normalization, NormalizationPosition
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
from ridgeway.hyperparameters.relax import Relax
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
    Relax,
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


def is_built(name: str) -> bool:
    """Whether what a family varies by that name is built into the model instead of being bound to a number in it."""
    return named(name).built


def is_argument(name: str) -> bool:
    """Whether a name is none of ridgeway's own: an argument of the function that builds the model."""
    return name not in NAMES and name.isidentifier()


def named(name: str) -> Hyperparameter:
    """What a family varies by that name: a hyperparameter, or an argument of the function that builds the model.

    Whether there is a function with that argument shows in `fit_path` only.

    Raises:
        InputError: it can be neither; gives the nearest.
    """
    return Argument(name) if is_argument(name) else hyperparameter(name)


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
        "'dense_1.kernel_regularizer.l2'; sizes and the like go by the arguments of a function that builds the model, "
        "passed in the model's place."
    )
