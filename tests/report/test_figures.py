"""Figures of every kind, for every shape of path."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgeway.errors import InputError
from ridgeway.path import Path
from ridgeway.report import KINDS, plot
from ridgeway.report.page import render
from ridgeway.report.probes_figure import probes_of
from ridgeway.report.reliability_figure import calibration_of, compared_lanes, expected_calibration_error
from ridgeway.selection import weakest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_kind_draws_every_path(any_path: Path, kind: str, lang: str) -> None:
    if kind == "reliability" and calibration_of(any_path).empty:
        with pytest.raises(InputError, match="has no calibration"):
            plot(any_path, kind, lang)
        return
    if kind == "probes" and probes_of(any_path).empty:
        with pytest.raises(InputError, match="has no probes"):
            plot(any_path, kind, lang)
        return
    figure = plot(any_path, kind, lang)
    assert len(figure.data) > 0
    assert figure.to_json()


def test_an_unknown_kind_lists_the_kinds(synthetic: SimpleNamespace) -> None:
    with pytest.raises(
        InputError,
        match="'curve'. The nearest is 'curves'.*'path', 'curves', 'weights', 'parallel', 'reliability', 'probes'",
    ):
        plot(synthetic.cases["one_lane"](), "curve")
    with pytest.raises(InputError, match="Unknown language 'fr'"):
        plot(synthetic.cases["one_lane"](), "path", "fr")


def test_the_path_figure_marks_best_and_one_se(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["grid"]()
    best, simple = path.select("best"), path.select("one_se")
    assert best.configuration != simple.configuration
    figure = plot(path, "path")
    for symbol, choice in (("star", best), ("diamond", simple)):
        drawn = [trace for trace in figure.data if trace.marker.symbol == symbol and len(trace.x) == 1]
        assert [trace.y[0] for trace in drawn] == [choice.mean] * 2


def test_error_bars_are_one_standard_error(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["one_hyperparameter"]()
    line = plot(path, "path").data[0]
    summary = path.configurations().sort_values("dropout")
    assert list(line.y) == summary["mean"].tolist()
    assert list(line.error_y.array) == summary["standard_error"].tolist()


def test_lines_do_not_cross_the_break_to_zero(synthetic: SimpleNamespace) -> None:
    line = plot(synthetic.cases["grid"](), "path").data[0]
    assert line.y[0] is not None and line.y[1] is None and len(line.x) == 9


def test_diverged_configurations_are_crosses(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["diverged"]()
    crosses = [trace for trace in plot(path, "path").data if trace.marker.symbol == "x-thin"]
    count = int((path.configurations()["diverged"] > 0).sum())
    assert count > 0 and [len(trace.x) for trace in crosses] == [count, count]


def test_curves_of_300_lanes_stay_few_traces(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["many"]()
    figure = plot(path, "curves")
    assert len(path.table()) == 288 and len(figure.data) == 2 * (8 + 3)
    drawn = sum(value is not None for trace in figure.data[:8] for value in trace.y)
    assert drawn == len(path.history())


def test_long_histories_are_thinned_but_keep_every_lane(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["grid"]()
    table, history = path.table(), path.history()
    long = pd.concat([history.assign(epoch=history["epoch"] + 32 * k) for k in range(40)])
    figure = plot(Path(table, long, path.record), "curves")
    lanes = {lane for trace in figure.data[:8] for lane in trace.customdata if lane is not None}
    assert lanes == set(table["lane"])
    assert sum(len(trace.x) for trace in figure.data[:8]) < 26_000


def test_kept_epochs_are_dots(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["grid"]()
    dots = next(trace for trace in plot(path, "curves").data if trace.name == "kept epoch")
    assert list(dots.x) == path.table()["best_epoch"].tolist()
    assert list(dots.y) == pytest.approx(path.table()["val_nll"].tolist(), rel=1e-4)


def test_zeros_are_drawn_only_where_there_are_some(synthetic: SimpleNamespace) -> None:
    def headlines(figure: Any) -> list[str]:
        return [note.text for note in figure.layout.annotations if note.name == "headline"]

    assert len(headlines(plot(synthetic.cases["grid"](), "weights"))) == 2
    with_l1 = headlines(plot(synthetic.cases["diverged"](), "weights"))
    assert len(with_l1) == 2 and "zero" in with_l1[1]


def test_better_is_up_in_parallel_coordinates(synthetic: SimpleNamespace) -> None:
    for case in ("grid", "accuracy"):
        path = synthetic.cases[case]()
        figure = plot(path, "parallel")
        best = next(trace for trace in figure.data if trace.marker.symbol == "star")
        others = [y for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True) if x == 2]
        assert best.y[-1] == pytest.approx(max(others))


def test_names_are_shown_as_text(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"<b>x</b>.rate": [0.0, 0.5], "dropout": [0.0, 0.5]})
    table, record = path.table(), json.loads(json.dumps(path.record))
    table["normalization"] = np.where(table["dropout"] == 0, "<b>x</b>", "batch")
    about = {"values": ["<b>x</b>", "batch"], "order": ["<b>x</b>", "batch"], "regularizes": False, "base": None}
    record["hyperparameters"]["normalization"] = about
    path = Path(table, path.history(), record)
    for kind in ("path", "curves", "weights", "parallel"):
        assert "<b>x</b>" not in plot(path, kind).to_json().replace("\\u003c", "<").replace("\\u003e", ">")


def line_labels(figure: Any) -> list[str]:
    return [note.text for note in figure.layout.annotations if note.name == "line label"]


def test_numbers_stand_on_the_axis_and_words_are_colours(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["words"]()
    figure = plot(path, "path")
    assert figure.layout.xaxis.title.text == "weight_decay"
    assert "xaxis2" not in figure.layout
    words = ["none", "batch", "layer", "instance", "group"]
    assert sorted(line_labels(figure)) == sorted(f"normalization {word}" for word in words)
    lines = [trace for trace in figure.data if trace.meta == "line"]
    assert [line.name for line in lines] == [f"normalization {word}" for word in words]
    assert len({line.line.color for line in lines}) == 5
    for line, word in zip(lines, words, strict=True):
        summary = path.configurations()
        own = summary[summary["normalization"] == word].sort_values("weight_decay")["mean"]
        assert [y for y in line.y if y is not None] == own.tolist()


def test_a_word_among_several_others_colours_the_best_over_the_rest(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["words_and_numbers"]()
    figure = plot(path, "path")
    titles = [figure.layout[f"xaxis{n}"].title.text for n in ("", 2, 3)]
    assert titles == ["weight_decay", "dropout", "normalization_position"]
    summary = path.configurations()
    best = summary[summary["normalization"] == "batch"].groupby("dropout")["mean"].min()
    drawn = [trace for trace in figure.data if trace.name == "normalization batch" and trace.xaxis == "x2"]
    assert list(drawn[0].y) == best.tolist()


def test_words_alone_stand_on_the_axis_in_order(synthetic: SimpleNamespace) -> None:
    figure = plot(synthetic.cases["one_word_hyperparameter"](), "path")
    assert list(figure.layout.xaxis.ticktext) == ["none", "batch", "layer", "instance", "group"]
    assert list(figure.data[0].x) == [0, 1, 2, 3, 4] and figure.layout.xaxis.type == "linear"


def test_words_of_a_random_search_are_told_apart(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [k / 30 for k in range(12)], "weight_decay": [k / 9 for k in range(12)]})
    table = path.table()
    words = ["none", "batch"]
    table["normalization"] = [words[lane % 2] for lane in table["lane"]]
    # The diagonal: no two lanes share a value.
    table = table[table["lane"] % 13 == 0]
    record = {**path.record, "hyperparameters": {**path.record["hyperparameters"]}}
    record["hyperparameters"]["normalization"] = {"values": words, "order": words, "regularizes": False, "base": "none"}
    history = path.history()
    figure = plot(Path(table, history[history["lane"].isin(table["lane"])], record), "path")
    shown = [trace for trace in figure.data if str(trace.name).startswith("normalization") and trace.xaxis == "x"]
    assert [trace.name for trace in shown] == ["normalization none", "normalization batch"]
    assert all(trace.mode == "markers" and trace.showlegend for trace in shown)


def test_curves_mark_where_lanes_stopped_and_why(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["words_and_numbers"]()
    table = path.table()
    for lang, label in (("en", "stopped: path stopped"), ("ko", "멈춘 에포크(경로 전체 종료)")):
        traces = [trace for trace in plot(path, "curves", lang).data if trace.name == label]
        assert [list(trace.customdata) for trace in traces] == [[40, 41], [40, 41]]
        assert list(traces[0].x) == table.loc[table["lane"].isin([40, 41]), "epochs"].tolist()
    named = {trace.name for trace in plot(path, "curves").data}
    reasons = {"early stopping", "time is up", "target reached", "interrupted"}
    assert {f"stopped: {reason}" for reason in reasons} <= named
    assert "stopped: all epochs done" not in named


def test_the_winners_kept_epoch_is_a_star(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["grid"]()
    dots = next(trace for trace in plot(path, "curves").data if trace.name == "kept epoch")
    stars = [lane for lane, symbol in zip(dots.customdata, dots.marker.symbol, strict=True) if symbol == "star"]
    assert stars == [path.best.lane]


def test_curves_coloured_by_words_name_each(synthetic: SimpleNamespace) -> None:
    figure = plot(synthetic.cases["one_word_hyperparameter"](), "curves")
    assert [trace.name for trace in figure.data[:5]] == ["none", "batch", "layer", "instance", "group"]


def test_calibration_error_is_that_of_the_paper() -> None:
    bins = pd.DataFrame({"confidence": [0.5, 0.9], "accuracy": [0.4, 1.0], "count": [10, 30]})
    # Guo et al. (2017), equation 5, by hand.
    assert expected_calibration_error(bins) == pytest.approx(10 / 40 * 0.1 + 30 / 40 * 0.1)


def test_reliability_shows_the_best_and_the_least_regularized_lane(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["calibrated"]()
    lanes = compared_lanes(path)
    assert [role for role, _, _ in lanes] == ["best", "weakest"]
    assert lanes[0][1].lane == path.best.lane and lanes[1][1].configuration == {"label_smoothing": 0.0}
    figure = plot(path, "reliability")
    for role, choice, bins in lanes:
        drawn = next(trace for trace in figure.data if trace.legendgroup == role and trace.type == "scatter")
        own = path.calibration()
        own = own[(own["lane"] == choice.lane) & (own["count"] > 0)]
        assert list(drawn.x) == own["confidence"].tolist() and list(drawn.y) == own["accuracy"].tolist()
        assert f"{expected_calibration_error(bins):.1%}" in drawn.name
        bars = next(trace for trace in figure.data if trace.legendgroup == role and trace.type == "bar")
        assert sum(bars.y) == pytest.approx(1)


def test_whiskers_hold_the_accuracy_and_stay_in_range(synthetic: SimpleNamespace) -> None:
    figure = plot(synthetic.cases["calibrated"](), "reliability")
    best = next(trace for trace in figure.data if trace.legendgroup == "best" and trace.type == "scatter")
    for accuracy, up, down in zip(best.y, best.error_y.array, best.error_y.arrayminus, strict=True):
        assert up >= -1e-9 and down >= -1e-9 and up + down > 0
        assert accuracy + up <= 1 + 1e-9 and accuracy - down >= -1e-9


def test_without_calibration_there_is_no_reliability_plot(synthetic: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="This path has no calibration"):
        plot(synthetic.cases["grid"](), "reliability")


class ProbedPath(Path):
    """A path whose lanes were looked at: two layers, and one number that is not finite."""

    def probes(self) -> pd.DataFrame:
        rows = [
            (lane, epoch, layer, probe, 0.1 * (lane + 1) / epoch)
            for lane in self.table()["lane"]
            for epoch in (1, 2, 3)
            for layer, probe in [("first", "saturation"), ("out", "saturation"), ("", "sharpness")]
        ]
        rows.append((0, 4, "", "sharpness", np.inf))
        return pd.DataFrame(rows, columns=["lane", "epoch", "layer", "probe", "value"])


def test_probes_have_a_line_a_layer_for_the_best_and_the_least_regularized_lane(synthetic: SimpleNamespace) -> None:
    grid = synthetic.cases["grid"]()
    path = ProbedPath(grid.table(), grid.history(), grid.record)
    figure = plot(path, "probes", "ko")
    lines = [trace for trace in figure.data if trace.x[0] is not None]
    best, least = path.select("best").lane, weakest(path.table(), path.record).lane
    assert best != least
    own = path.probes()
    for lane, dash in ((best, "solid"), (least, "dot")):
        drawn = [list(trace.y) for trace in lines if trace.line.dash == dash]
        assert len(drawn) == 3
        expected = own[(own["lane"] == lane) & (own["layer"] == "first")]["value"]
        assert drawn[0] == pytest.approx(expected.tolist(), rel=1e-4)
    assert all(np.isfinite(trace.y).all() for trace in lines)
    assert 'id="plot-probes"' in render(path, "ko")
    assert 'id="plot-probes"' not in render(grid, "ko")


def test_the_figure_of_effects_shows_gains_with_intervals_or_importance(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [0.0, 0.25, 0.5], "l2": [0.0, 0.01, 0.1, 1.0]}, repeats=4)
    effects = path.effects().set_index(["hyperparameter", "value"])
    drawn = {}
    for trace in path.plot("effects").data:
        for label, x, more, less in zip(trace.y, trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True):
            drawn[label] = (x - less, x, x + more)
    assert set(drawn) == {"dropout 0.25", "dropout 0.5", "l2 0.01", "l2 0.1", "l2 1"}
    row = effects.loc[("dropout", 0.25)]
    # Better to the right: the loss is less.
    assert drawn["dropout 0.25"] == pytest.approx((-row["high"], -row["difference"], -row["low"]))
    halved = path.table().assign(stopped="halved")
    cut = Path(halved, path.history(), path.record | {"halving": {"rungs": [3, 50]}})
    bars = cut.plot("effects").data[0]
    assert bars.type == "bar" and set(bars.y) == {"dropout", "l2"} and sum(bars.x) > 0
