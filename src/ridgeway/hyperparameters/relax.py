"""The relaxed lasso: penalties choose what is used, and what is left trains on without them (Meinshausen 2007)."""

from __future__ import annotations

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, Unplaced
from ridgeway.hyperparameters.kernels import is_kernel

# Constraints that make no weight 0 which was not.
_SCALING = (keras.constraints.MaxNorm, keras.constraints.MinMaxNorm, keras.constraints.UnitNorm)


class Relax(Hyperparameter):
    """Epochs after which `l1` and `group_lasso` end: what they have made 0 stays 0, all else trains on unpenalized.

    A penalty that removes weights shrinks those that it leaves, too, and the more it removes, the more. Relaxed, a
    sparse lane fits as well as its inputs allow: the limit φ = 0 of the relaxed lasso (Meinshausen 2007, "Relaxed
    Lasso", section 2), as `relax=TRUE` with `gamma=0` in glmnet. 0 is off: the penalty acts to the end. The epochs left
    should be enough to train on in: a third of all is a good start. A penalty of strength 0 is not relaxed, there being
    nothing to end. A weight that comes to exactly 0 by itself later, which bfloat16 lets happen, stays there, too.
    """

    name = "relax"
    whole = True
    regularizes = False
    needs = ("l1", "group_lasso")

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class; the penalties read it.

        Raises:
            InputError: a constraint of the model's own may make weights 0.
        """
        for variable in model.trainable_variables:
            own = variable.constraint
            if is_kernel(variable) and own is not None and not isinstance(own, _SCALING):
                raise InputError(
                    f"relax can't tell what the penalty has made 0 from what the constraint {type(own).__name__} of "
                    f"'{variable.path}' has. Leave one of the two out."
                )
        return Unplaced()
