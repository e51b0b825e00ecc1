"""The relaxed lasso: penalties choose what is used, and what is left trains on without them (Meinshausen 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, Unplaced

if TYPE_CHECKING:
    import keras


class Relax(Hyperparameter):
    """Epochs after which `l1` and `group_lasso` end: what they have made 0 stays 0, all else trains on unpenalized.

    A penalty that removes weights shrinks those that it leaves, too, and the more it removes, the more. Relaxed, a
    sparse lane fits as well as its inputs allow: the limit φ = 0 of the relaxed lasso (Meinshausen 2007, "Relaxed
    Lasso", section 2), as `relax=TRUE` with `gamma=0` in glmnet. 0 is off: the penalty acts to the end. The epochs left
    should be enough to train on in: a third of all is a good start. A penalty of strength 0 is not relaxed, there being
    nothing to end.
    """

    name = "relax"
    whole = True
    regularizes = False
    needs = ("l1", "group_lasso")

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class; the penalties read it."""
        return Unplaced()
