"""A lane that trains so many epochs equals a `fit` of as many, whoever takes its slot afterwards."""

import pytest

import ridgeway as rw

from .against_fit import assert_equal, compiled, fit_alone, train_lanes
from .models import LABELS, OPTIMIZERS, TABLE, mlp


@pytest.mark.parametrize("slots", [2, 4])
def test_lanes_end_at_their_own_epoch(slots):
    family = rw.Grid(max_epochs=[1, 3, 4], l2=[0.0, 0.01])
    path = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, family, epochs=4, slots=slots)
    table = path.table()
    assert table["epochs"].tolist() == table["max_epochs"].tolist()
    assert set(table["stopped"]) == {"completed"}
    for epochs in (1, 3, 4):
        alone = compiled(mlp, OPTIMIZERS["sgd"]())
        assert_equal(path, {"max_epochs": epochs, "l2": 0.0}, alone, fit_alone(alone, TABLE, LABELS, epochs=epochs))


def test_fewer_epochs_are_more_regularized():
    path = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(max_epochs=[1, 2, 3]), epochs=3)
    assert path.record["hyperparameters"]["max_epochs"]["order"] == [3, 2, 1]


def test_what_is_no_number_of_epochs():
    with pytest.raises(rw.InputError, match=r"max_epochs=1.5 is no whole number"):
        rw.Grid(max_epochs=1.5)
    with pytest.raises(rw.InputError, match=r"max_epochs=9 of the family is beyond epochs=4"):
        train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(max_epochs=[2, 9]), epochs=4)
