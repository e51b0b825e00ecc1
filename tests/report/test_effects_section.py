"""The report's advice and the section on effects."""

import math
import re
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ridgeway as rw
from ridgeway.path import Path
from ridgeway.report.advice import advice
from ridgeway.report.effects_section import effects_section
from ridgeway.report.gains import evidence
from ridgeway.report.page import render

VALUES = {"dropout": [0.0, 0.25, 0.5], "weight_decay": [0.0, 0.01], "normalization": ["none", "batch"]}


@pytest.fixture
def scored(synthetic: SimpleNamespace) -> Callable[..., Path]:
    """Makes a path with the scores that a function gives to its table."""

    def make(score: Callable[[pd.DataFrame], pd.Series], repeats: int = 6, metric: str = "val_nll") -> Path:
        path = synthetic.make(VALUES, repeats=repeats, metric=metric)
        table = path.table()
        table[metric] = score(table) + np.random.default_rng(0).normal(0, 0.002, len(table))
        return Path(table, path.history(), path.record)

    return make


def planted(table: pd.DataFrame) -> pd.Series:
    return 0.5 - 0.1 * (table["dropout"] == 0.25) + 0.05 * (table["dropout"] == 0.5) - 0.2 * (table["weight_decay"] > 0)


def test_it_says_what_to_use_and_what_not(scored: Callable[..., Path]) -> None:
    said = advice(evidence(scored(planted)), "en")
    gains = re.findall(r"(\w+) ([\d.]+)</b> \(gain <b>([\d.]+)", said.split("It got worse")[0])
    assert [gain[:2] for gain in gains] == [("dropout", "0.25"), ("weight_decay", "0.01")]
    assert [float(gain[2]) for gain in gains] == pytest.approx([0.1, 0.2], abs=0.003)
    assert "It got worse with" in said and "dropout 0.5</b>" in said.split("It got worse")[1]
    assert "normalization" in said.split("Not worth your time so far")[1]
    assert "over 6 repeats" in said and "4 comparisons" in said


def test_gains_are_positive_whichever_way_the_metric_points(scored: Callable[..., Path]) -> None:
    less = evidence(scored(planted)).gains
    more = evidence(scored(lambda table: 1.0 - planted(table), metric="val_accuracy")).gains
    assert [gain.verdict for gain in less] == [gain.verdict for gain in more]
    for one, other in zip(less, more, strict=True):
        assert one.gain.gain == pytest.approx(other.gain.gain, abs=0.01)
        assert one.gain.low < one.gain.gain < one.gain.high


def test_an_interaction_is_put_into_words(scored: Callable[..., Path]) -> None:
    def together(table: pd.DataFrame) -> pd.Series:
        return planted(table) + 0.08 * ((table["dropout"] == 0.25) & (table["weight_decay"] > 0))

    path = scored(together)
    section = effects_section(evidence(path), path.metric, path.mode, "en")
    assert "gain 0.08" in section and "less together than the sum of both" in section
    assert 'class="effect helps"' in section and 'class="effect hurts"' in section
    path = scored(planted)
    assert "no evidence that the gain of one depends" in effects_section(evidence(path), path.metric, path.mode, "en")


def test_one_training_each_gives_no_advice(scored: Callable[..., Path]) -> None:
    found = evidence(scored(planted, repeats=1))
    assert "can&#x27;t be said yet" in advice(found, "en") and "repeats=5" in advice(found, "ko")
    assert all(math.isnan(gain.gain.low) for gain in found.gains)


def test_draws_at_random_get_their_importance(synthetic: SimpleNamespace) -> None:
    family = rw.Random(24, dropout=rw.Range(0.0, 0.8), weight_decay=rw.Range(1e-5, 1e-1, log=True))
    path = synthetic.make({"dropout": list(range(24)), "weight_decay": [0.0]})
    drawn = pd.DataFrame(family.configurations())
    drawn.loc[1, "weight_decay"] = drawn.loc[0, "weight_decay"]
    table = path.table().assign(**drawn, val_nll=drawn["dropout"])
    about = {name: {"values": v, "order": v, "regularizes": True, "base": 0.0} for name, v in family.values.items()}
    record = {**path.record, "hyperparameters": about}
    found = evidence(Path(table, path.history(), record))
    # One pair among many draws is no reason to speak of effects.
    assert not found.gains and found.importance["hyperparameter"].iloc[0] == "dropout"
    assert "What decides here" in advice(found, "en") and "Of little consequence" in advice(found, "en")
    assert "%" in effects_section(found, "val_nll", "min", "ko")


@pytest.mark.parametrize("case", ["one_lane", "diverged"])
def test_pages_with_and_without_the_section(synthetic: SimpleNamespace, case: str) -> None:
    page = render(synthetic.cases[case](), "en")
    assert ("What each method does" in page) == (case != "one_lane")
