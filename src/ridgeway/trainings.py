"""What `ridgeway fit` trains, and what it says of it. Nothing heavy is imported until it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ridgeway.errors import InputError, first_line
from ridgeway.locale import text

if TYPE_CHECKING:
    from ridgeway.data.read import LabelledTable, Source
    from ridgeway.ensembling import EnsembleChoice
    from ridgeway.path import Path as TrainedPath


def search_table(table: LabelledTable, out: Path, lang: str, quiet: bool, **arguments: Any) -> None:
    """A table by the estimator for its task."""
    from ridgeway.tables.command import search

    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    rows, columns = table.features.shape
    seconds = f"{arguments['time_limit']:g}"
    say(text("cli.table", lang, rows=rows, columns=columns, seconds=seconds))
    path, ensemble = search(table, out=out, verbose=0 if quiet else "auto", **arguments)
    _tell(path, out, lang, say, ensemble)


def train_family(
    source: Source | LabelledTable,
    family: dict[str, list[float | str]],
    out: Path,
    model_file: Path | None,
    lang: str,
    quiet: bool,
    *,
    validation: int | float,
    seed: int,
    command: dict[str, Any] | None = None,
    patience: int = 5,
    **arguments: Any,
) -> None:
    """A family on arrays, on a table by the default network, or by a model of the user's own.

    What is validated on is a number of folds, or a share of the rows. The record keeps the command, to go on by it.
    """
    import keras

    import ridgeway

    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    x, y, model, notes = _shuffled(source, model_file, family, validation, seed)
    grid = ridgeway.Grid(family)
    lanes = len(grid) * arguments["repeats"]
    if isinstance(validation, int):
        arguments["cv"] = validation
        lanes *= validation
        say(text("cli.rows_folds", lang, rows=len(x), seed=seed, folds=validation, lanes=lanes))
    else:
        arguments["validation_split"] = validation
        say(text("cli.rows", lang, rows=len(x), seed=seed, share=f"{validation:.0%}", lanes=lanes))
    path = ridgeway.fit_path(
        model,
        x,
        y,
        grid,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)],
        seed=seed,
        out=out,
        extra={"task": source.task, "target": source.target, "rows_shuffled_with_seed": seed, **notes}
        | ({} if command is None else {"command": command}),
        verbose=0 if quiet else "auto",
        **arguments,
    )
    if "target_mean" in notes:
        from ridgeway.tables.command import into_units

        into_units(path, out)
    _tell(path, out, lang, say)


def _shuffled(
    source: Source | LabelledTable,
    model_file: Path | None,
    family: dict[str, list[float | str]],
    validation: int | float,
    seed: int,
) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Rows and labels in the order in which they are split, the network, and what predicting has to know."""
    import numpy as np

    from ridgeway.data.read import LabelledTable

    rows = len(source)
    # With folds all take turns at being held out: scales and steps are learnt once from all, as by the estimators.
    kept = rows if isinstance(validation, int) else _rows_to_train(rows, validation)
    order = np.random.default_rng(seed).permutation(rows)
    if isinstance(source, LabelledTable):
        from ridgeway.tables.command import prepared

        table = source.numbered().taken(order)
        return prepared(table, kept, family, seed)
    assert source.y is not None
    x, y = source.x[order], source.y[order]
    if model_file is None:
        from ridgeway.networks import default_network

        model = default_network(x[:kept], y[:kept], source.task, len(source.classes), seed)
    else:
        model = _load_model(model_file)
        check_shape(model, x, model_file)
    encoding = source.encoding.to_json() if source.encoding else None
    return x, y, model, {"classes": source.classes, "encoding": encoding}


def _tell(
    path: TrainedPath, out: Path, lang: str, say: Callable[[str], None], ensemble: EnsembleChoice | None = None
) -> None:
    """The report in its language and what came out; exit code 130 where the user stopped it."""
    if lang != "en":
        path.report(out / "report.html", lang=lang)
    _summarize(path, out, lang, say, ensemble)
    if path.record["status"] == "interrupted":
        typer.echo(text("cli.interrupted", lang, count=len(path.table()), folder=out), err=True)
        raise typer.Exit(130)


def checked_share(validation_split: float) -> float:
    """A share above 0 and below 1.

    Raises:
        InputError: it is none.
    """
    if not 0 < validation_split < 1:
        raise InputError(
            f"--validation-split {validation_split:g} is out of range, and lanes are compared by their validation. "
            "Pass a share above 0 and below 1, such as --validation-split 0.2."
        )
    return validation_split


def _rows_to_train(rows: int, validation_split: float) -> int:
    """How many rows `fit_path` leaves for training, where both sides get some."""
    kept = math.floor(rows * (1.0 - validation_split))
    if kept in (0, rows):
        raise InputError(
            f"--validation-split {validation_split:g} of {rows} rows leaves one side empty. Pass more rows, or another "
            "share, such as --validation-split 0.2."
        )
    return kept


def _summarize(
    path: TrainedPath, out: Path, lang: str, say: Callable[[str], None], ensemble: EnsembleChoice | None
) -> None:
    seconds = f"{path.record['seconds']['total']:.1f}"
    say(text("cli.trained", lang, lanes=len(path.table()), seconds=seconds))
    say(text("cli.best", lang, choice=path.best))
    simpler = path.select("one_se")
    if simpler.configuration != path.best.configuration:
        say(text("cli.one_se", lang, choice=simpler))
    if ensemble is not None:
        scores = {"value": f"{ensemble.validation:.4g}", "single": f"{ensemble.single_validation:.4g}"}
        metric = ensemble.metric.removeprefix("val_")
        say(text("cli.ensemble", lang, members=len(ensemble.members), metric=metric, **scores))
    say(text("cli.report", lang, file=out / "report.html"))
    say(text("cli.model", lang, file=out / "best.keras"))


def _load_model(file: Path) -> Any:
    from ridgeway.model_files import read_model

    if not file.exists():
        raise InputError(f"There is no model file '{file}'. Save one by model.save('model.keras').")
    try:
        return read_model(file)
    except InputError:
        raise
    except Exception as error:  # what a stranger's file may make Keras raise
        raise InputError(f"Keras can't read the model '{file}': {first_line(error)}") from None


def check_shape(model: Any, x: Any, named: Path) -> None:
    """Checks that a model takes rows of this shape.

    Raises:
        InputError: it takes others; `named` is what was passed wrongly.
    """
    # A subclassed model states no input shape; several inputs state a list.
    expected = getattr(model, "input_shape", None)
    if not isinstance(expected, tuple) or not all(size is None or isinstance(size, int) for size in expected):
        return
    given = tuple(x.shape[1:])
    if len(given) != len(expected) - 1 or any(
        size not in (None, mine) for size, mine in zip(expected[1:], given, strict=True)
    ):
        raise InputError(
            f"'{named}': rows have the shape {given}, and the model takes {tuple(expected[1:])}. Pass rows of that "
            "shape, or another model."
        )
