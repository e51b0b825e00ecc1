"""Each hyperparameter alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw

names = st.sampled_from(["l1", "l2", "weight_decay", "noise", "mixup"])


@given(values=st.dictionaries(names, st.sets(st.floats(0, 10), min_size=1, max_size=4), min_size=1))
def test_every_value_alone_and_none_twice(values):
    family = rw.OneAtATime(values)
    found = family.configurations()
    assert found[0] == dict.fromkeys(values, 0.0)
    assert len(found) == len(family) == 1 + sum(len(given - {0.0}) for given in values.values())
    assert len({tuple(one.values()) for one in found}) == len(found)
    for one in found[1:]:
        assert sum(value != 0.0 for value in one.values()) == 1
    for name, given_values in values.items():
        assert {one[name] for one in found} == given_values | {0.0}
        assert set(family.values[name]) == given_values | {0.0}


def test_the_base_is_off_or_weakest_or_as_given():
    family = rw.OneAtATime(
        dropout=[0.25, 0.5], learning_rate=[0.1, 0.01], normalization="batch", normalization_position=["before"],
        base={"dropout": 0.25, "l2": 0.001},
    )  # fmt: skip
    base = {
        "dropout": 0.25,
        "learning_rate": 0.01,
        "normalization": "none",
        "normalization_position": "after",
        "l2": 0.001,
    }
    assert family.configurations() == [
        base,
        base | {"dropout": 0.5},
        base | {"learning_rate": 0.1},
        base | {"normalization": "batch"},
        base | {"normalization_position": "before"},
    ]
    assert rw.OneAtATime({"optimizer.beta_1": [0.9, 0.5]}).configurations()[0] == {"optimizer.beta_1": 0.5}
    assert rw.OneAtATime({"dense.kernel_regularizer.l2": [0.1]}).configurations()[0] == {
        "dense.kernel_regularizer.l2": 0
    }


def test_all_together_and_all_but_one():
    family = rw.OneAtATime(
        l2=[0.1, 0.01, 0.001], dropout=[0.2, 0.4], normalization="batch", learning_rate=[0.1, 0.01], together=True
    )
    alone = 1 + 3 + 2 + 1 + 1
    base = {"l2": 0.0, "dropout": 0.0, "normalization": "none", "learning_rate": 0.01}
    every = base | {"l2": 0.01, "dropout": 0.2, "normalization": "batch"}
    but_one = [every | {name: base[name]} for name in ("l2", "dropout", "normalization")]
    assert family.configurations()[alone:] == [every, *but_one] and len(family) == alone + 4
    # Of two methods all but one is the other alone, which is there already.
    assert len(rw.OneAtATime(l2=[0.1], dropout=[0.2], together=True)) == 4
    assert len(rw.OneAtATime(l2=[0.1], together=True)) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rw.OneAtATime(), "varies nothing"),
        (lambda: rw.OneAtATime(l2=[-1.0]), "l2=-1 is out of range"),
        (lambda: rw.OneAtATime(l2=[1.0], base={"l2": -2.0}), "l2=-2 is out of range"),
        (lambda: rw.OneAtATime(l2=[1.0], base={"l 3": 1.0}), "Unknown hyperparameter 'l 3'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()
