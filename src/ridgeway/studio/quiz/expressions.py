"""The arithmetic of the question bank: a tiny language that can compute and nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ridgeway.errors import InputError
from ridgeway.studio.stopping import replay

#: A number, or a row of numbers such as the losses of all epochs.
Value = float | tuple[float, ...]


def stops_at(losses: tuple[float, ...], patience: float) -> float:
    """The epoch, from 1, after which Keras's `EarlyStopping(patience=…)` ends training; the last if it doesn't."""
    return float(replay(losses, patience).stopped)


def best_at(losses: tuple[float, ...], until: float | None = None) -> float:
    """The epoch, from 1, of the smallest loss among the first `until`; the earliest of equal ones."""
    seen = losses if until is None else losses[: int(until)]
    return float(seen.index(min(seen)) + 1)


def peak_at(values: tuple[float, ...]) -> float:
    """The place, from 1, of the largest value; the earliest of equal ones."""
    return float(values.index(max(values)) + 1)


def value_at(values: tuple[float, ...], place: float) -> float:
    """The value at a place counted from 1."""
    if not 1 <= place <= len(values):
        raise InputError(f"There is no place {place:g} in a row of {len(values)} numbers.")
    return values[int(place) - 1]


def improvements(losses: tuple[float, ...]) -> float:
    """In how many epochs the loss was smaller than in all before: as often a best-only checkpoint is written."""
    best, count = math.inf, 0
    for loss in losses:
        if loss < best:
            best, count = loss, count + 1
    return float(count)


def last_reaching(places: tuple[float, ...], values: tuple[float, ...], bound: float) -> float:
    """The last place whose value reaches a bound."""
    found = [place for place, value in zip(places, values, strict=True) if value >= bound]
    if not found:
        raise InputError(f"No value reaches {bound:g}. Mend the bound.")
    return found[-1]


def norm(values: tuple[float, ...], p: float) -> float:
    """The Lp norm, p > 0."""
    return math.fsum(abs(value) ** p for value in values) ** (1 / p)


def largest(values: tuple[float, ...]) -> float:
    """The L∞ norm: the largest absolute value."""
    return max(abs(value) for value in values)


def _mean(values: tuple[float, ...]) -> float:
    return math.fsum(values) / len(values)


def _spread(values: tuple[float, ...]) -> float:
    """The standard deviation of the population: divided by n."""
    middle = _mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / len(values))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "sum": math.fsum,
    "len": len,
    "mean": _mean,
    "spread": _spread,
    "stops_at": stops_at,
    "best_at": best_at,
    "peak_at": peak_at,
    "value_at": value_at,
    "improvements": improvements,
    "last_reaching": last_reaching,
    "norm": norm,
    "largest": largest,
}
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_LONGEST = 300
_GREATEST_POWER = 1000


def evaluate(expression: str, names: Mapping[str, Value]) -> float:
    """What an expression comes to.

    The language has numbers, names, `+ - * / **`, brackets and the functions of `FUNCTIONS`. Nothing else is
    understood, and nothing is handed to Python's `eval`.

    Args:
        expression: e.g. `"w * (1 - eta * decay) - eta * g"`.
        names: the value of each name.

    Raises:
        InputError: it is no such expression, a name has no value, or what comes out is no finite number.
    """
    if len(expression) > _LONGEST:
        raise InputError(f"An expression of {len(expression)} characters is too long. Use at most {_LONGEST}.")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{expression!r} is no arithmetic expression. Mend it.") from None
    try:
        value = _value(tree.body, names)
    except (ArithmeticError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{expression!r} can't be computed: {error}. Mend it.") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{expression!r} comes to {value!r}, which is no finite number. Mend it.")
    return float(value)


def _value(node: ast.expr, names: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            if name not in names:
                raise InputError(f"The name {name!r} has no value. Known: {', '.join(sorted(names)) or 'none'}.")
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            first, second = _value(left, names), _value(right, names)
            if isinstance(first, tuple) or isinstance(second, tuple):
                raise InputError("Rows of numbers can't be added or multiplied. Use a function of rows.")
            if isinstance(op, ast.Pow):
                # As floats: a power of whole numbers could grow without end.
                first, second = float(first), float(second)
                if abs(second) > _GREATEST_POWER:
                    raise InputError(f"The power {second:g} is too great. Use at most {_GREATEST_POWER}.")
                if isinstance(first**second, complex):
                    raise InputError(f"{first:g} to the power {second:g} is no real number. Mend it.")
            return _OPERATORS[type(op)](first, second)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(one, names) for one in arguments))
    raise InputError(f"{ast.unparse(node)!r} is not understood. Use numbers, names, + - * / ** and known functions.")
