"""Figures of every kind, for every shape of path."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from ridgeway.errors import InputError
from ridgeway.path import Path
from ridgeway.report import KINDS, plot
from ridgeway.report.reliability_figure import calibration_of


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_kind_draws_every_path(any_path: Path, kind: str, lang: str) -> None:
    if kind == "reliability" and calibration_of(any_path).empty:
        pytest.skip("no calibration")
    figure = plot(any_path, kind, lang)
    assert len(figure.data) > 0
    assert figure.to_json()


def test_an_unknown_kind_lists_the_kinds(synthetic: SimpleNamespace) -> None:
    with pytest.raises(
        InputError, match="'curve'. The nearest is 'curves'.*'path', 'curves', 'weights', 'parallel', 'reliability'"
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
    for kind in ("path", "curves", "weights", "parallel"):
        assert "<b>x</b>" not in plot(path, kind).to_json().replace("\\u003c", "<").replace("\\u003e", ">")
