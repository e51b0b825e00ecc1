"""The tiny arithmetic language: right where it computes, deaf to all else."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeway.errors import InputError
from ridgeway.studio.quiz.expressions import FUNCTIONS, best_at, evaluate, improvements, stops_at

VALUES = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3))
LOSSES = st.lists(st.integers(0, 12).map(float), min_size=2, max_size=20).map(tuple)


@given(VALUES, VALUES, VALUES)
def test_it_computes_as_python_does(a: float, b: float, c: float) -> None:
    names = {"a": a, "b": b, "c": c}
    assert evaluate("a + b * c - (a - b) / 4", names) == a + b * c - (a - b) / 4
    assert evaluate("max(a, min(b, c)) + abs(-a)", names) == max(a, min(b, c)) + abs(a)
    assert evaluate("sqrt(a ** 2) + exp(b / 10) + log(abs(c) + 1)", names) == pytest.approx(
        abs(a) + math.exp(b / 10) + math.log(abs(c) + 1)
    )


@given(st.lists(VALUES, min_size=2, max_size=6))
def test_norms_and_spreads_are_numpys(values: list[float]) -> None:
    names = {"v": tuple(values)}
    assert evaluate("norm(v, 1)", names) == pytest.approx(np.linalg.norm(values, 1))
    assert evaluate("norm(v, 2)", names) == pytest.approx(np.linalg.norm(values, 2))
    assert evaluate("norm(v, 3)", names) == pytest.approx(np.linalg.norm(values, 3))
    assert evaluate("largest(v)", names) == np.linalg.norm(values, np.inf)
    assert evaluate("spread(v)", names) == pytest.approx(np.std(values), abs=1e-9)


class Replayed(keras.Model):
    """Only what `EarlyStopping` asks of a model."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_training = False
        self.optimizer = None


@settings(deadline=None)
@given(LOSSES, st.integers(0, 6))
def test_stopping_is_that_of_keras(losses: tuple[float, ...], patience: int) -> None:
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, mode="min")
    callback.set_model(Replayed())
    callback.on_train_begin()
    stopped = len(losses)
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if callback.model.stop_training:
            stopped = epoch + 1
            break
    assert stops_at(losses, patience) == stopped
    assert best_at(losses, stopped) == callback.best_epoch + 1


@given(LOSSES)
def test_improvements_are_the_running_minima(losses: tuple[float, ...]) -> None:
    assert improvements(losses) == len(np.unique(np.minimum.accumulate(losses)))


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "().__class__",
        "[1, 2]",
        "lambda: 1",
        "a if b else c",
        "'a' * 3",
        "True",
        "1 // 2",
        "5 % 3",
        "a.real",
        "v[0]",
        "open('x')",
        "max(v, key=abs)",
        "f'{a}'",
        "a := 3",
        "1j",
        "v",
        "v + v",
        "v * 3",
        "unknown",
        "1 / 0",
        "log(0)",
        "sqrt(-1)",
        "(-2) ** 0.5",
        "9 ** 9 ** 9",
        "10.0 ** 400",
        "exp(1000)",
        "max",
        "max()",
        "min(v, 2)",
        "",
        "1 +",
        "a" * 301,
        "(" * 250,
        "-" * 280 + "1" + "(",
        "1\x00",
    ],
)
def test_nothing_else_is_understood(expression: str) -> None:
    with pytest.raises(InputError):
        evaluate(expression, {"a": 1.0, "b": 2.0, "c": 3.0, "v": (1.0, 2.0)})


def test_only_pure_functions_are_known() -> None:
    assert {"open", "eval", "exec", "getattr", "print", "input"}.isdisjoint(FUNCTIONS)
