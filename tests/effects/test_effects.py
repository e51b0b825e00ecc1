"""Effects that were put into the data are found, with intervals that cover them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgeway.effects import effects, interactions
from ridgeway.errors import InputError
from ridgeway.path import Path

Grid = Callable[..., tuple[pd.DataFrame, dict[str, Any]]]
VALUES = {"dropout": [0.0, 0.2, 0.5], "weight_decay": [0.0, 0.01], "normalization": ["none", "batch"]}
TRUTH = {("dropout", 0.2): -0.05, ("dropout", 0.5): 0.04, ("weight_decay", 0.01): 0.0, ("normalization", "batch"): -0.1}


def true_score(configuration: dict[str, Any]) -> float:
    return 0.5 + sum(TRUTH.get(item, 0.0) for item in configuration.items())


def noisy(rng: np.random.Generator) -> Callable[[dict[str, Any], int, int], float]:
    """Scores with a noise of the repeat and fold, one of each method in it, and one of the lane."""
    common = rng.normal(0, 0.1, (20, 20))
    reaction = {item: rng.normal(0, 0.02, (20, 20)) for item in TRUTH}

    def score(configuration: dict[str, Any], repeat: int, fold: int) -> float:
        reacted = sum(reaction[item][repeat, fold] for item in configuration.items() if item in reaction)
        return true_score(configuration) + common[repeat, fold] + reacted + rng.normal(0, 0.02)

    return score


@pytest.mark.parametrize("units", [3, 5, 8])
def test_coverage_over_500_simulations(grid: Grid, units: int) -> None:
    rng = np.random.default_rng(units)
    covered = []
    table, record = grid(VALUES, lambda *_: 0.0, repeats=units)
    for _ in range(500):
        score = noisy(rng)
        lanes = zip(*(table[name] for name in VALUES), table["repeat"], strict=True)
        table["val_nll"] = [score(dict(zip(VALUES, lane[:3], strict=True)), lane[3], 0) for lane in lanes]
        found = effects(table, record, n_boot=499)
        truth = np.array([TRUTH[item] for item in zip(found["hyperparameter"], found["value"], strict=True)])
        covered.append((found["low"] <= truth) & (truth <= found["high"]))
    # For each effect by itself.
    shares = np.mean(covered, axis=0)
    assert (shares >= 0.92).all() and (shares <= 0.98).all(), shares


@pytest.mark.parametrize("units", [3, 6, 10])
def test_a_null_family_gets_hardly_any_verdict(grid: Grid, units: int) -> None:
    rng = np.random.default_rng(units)
    table, record = grid(VALUES, lambda *_: 0.0, repeats=units)
    false = 0
    for _ in range(300):
        table["val_nll"] = rng.normal(size=len(table)) + rng.normal(size=units)[table["repeat"]]
        false += (effects(table, record, n_boot=999)["verdict"] != "no evidence").any()
    # 5 % of families, and three standard errors of a share of 300.
    assert false / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_known_effects_get_their_verdicts_whichever_way_the_metric_points(grid: Grid) -> None:
    def verdicts(mode: str, sign: float) -> dict[tuple[str, Any], str]:
        score = noisy(np.random.default_rng(3))
        table, record = grid(VALUES, lambda *lane: sign * score(*lane), repeats=10, mode=mode)
        found = effects(table, record)
        return dict(zip(zip(found["hyperparameter"], found["value"], strict=True), found["verdict"], strict=True))

    expected = {
        ("dropout", 0.2): "helps",
        ("dropout", 0.5): "hurts",
        ("weight_decay", 0.01): "no evidence",
        ("normalization", "batch"): "helps",
    }
    assert verdicts("min", 1.0) == expected
    assert verdicts("max", -1.0) == expected


def test_differences_are_means_of_pairs_by_hand(grid: Grid) -> None:
    scores = {(0.0, 0.0): [1.0, 2.0], (0.0, 1.0): [1.5, 2.0], (0.5, 0.0): [0.0, 4.0], (0.5, 1.0): [1.0, 1.0]}
    table, record = grid(
        {"dropout": [0.0, 0.5], "l2": [0.0, 1.0]}, lambda c, repeat, _: scores[tuple(c.values())][repeat], repeats=2
    )
    found = effects(table.sample(frac=1.0, random_state=0), record).set_index("hyperparameter")
    # dropout: repeat 0: (−1 − 0.5)/2, repeat 1: (2 − 1)/2. l2: (0.5 + 1)/2 and (0 − 3)/2.
    assert found.loc["dropout", "difference"] == pytest.approx((-0.75 + 0.5) / 2)
    assert found.loc["l2", "difference"] == pytest.approx((0.75 - 1.5) / 2)
    assert list(found["n"]) == [2, 2] and list(found["pairs"]) == [4, 4]
    both = interactions(table, record)
    # (1 − 0 − 1.5 + 1) and (1 − 4 − 2 + 2).
    assert both.loc[0, "difference"] == pytest.approx((0.5 - 3.0) / 2)
    assert both.loc[0, ["first", "second"]].tolist() == ["dropout", "l2"]


def test_folds_are_the_units_where_there_are_several(grid: Grid) -> None:
    rng = np.random.default_rng(0)
    table, record = grid({"dropout": [0.0, 0.5]}, lambda *_: rng.normal(), repeats=3, folds=5)
    found = effects(table, record)
    by_fold = table.pivot_table(index="fold", columns="dropout", values="val_nll")
    differences = (by_fold[0.5] - by_fold[0.0]).to_numpy()
    assert found.loc[0, ["n", "pairs"]].tolist() == [5, 15]
    assert found.loc[0, "difference"] == pytest.approx(differences.mean())
    half = 2.776445 * differences.std(ddof=1) / math.sqrt(5)
    assert found.loc[0, "high"] == pytest.approx(differences.mean() + half)
    without = effects(table[table["fold"] == 0].drop(columns="fold"), record)
    assert without.loc[0, "n"] == 3


def test_one_repeat_has_a_difference_and_no_verdict(grid: Grid) -> None:
    table, record = grid(VALUES, lambda c, *_: true_score(c), repeats=1)
    found = effects(table, record)
    assert set(found["verdict"]) == {"no evidence"} and set(found["interval"]) == {"unknown"}
    assert found["low"].isna().all() and found["p_holm"].isna().all()
    assert found["difference"].tolist() == pytest.approx(list(TRUTH.values()))


def test_what_stands_for_absence(grid: Grid) -> None:
    values = {"learning_rate": [0.001, 0.1], "clip_norm": [None, 1.0], "input_scaling": ["standardize", "none"]}
    table, record = grid(values, lambda *_: 1.0, repeats=2)
    record["hyperparameters"]["clip_norm"]["order"] = [1.0, None]
    against = effects(table, record).set_index("hyperparameter")["against"]
    assert against["learning_rate"] == 0.001 and against["input_scaling"] == "none" and against["clip_norm"] is None


def test_an_exponent_is_judged_where_its_penalty_is_on(grid: Grid) -> None:
    values = {"lp": [0.0, 0.1], "p": [1.0, 2.0]}
    table, record = grid(values, lambda c, *_: c["lp"] * c["p"], repeats=2)
    found = effects(table, record).set_index("hyperparameter")
    assert found.loc["p", "difference"] == pytest.approx(0.1) and found.loc["p", "pairs"] == 2
    assert found.loc["lp", "difference"] == pytest.approx(0.15) and found.loc["lp", "pairs"] == 4


def test_lanes_without_a_score_leave_their_pairs_out(grid: Grid) -> None:
    table, record = grid(
        {"dropout": [0.0, 0.5], "l2": [0.0, 1.0]}, lambda c, r, _: c["dropout"] + c["l2"] * r, repeats=3
    )
    table.loc[0, "val_nll"] = math.inf
    found = effects(table, record).set_index("hyperparameter")
    assert found.loc["dropout", "difference"] == pytest.approx(0.5) and found.loc["dropout", "pairs"] == 5


def test_another_metric_knows_its_direction(grid: Grid) -> None:
    table, record = grid({"dropout": [0.0, 0.5]}, lambda c, r, _: c["dropout"] + 0.01 * r * c["dropout"], repeats=4)
    table["val_accuracy"] = table["top_score"] = table["val_nll"]
    path = Path(table, pd.DataFrame(), record)
    assert path.effects().loc[0, "verdict"] == "hurts"
    assert path.effects("val_accuracy").loc[0, "verdict"] == "helps"
    assert path.effects("top_score", mode="min").loc[0, "verdict"] == "hurts"
    with pytest.raises(InputError, match="'top_score' does not say whether less or more of it is better"):
        path.effects("top_score")
    with pytest.raises(InputError, match="no metric 'val_acuracy'. The nearest are val_accuracy"):
        path.effects("val_acuracy")
    with pytest.raises(InputError, match="n_boot=0"):
        path.effects(n_boot=0)
    with pytest.raises(InputError, match="Unknown mode 'low'"):
        path.effects(mode="low")


def test_a_planted_interaction_is_found_among_the_two_strongest(grid: Grid) -> None:
    rng = np.random.default_rng(0)
    values = {"l2": [0.0, 1.0], "dropout": [0.0, 0.5], "sam": [0.0, 0.1]}

    def score(c: dict[str, Any], *_: int) -> float:
        on = {name: c[name] > 0 for name in c}
        planted = -0.3 * on["dropout"] - 0.2 * on["sam"] + 0.25 * (on["dropout"] and on["sam"])
        return planted + rng.normal(0, 0.02)

    table, record = grid(values, score, repeats=8)
    found = interactions(table, record)
    assert found[["first", "second"]].iloc[0].tolist() == ["dropout", "sam"] and len(found) == 1
    assert found.loc[0, "low"] < 0.25 < found.loc[0, "high"]
    assert found.loc[0, "verdict"] == "hurts"


def test_families_without_pairs_are_sent_to_importance(record: Callable[..., dict[str, Any]]) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"lane": range(9), "dropout": rng.random(9), "l2": rng.random(9), "val_nll": rng.random(9)})
    about = record({"dropout": [0.0, 1.0], "l2": [0.0, 1.0]})
    with pytest.raises(InputError, match=r"path.importance\(\)"):
        effects(table, about)
    with pytest.raises(InputError, match="Nothing was varied"):
        effects(table.assign(dropout=0.5, l2=0.1), about)


def test_methods_alone_have_effects_and_no_interactions(grid: Grid) -> None:
    table, record = grid({"dropout": [0.0, 0.5], "l2": [0.0, 1.0]}, lambda c, r, _: c["dropout"] - c["l2"] * r)
    alone = table[(table["dropout"] == 0) | (table["l2"] == 0)]
    assert effects(alone, record)["pairs"].tolist() == [3, 3]
    with pytest.raises(InputError, match="never varied together"):
        interactions(alone, record)
    with pytest.raises(InputError, match="Only 'dropout' was compared"):
        interactions(table[table["l2"] == 0], record)


def test_a_strength_that_never_finished_has_a_row(grid: Grid) -> None:
    rng = np.random.default_rng(0)
    table, record = grid({"dropout": [0.0, 0.5], "l2": [0.0, 1.0, 9.0]}, lambda *_: rng.normal(), repeats=6)
    lost = table["l2"] == 9.0
    table.loc[lost, ["val_nll", "stopped"]] = [math.nan, "diverged"]
    found = effects(table, record).set_index(["hyperparameter", "value"])
    row = found.loc[("l2", 9.0)]
    assert math.isnan(row["difference"]) and row["verdict"] == "diverges" and row["diverged"] == 12
    assert (row["pairs"], row["n"]) == (0, 0) and found.loc[("l2", 1.0), "diverged"] == 0
    # It asks no question, and so makes no other answer less sure.
    rest = effects(table[~lost], record).set_index(["hyperparameter", "value"])
    assert found.loc[("l2", 1.0), "p_holm"] == pytest.approx(rest.loc[("l2", 1.0), "p_holm"])


def test_survivors_alone_help_nothing(grid: Grid) -> None:
    rng = np.random.default_rng(0)
    values = {"l2": [0.0, 1.0], "dropout": [0.0, 0.5]}
    table, record = grid(values, lambda c, *_: rng.normal(0, 0.1) - c["l2"], repeats=8)
    assert effects(table, record)["verdict"].iloc[0] == "helps"
    table.loc[(table["l2"] == 1.0) & (table["repeat"] < 4), ["val_nll", "stopped"]] = [math.nan, "diverged"]
    assert effects(table, record)["verdict"].iloc[0] == "diverges"
    # Where as much diverges without it, the pairs that are left are no choice of the method's.
    table.loc[(table["l2"] == 0.0) & (table["repeat"] == 4), ["val_nll", "stopped"]] = [math.nan, "diverged"]
    assert effects(table, record)["verdict"].iloc[0] == "helps"


def test_where_all_diverged_the_message_says_so(grid: Grid) -> None:
    table, record = grid({"l2": [0.0, 1.0]}, lambda *_: 1.0, repeats=3)
    table.loc[table["l2"] == 1.0, ["val_nll", "stopped"]] = [math.nan, "diverged"]
    with pytest.raises(InputError, match=r"one at least has no finite val_nll.*3 of 6 lanes diverged"):
        effects(table, record)
