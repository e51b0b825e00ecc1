"""A warning names the line of the user's own code."""

import errno
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import filelock
import keras
import pandas as pd
import pyarrow.dataset as pads
import pytest

import ridgeway as rw
from small_run import X, Y, network, train


def ours(record: Iterable[warnings.WarningMessage]) -> list[warnings.WarningMessage]:
    """Without those of Keras and NumPy between them."""
    return [one for one in record if one.category is UserWarning]


def places(record: Iterable[warnings.WarningMessage]) -> set[str]:
    return {Path(one.filename).name for one in ours(record)}


def test_the_line_that_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same call with and without a directory, whose lock wraps it; a lock that the file system has none of."""

    def fit(**changed: Any) -> None:
        rw.fit_path(network(), X, Y, rw.Grid(weight_decay=[0.0]), **changed)

    with pytest.warns(UserWarning, match="No validation data") as plain:
        fit()
    with pytest.warns(UserWarning, match="No validation data") as locked:
        fit(out=tmp_path / "run")
    assert places(plain) == places(locked) == {"test_telling.py"}
    assert {one.lineno for one in ours(plain)} == {one.lineno for one in ours(locked)}

    def none(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(filelock.FileLock, "acquire", none)
    with pytest.warns(UserWarning, match="file system without locks") as lockless:
        fit(out=tmp_path / "other", validation_split=0.2)
    assert places(lockless) == {"test_telling.py"}


def test_what_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridgeway.data.sources.tables._LARGE", 1)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(label=Y)
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.warns(UserWarning) as found:
        rw.fit_path(network(), pads.dataset(tmp_path / "rows.parquet"), "label", rw.Grid(weight_decay=[0.0]))
    assert {str(one.message).split()[0] for one in ours(found)} == {"A", "No"}
    assert places(found) == {"test_telling.py"}


def test_callbacks_that_keras_calls() -> None:
    model = network()
    with pytest.warns(UserWarning, match="PathStopping compares") as found:
        model.fit(X, Y, verbose=0, callbacks=[rw.callbacks.PathStopping()])
    assert places(found) == {"test_telling.py"}


def test_files_of_callbacks(tmp_path: Path) -> None:
    saving = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "a.keras"), monitor="val_loss", save_best_only=True, initial_value_threshold=-1.0
    )
    with pytest.warns(UserWarning, match="saved nothing") as found:
        train(callbacks=[saving], epochs=1)
    assert places(found) == {"small_run.py"}


def test_in_a_thread_of_our_own() -> None:
    from ridgeway.telling import warn

    with pytest.warns(UserWarning, match="heard") as found:
        thread = threading.Thread(target=warn, args=("heard",))
        thread.start()
        thread.join()
    assert len(found) == 1
