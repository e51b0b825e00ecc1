import pytest

import ridgeway as rw


def test_configurations_stay_as_listed():
    given = [{"dropout": 0.5, "l2": 0.01}, {"l2": 0.0, "dropout": 0.0}]
    family = rw.Listed(given)
    assert family.configurations() == given
    assert family.values == {"dropout": (0.0, 0.5), "l2": (0.0, 0.01)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], r"Listed\(\[\]\) holds no configuration"),
        ([{"dropout": 0.1}, {"dropout": 0.1, "l2": 1}], "'l2' is in some of the configurations only"),
        ([{"dropout": 0.1}, {"dropout": 0.1}], "Configuration 1 stands twice"),
        ([{"dropout": 2}], "dropout=2 is out of range"),
    ],
)
def test_what_is_no_list_of_configurations(given, said):
    with pytest.raises(rw.InputError, match=said):
        rw.Listed(given)


def test_repeats_are_those_named():
    family = rw.Listed([{"l2": 0.1}, {"l2": 0.2}], repeats=[[2, 0], [1]])
    assert [list(family.repeats_of(number, 9)) for number in (0, 1)] == [[0, 2], [1]]
    with pytest.raises(rw.InputError, match="does not have some for each of 2 configurations"):
        rw.Listed([{"l2": 0.1}, {"l2": 0.2}], repeats=[[0]])
