"""Item analysis against numbers worked out by hand, pandas and SciPy."""

from xml.etree import ElementTree as ET

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
    OfTopic,
    analyse,
    by_topic,
    choices,
    correlation,
    discrimination,
)
from ridgeway.studio.teacher.chart import chart, two


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


def test_a_table_worked_out_by_hand() -> None:
    """Of twenty attempts, k = 0 … 19, item a is right for k ≥ 5, b for k ≥ 10, c for k ≥ 15, d for even k."""
    right = {"a": lambda k: k >= 5, "b": lambda k: k >= 10, "c": lambda k: k >= 15, "d": lambda k: k % 2 == 0}
    answers = [Graded(k, key, float(has(k))) for k in range(20) for key, has in right.items()]
    items = by_id(analyse(answers, {}))
    assert [items[key].difficulty for key in "abcd"] == [0.75, 0.5, 0.25, 0.5]
    # 27 % of 20 are 5.4, that is 5. The best by total are 16 and 18 with 4 right, then 15, 17, 19 and the even 10, 12,
    # 14 with 3: six that share the three places left, half a place each. The weakest are 1 and 3 with none right, then
    # 0, 2, 4 and the odd 5, 7, 9 with one, again half a place each.
    a, b, c, d = (items[key].discrimination for key in "abcd")
    assert a == pytest.approx(5 / 5 - 1.5 / 5)  # above all; below the odd 5, 7, 9
    assert b == pytest.approx(5 / 5 - 0 / 5)  # above all; below none
    assert c == pytest.approx((2 + 1.5) / 5)  # above 16, 18 and half of 15, 17, 19
    assert d == pytest.approx((2 + 1.5) / 5 - 1.5 / 5)  # above 16, 18, half of 10, 12, 14; below half of 0, 2, 4
    # r of a with (b + c + d)/3. E[a] = 3/4; E[b+c+d] = 5/4; E[a(b+c+d)] = (10 + 5 + 7)/20 = 11/10 (of the even k seven
    # are ≥ 5), so the covariance is 11/10 − 15/16 = 13/80. Var a = 3/16. E[(b+c+d)²] = E[b+c+d] + 2E[bc + bd + cd]
    # = 5/4 + 2(5 + 5 + 2)/20 = 49/20, so Var = 49/20 − 25/16 = 71/80.
    assert items["a"].item_rest == pytest.approx((13 / 80) / np.sqrt(3 / 16 * 71 / 80))
    # r of d with (a + b + c)/3: E[d(a+b+c)] = (7 + 5 + 2)/20 = 7/10; E[d]E[a+b+c] = 3/4: covariance −1/20. Var d = 1/4;
    # a + b + c is 0, 1, 2, 3 by equal parts: Var = 5/4.
    assert items["d"].item_rest == pytest.approx((-1 / 20) / np.sqrt(1 / 4 * 5 / 4))
    assert items["d"].flags == (WEAK,) and items["a"].flags == ()


def test_topics_are_weighed_by_their_answers() -> None:
    answers = [
        Graded(1, "x", 1.0),
        Graded(1, "y", 0.5),
        Graded(2, "x", 0.0),
        Graded(2, "z", 1.0),
        Graded(2, "gone", 1.0),
    ]
    found = by_topic(answers, {"x": "one", "y": "one", "z": "two"})
    assert found == {"one": OfTopic(2, 3, 0.5), "two": OfTopic(1, 1, 1.0)}


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
    assert few.discrimination is None and few.item_rest is None and few.flags == () and few.too_few
    enough = by_id(analyse([*answers, Graded(19, "one", 1.0), Graded(19, "two", 1.0)], {}))["one"]
    assert enough.discrimination == pytest.approx(1) and enough.item_rest == pytest.approx(1) and not enough.too_few


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


def test_the_chart_shows_items_with_enough_attempts_only() -> None:
    answers = [Graded(a, q, float((a + q) % 3 > 0)) for a in range(30) for q in (1, 2, 3)] + [Graded(0, 4, 1.0)]
    answers = [Graded(one.attempt, f"<q{one.question}>", one.points) for one in answers]
    items = analyse(answers, {})
    drawing = chart(items, "en")
    assert drawing is not None and drawing.count == 3
    picture = ET.fromstring(drawing.svg)
    marks = [one for one in picture.iter() if one.find("title") is not None]
    assert len(marks) == 3 and "<q4>" not in str(drawing.svg)
    for mark, item in zip(marks, [one for one in items if not one.too_few], strict=True):
        assert item.discrimination is not None
        assert (
            mark.findtext("title") == f"{item.question}: p {two(item.difficulty)}, D {two(item.discrimination)}, n 30"
        )
    assert chart([one for one in items if one.too_few], "ko") is None


def test_no_minus_before_zero() -> None:
    assert [two(one) for one in (-0.001, 0.0, -0.256, 1.0)] == ["0.00", "0.00", "−0.26", "1.00"]
