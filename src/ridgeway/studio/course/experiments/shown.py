"""What a lesson shows of its experiment before any script runs: figures and tables of the shipped result."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from markupsafe import Markup

from ridgeway.studio import i18n
from ridgeway.studio.course.experiments.chart import Chart, Series
from ridgeway.studio.course.experiments.registry import shipped
from ridgeway.studio.course.experiments.words import NAMES, texts

Data = dict[str, Any]
Translate = Callable[[str], str]


@dataclass(frozen=True)
class Figure:
    """A chart and the same numbers as a table.

    Attributes:
        chart: the drawing.
        head: names of the columns.
        rows: cells as texts, the first of each heading its row.
    """

    chart: Chart
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@cache
def of(name: str, lang: str) -> Data:
    """What the partial of a lesson needs.

    Args:
        name: of the lesson.
        lang: "ko" or "en".

    Returns:
        `data` (the shipped result), `settings`, `badge`, `figures` by name, `json` for the script, and what the
        lesson's controls need besides.

    Raises:
        LookupError: no result of this version is shipped.
    """
    result = shipped(name)
    if result is None:
        raise LookupError(
            f"The shipped result of '{name}' is of another version. Run "
            f"python -m ridgeway.studio.course.experiments {name}."
        )
    translate = i18n.translator(lang)
    given = {"result": result, "texts": texts(name, lang)}
    figures, more = _FIGURES[name](result["data"], translate)
    badge = translate("seed %(seed)s · %(ms)s ms") % {
        "seed": result["settings"]["seed"],
        "ms": f"{result['milliseconds']:,}",
    }
    return {
        "data": result["data"],
        "settings": result["settings"],
        "badge": badge,
        "figures": figures,
        # In a script element only "<" could end it.
        "json": Markup(json.dumps(given, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
        **more,
    }


def _lines(
    label: str, x: str, y: str, at: Sequence[Any], columns: Sequence[tuple[str, Sequence[Any], int]], path: bool = True
) -> Figure:
    """Lines over one axis: a path's lanes stand side by side, whatever their values; else the values are places.

    Args:
        label: what is to be seen.
        x: the axis's name.
        y: the axis's name.
        at: values on the x axis.
        columns: label, values and colour of each line.
        path: whether lanes stand at equal distances.
    """
    places = list(range(len(at))) if path else [float(one) for one in at]
    series = [
        Series(name, list(zip(places, values, strict=True)), colour, dashed=number % 2 == 1)
        for number, (name, values, colour) in enumerate(columns)
    ]
    named = [(place, _number(one)) for place, one in zip(places, at, strict=True)] if path else None
    rows = [[_number(one), *(_number(values[row]) for _name, values, _colour in columns)] for row, one in enumerate(at)]
    return Figure(Chart(label, x, y, series, named), [x, *(name for name, _v, _c in columns)], rows)


def _rows(label: str, x: str, rows: Sequence[tuple[str, Sequence[float]]], columns: tuple[str, str]) -> Figure:
    """Rows of dots: each value small, their mean by a second colour."""
    dots = [Series("", [(value, row) for value in values], 1, dots=True) for row, (_name, values) in enumerate(rows)]
    means = Series("", [(float(np.mean(values)), row) for row, (_name, values) in enumerate(rows)], 2, dots=True)
    named = [(float(row), name) for row, (name, _values) in enumerate(rows)]
    chart = Chart(label, x, "", [*dots, means], y_ticks=named, reverse=True)
    return Figure(chart, columns, [[name, _number(float(np.mean(values)))] for name, values in rows])


def _named(translate: Translate, lesson: str, word: str) -> str:
    return translate(NAMES[lesson][word])


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return "∞" if value == "inf" else value if isinstance(value, str) else f"{value:.4g}".replace("-", "−")


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [float(np.mean(row)) for row in rows]


def _overview(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    level = 1
    race = [
        (_named(translate, "overview", racer["name"]), racer["levels"][level]["val_nll"]) for racer in data["racers"]
    ]
    name = translate("Validation loss")
    return {
        "race": _rows(
            translate("Validation loss after the last epoch"), name, race, (translate("Regularizer"), translate("Mean"))
        )
    }, {}


def _weight_decay(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    first = data["optimizers"][0]
    lanes = first["decoupled"]
    path = [(translate("Training loss"), lanes["train_nll"], 2), (translate("Validation loss"), lanes["val_nll"], 1)]
    apart = [
        (
            _named(translate, "weight-decay", one["name"]),
            [None if not d else float(np.log10(d)) for d in one["difference"]],
            colour,
        )
        for one, colour in zip(data["optimizers"], (1, 2, 3), strict=True)
    ]
    difference = _lines("", "λ", translate("Difference"), data["lambdas"], apart)
    powers = [(float(power), f"1e{power}") for power in range(-9, 1, 2)]
    chart = Chart(
        translate("Largest difference between a weight with decay and the same weight with L2"),
        "λ",
        translate("Difference"),
        difference.chart.series,
        difference.chart.x_ticks,
        powers,
    )
    rows = [
        [_number(value), *(_number(one["difference"][place]) for one in data["optimizers"])]
        for place, value in enumerate(data["lambdas"])
    ]
    return {
        "path": _lines(
            translate("Loss against λ, after the last epoch"), "λ", translate("Loss"), data["lambdas"], path
        ),
        "difference": Figure(chart, difference.head, rows),
    }, {}


def _norms(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    exponents = [_number(p) for p in data["exponents"]]
    sums = [one["sum"] for one in data["triangle"]]
    parts = [one["parts"] for one in data["triangle"]]
    triangle = _lines(
        translate("Length of the sum and sum of the lengths"),
        "p",
        translate("Length"),
        exponents,
        [(translate("‖a + b‖"), sums, 1), (translate("‖a‖ + ‖b‖"), parts, 2)],
    )
    paths = data["paths"]
    zeros = [
        (_named(translate, "norms", kind), paths[kind]["zeros"], colour)
        for kind, colour in (("l1", 1), ("subgradient", 2), ("l2", 3))
    ]
    return {
        "triangle": triangle,
        "zeros": _lines(
            translate("Coefficients that are exactly 0"), "λ", translate("Zeros"), paths["strengths"], zeros
        ),
        "paths": _lines(
            translate("Coefficients against λ"),
            "λ",
            translate("Coefficient"),
            paths["strengths"],
            [
                (feature, [row[place] for row in paths["l1"]["weights"]], 1 + place % 6)
                for place, feature in enumerate(paths["features"])
            ],
        ),
    }, {"exponents": exponents}


def _early_stopping(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    size = data["sizes"][2]
    epochs = range(1, data["epochs"] + 1)
    curves = [
        (translate("Validation loss"), size["curve"], 1),
        (translate("Training loss"), data["train"], 2),
        (translate("Loss on the test rows"), data["test"], 3),
    ]
    times = [row["epochs"] for row in data["ridge"]]
    sizes = [
        (translate("Descent after t steps"), [row["descent_norm"] for row in data["ridge"]], 1),
        (translate("Ridge with λ = 1/(ηt)"), [row["ridge_norm"] for row in data["ridge"]], 2),
    ]
    return {
        "curves": _lines(translate("Loss by epoch"), translate("Epoch"), translate("Loss"), epochs, curves, path=False),
        "ridge": _lines(translate("Length of the weights"), "t", "‖w‖", times, sizes),
    }, {"rows": [one["rows"] for one in data["sizes"]]}


def _saving_best(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    scrub = data["scrub"]
    epochs = range(1, data["epochs"] + 1)
    curves = [
        (translate("Validation loss"), scrub["val_nll"], 1),
        (translate("Training loss"), scrub["train_nll"], 2),
        (translate("Loss on the test rows"), scrub["test_nll"], 3),
    ]
    seeds = [
        (_named(translate, "saving-best", kind), data["kept"][kind]["test_nll"])
        for kind in ("last", "best", "patience")
    ]
    return {
        "scrub": _lines(
            translate("One seed, epoch by epoch"), translate("Epoch"), translate("Loss"), epochs, curves, path=False
        ),
        "seeds": _rows(
            translate("Loss on the test rows, 20 seeds"),
            translate("Loss on the test rows"),
            seeds,
            (translate("Kept"), translate("Mean")),
        ),
    }, {"epochs": list(epochs), "best": int(np.argmin(scrub["val_nll"]))}


def _dropout(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    path = [
        (translate("Training loss without dropout"), _means(data["train_nll"]), 2),
        (translate("Training loss as training sees it"), _means(data["train_loss"]), 4),
        (translate("Validation loss"), _means(data["val_nll"]), 1),
    ]
    average = data["average"]
    many = [
        (translate("Mean over n masks"), average["nll"], 1),
        (translate("One pass without dropout"), [average["once_nll"]] * len(average["counts"]), 2),
    ]
    return {
        "path": _lines(translate("Loss against the rate"), "p", translate("Loss"), data["rates"], path),
        "average": _lines(
            translate("Loss of the mean prediction"), "n", translate("Validation loss"), average["counts"], many
        ),
    }, {}


def _input_normalization(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    stretches = [one["stretch"] for one in data["stretches"]]
    counts = {
        (lane["stretch"], lane["rate"]): lane["steps_to_target"] for lane in data["lanes"] if not lane["diverges"]
    }
    steps = [
        (
            translate("rate %(share)s") % {"share": _number(rate)},
            [counts[stretch, rate] for stretch in stretches],
            colour,
        )
        for rate, colour in zip(data["rates"][:-1], (1, 2, 3), strict=True)
    ]
    pixels = [
        (_named(translate, "input-normalization", scale["scale"]), [curve[-1] for curve in scale["curve"]], colour)
        for scale, colour in zip(data["pixels"]["scales"], (2, 4, 1, 3), strict=True)
    ]
    capped = [(name, [None if v is None or v > 4 else v for v in values], colour) for name, values, colour in pixels]
    drawn = _lines(
        translate("Validation loss by learning rate"),
        translate("Learning rate"),
        translate("Validation loss"),
        data["pixels"]["rates"],
        capped,
    )
    whole = _lines("", translate("Learning rate"), "", data["pixels"]["rates"], pixels)
    return {
        "steps": _lines(
            translate("Steps until a hundredth of the way is left"), translate("Stretch"), translate("Steps"), stretches, steps
        ),
        "pixels": Figure(drawn.chart, whole.head, whole.rows),
    }, {"stretches": stretches}


def _normalizations(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    kinds = [_named(translate, "normalizations", one["kind"]) for one in data["kinds"]]
    counts = [len(one["means"]) for one in data["kinds"]]
    sets = Figure(
        Chart(
            translate("How many statistics"),
            translate("Pairs of mean and standard deviation"),
            "",
            [Series("", [(0.0, row), (float(count), row)], 1) for row, count in enumerate(counts)],
            y_ticks=[(float(row), kind) for row, kind in enumerate(kinds)],
            reverse=True,
        ),
        [translate("Normalization"), translate("Pairs of mean and standard deviation"), translate("Numbers in each")],
        [[kind, str(count), str(one["size"])] for kind, count, one in zip(kinds, counts, data["kinds"], strict=True)],
    )
    sizes = [row["size"] for row in data["noise"]]
    noise = [
        (translate("Measured"), [row["scatter"] for row in data["noise"]], 1),
        ("1/√n", [size**-0.5 for size in sizes], 2),
    ]
    trained = data["accuracy"]["sizes"]
    accuracy = [
        (_named(translate, "covariate-shift", kind), [float(np.mean(row[kind]["accuracy"])) for row in trained], colour)
        for kind, colour in (("none", 2), ("batch", 1))
    ]
    return {
        "sets": sets,
        "noise": _lines(
            translate("How far a batch's mean strays"),
            translate("Batch size"),
            translate("Spread of the mean"),
            sizes,
            noise,
        ),
        "accuracy": _lines(
            translate("Validation accuracy by batch size"),
            translate("Batch size"),
            translate("Accuracy"),
            [row["size"] for row in trained],
            accuracy,
        ),
    }, {"sizes": sizes, "places": list(range(1, data["shape"][1] * data["shape"][2] + 1))}


def _covariate_shift(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    epochs = range(1, data["epochs"] + 1)
    colours = {"none": 2, "batch": 1, "noisy": 4}
    means = [
        (
            _named(translate, "covariate-shift", kind["kind"]),
            [row["mean"] for row in kind["layers"][2]],
            colours[kind["kind"]],
        )
        for kind in data["kinds"]
    ]
    accuracy = [
        (_named(translate, "covariate-shift", kind["kind"]), kind["accuracy"], colours[kind["kind"]])
        for kind in data["kinds"]
    ]
    ladder = [
        (_named(translate, "covariate-shift", net["kind"]), net["accuracy"], colours[net["kind"]])
        for net in data["ladder"]["nets"]
        if net["activation"] == "sigmoid"
    ]
    return {
        "moments": _lines(translate("Mean by epoch"), translate("Epoch"), translate("Mean"), epochs, means, path=False),
        "accuracy": _lines(
            translate("Validation accuracy by epoch"),
            translate("Epoch"),
            translate("Accuracy"),
            epochs,
            accuracy,
            path=False,
        ),
        "ladder": _lines(
            translate("Validation accuracy by learning rate"),
            translate("Learning rate"),
            translate("Accuracy"),
            data["ladder"]["rates"],
            ladder,
        ),
    }, {"epochs": list(epochs)}


def _coding(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    names = [name.strip() for name in translate("politics, society, economy, culture").split(",")]
    columns = [
        (
            translate("one-hot")
            if rows[0]["reference"] is None
            else translate("without %(name)s") % {"name": names[rows[0]["reference"]]},
            [row["predictions"][2] for row in rows],
            1 + place,
        )
        for place, rows in enumerate(data["lanes"])
    ]
    path = _lines(
        translate("Prediction for one category against λ"), "λ", translate("Prediction"), data["strengths"], columns
    )
    return {"path": path}, {"names": names}


def _label_smoothing(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    lanes = data["shares"][2]["lanes"]

    def column(name: str) -> list[Any]:
        return [lane[name] for lane in lanes]

    epsilons = data["epsilons"]
    scores = [(translate("Accuracy"), column("accuracy"), 1), (translate("Calibration error (ECE)"), column("ece"), 2)]
    gaps = [
        (translate("Measured"), column("gap"), 1),
        (translate("Where the smoothed loss is least"), data["optimal_gap"], 2),
    ]
    return {
        "scores": _lines(translate("Accuracy and calibration error against ε"), "ε", "", epsilons, scores),
        "nll": _lines(
            translate("Loss on true labels against ε"),
            "ε",
            translate("Loss"),
            epsilons,
            [(translate("Loss"), column("nll"), 1)],
        ),
        "gap": _lines(translate("Distance of the logits"), "ε", translate("Distance"), epsilons, gaps),
    }, {"shares": [one["share"] for one in data["shares"]]}


def _playground(data: Data, translate: Translate) -> tuple[dict[str, Figure], Data]:
    strengths = [frame["strength"] for frame in data["frames"]]
    path = [
        (translate("Training loss"), [float(np.mean(frame["train_nll"])) for frame in data["frames"]], 2),
        (translate("Validation loss"), [float(np.mean(frame["val_nll"])) for frame in data["frames"]], 1),
    ]
    figure = _lines(translate("Loss against the strength"), translate("Strength"), translate("Loss"), strengths, path)
    return {"path": figure}, {"strengths": strengths}


_FIGURES: dict[str, Callable[[Data, Translate], tuple[dict[str, Figure], Data]]] = {
    "overview": _overview,
    "weight-decay": _weight_decay,
    "norms": _norms,
    "early-stopping": _early_stopping,
    "saving-best": _saving_best,
    "dropout": _dropout,
    "input-normalization": _input_normalization,
    "normalizations": _normalizations,
    "covariate-shift": _covariate_shift,
    "coding": _coding,
    "label-smoothing": _label_smoothing,
    "playground": _playground,
}
