"""Item analysis against numbers worked out by hand, pandas and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from ridgeway.studio.teacher.analysis import (
    TOO_EASY,
    TOO_HARD,
    WEAK,
    Graded,
    Item,
    analyse,
    choices,
    correlation,
    discrimination,
)


def by_id(items: list[Item]) -> dict[str, Item]:
    return {one.question: one for one in items}


def random_answers(attempts: int = 90, seed: int = 0) -> list[Graded]:
    """Attempts at 8 of 12 questions, of learners who know more and less, with partial credit."""
    random = np.random.default_rng(seed)
    rows = []
    for attempt in range(attempts):
        skill = random.normal()
        for question in random.choice(12, 8, replace=False):
            right = random.random() < 1 / (1 + np.exp(question / 4 - 1 - skill))
            rows.append(Graded(attempt, f"q{question:02}", float(right) if question else 0.5 * random.integers(0, 3)))
    return rows


def test_difficulty_and_correlation_agree_with_pandas_and_scipy() -> None:
    answers = random_answers()
    table = pd.DataFrame([(one.attempt, one.question, one.points) for one in answers], columns=["a", "q", "points"])
    wide = table.pivot(index="a", columns="q", values="points")
    for question, item in by_id(analyse(answers, {})).items():
        had = wide[wide[question].notna()]
        assert item.count == len(had)
        assert item.difficulty == pytest.approx(had[question].mean())
        rest = had.drop(columns=question).mean(axis=1)
        assert item.item_rest == pytest.approx(pearsonr(had[question], rest).statistic)
        assert item.item_rest == pytest.approx(had[question].corr(rest))


def test_discrimination_by_hand() -> None:
    # 22 attempts: 27 % are 6. Totals 22, 21, …, 1; the upper six have it right but one, the lower six wrong but one.
    points = np.array([1, 1, 0, 1, 1, 1] + [1] * 10 + [0, 0, 1, 0, 0, 0])
    totals = np.arange(22, 0, -1) / 22
    assert discrimination(points, totals) == pytest.approx(5 / 6 - 1 / 6)
    order = np.random.default_rng(1).permutation(22)
    assert discrimination(points[order], totals[order]) == pytest.approx(4 / 6)


def test_ties_at_the_border_share_the_last_places() -> None:
    # Upper 6 of 22: two above, then eight that tie for four places, half of them right; below all wrong.
    points = np.array([1, 1] + [1, 0] * 4 + [0] * 12)
    totals = np.array([1.0] * 2 + [0.8] * 8 + [0.1] * 12)
    assert discrimination(points, totals) == pytest.approx((2 + 8 * 0.5 * 0.5) / 6)
    assert discrimination(points[::-1], totals[::-1]) == discrimination(points, totals)
    assert discrimination(np.ones(30), np.ones(30)) == pytest.approx(0)


def test_hidden_below_twenty() -> None:
    answers = [Graded(a, q, float(a % 2)) for a in range(19) for q in ("one", "two")]
    few = by_id(analyse(answers, {}))["one"]
    assert few.difficulty == pytest.approx(9 / 19)
    assert few.discrimination is None and few.item_rest is None and few.flags == ()
    enough = by_id(analyse([*answers, Graded(19, "one", 1.0), Graded(19, "two", 1.0)], {}))["one"]
    assert enough.discrimination == pytest.approx(1) and enough.item_rest == pytest.approx(1)


def test_flags() -> None:
    answers = []
    for attempt in range(40):
        answers += [
            Graded(attempt, "hard", float(attempt < 4)),
            Graded(attempt, "easy", float(attempt != 1)),
            Graded(attempt, "good", float(attempt < 20)),
            Graded(attempt, "weak", float(attempt >= 24)),
            Graded(attempt, "constant", 0.5),
        ]
    items = by_id(analyse(answers, {}))
    assert TOO_HARD in items["hard"].flags and TOO_EASY not in items["hard"].flags
    assert TOO_EASY in items["easy"].flags
    assert items["good"].flags == () or items["good"].flags == (WEAK,)
    assert WEAK in items["weak"].flags and items["weak"].item_rest is not None and items["weak"].item_rest < 0
    assert items["constant"].item_rest is None and items["constant"].flags == ()


def test_limits_of_the_flags_are_open() -> None:
    answers = [Graded(a, "fifth", float(a < 4)) for a in range(20)] + [Graded(a, "all but one", float(a)) for a in ()]
    assert by_id(analyse(answers, {}))["fifth"].flags == ()


def test_correlation_of_what_does_not_vary() -> None:
    assert correlation(np.ones(30), np.arange(30.0)) is None


def test_shares_of_choices() -> None:
    found = {one.key: (one.count, one.share) for one in choices([("a",), ("a",), ("b",), ()], "single")}
    assert found == {("a",): (2, 0.5), ("b",): (1, 0.25)}
    found = {one.key: one.count for one in choices([("a", "b"), ("b",), ()], "several")}
    assert found == {("b",): 2, ("a",): 1}
    found = {one.key: one.count for one in choices([("a", "b"), ("b", "a"), ("a", "b"), ()], "order")}
    assert found == {("a", "b"): 2, ("b", "a"): 1}
    assert len(choices([(str(one), "x") for one in range(100)], "order")) == 8


def test_nothing_gives_nothing() -> None:
    assert analyse([], {}) == []
