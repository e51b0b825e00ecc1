"""The user's function that builds the model."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters import NAMES, hyperparameter, is_argument
from ridgeway.keras_internals import fresh_names

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Builder:
    """A function that builds the model, held to what a family varies.

    Before each call the global seeds are set, and Keras numbers layers from the start: what it builds depends on its
    arguments alone.

    Args:
        function: takes arguments by name and returns a compiled model, a new one each time.
        names: what the family varies.
        seed: of the starting weights.

    Attributes:
        name: of the function, for messages and code.
        arguments: names of its arguments that the family varies, in the family's order.
        defaults: values of those of them that have a default.

    Raises:
        InputError: a name is neither a hyperparameter nor an argument, or it is both; an argument without a default is
            not varied.
    """

    def __init__(self, function: Callable[..., Any], names: Iterable[str], seed: int) -> None:
        self._function, self._seed = function, seed
        name = getattr(function, "__name__", type(function).__name__)
        self.name = name if name.isidentifier() else "build"
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError) as error:
            raise InputError(f"The arguments of {function!r} can't be read: {error}. Pass a def of your own.") from None
        self._parameters = parameters
        known = {name: one for name, one in parameters.items() if one.kind in _NAMED}
        takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        for one in names:
            if one in NAMES and one in known:
                raise InputError(
                    f"'{one}' is an argument of {self} and a hyperparameter, which ridgeway varies without building "
                    "the model anew. Leave it out of the function, or give the argument another name."
                )
            if is_argument(one) and one not in known and not takes_all:
                raise InputError(self._unknown(one, list(known)))
        self.arguments = tuple(one for one in names if is_argument(one))
        for one, parameter in parameters.items():
            optional = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if not optional and parameter.default is parameter.empty and one not in self.arguments:
                raise InputError(
                    f"{self} needs '{one}', which the family does not vary. Add {one}=[...] to the family, or give the "
                    "argument a default."
                )
        self.defaults = {
            name: known[name].default
            for name in self.arguments
            if name in known and known[name].default is not inspect.Parameter.empty
        }
        self._models: list[tuple[str, keras.Model]] = []

    def __getstate__(self) -> dict[str, Any]:
        """What other processes build models by; those that were built here stay here."""
        return {**self.__dict__, "_models": []}

    def __str__(self) -> str:
        """The function with its arguments."""
        return f"{self.name}({', '.join(self._parameters)})"

    def called(self, arguments: Mapping[str, Any]) -> str:
        """A call of the function, as one writes it."""
        return f"{self.name}({', '.join(f'{name}={arguments[name]!r}' for name in self.arguments)})"

    def __call__(self, arguments: Mapping[str, Any]) -> keras.Model:
        """The model for a value of each argument that the family varies.

        Raises:
            InputError: the function failed, or returned no compiled model, or the same one again.
        """
        called = self.called(arguments)
        keras.utils.set_random_seed(self._seed)
        try:
            with fresh_names():
                model = self._function(**arguments)
        except Exception as error:
            raise InputError(
                f"{called} ended in {type(error).__name__}: {error}. Mend the function, or leave these values out of "
                "the family."
            ) from error
        check_model(model, called)
        for other, known in self._models:
            if model is known:
                raise InputError(f"{called} returned the very model that {other} did. Build a new one in each call.")
        self._models.append((called, model))
        return model

    def _unknown(self, name: str, known: list[str]) -> str:
        near = difflib.get_close_matches(name, [*known, *NAMES], n=3, cutoff=0.5)
        hint = f"The nearest are {', '.join(near)}." if near else f"There are {', '.join([*known, *NAMES])}."
        return f"'{name}' is neither an argument of {self} nor a hyperparameter. {hint}"


def check_model(model: Any, where: str = "model") -> None:
    """Refuses what is no compiled model.

    Args:
        model: what was given.
        where: how it was given.

    Raises:
        InputError: it is none.
    """
    if not isinstance(model, keras.Model):
        raise InputError(
            f"{where} is {model!r}, no keras.Model. Pass a compiled Keras 3 model, or a function that returns one."
        )
    if not model.compiled or model.optimizer is None:
        raise InputError(
            f"The model '{model.name}' is not compiled. Call model.compile(optimizer=..., loss=...) before fit_path, "
            "or in the function that builds it."
        )


def source_of(model: Any, names: Iterable[str], seed: int) -> keras.Model | Builder:
    """A model that was given, checked, or the function in its place.

    Args:
        model: compiled model, or a function that builds one.
        names: what the family varies.
        seed: of what the function builds.

    Raises:
        InputError: it is neither; the family varies what is unknown; or as `Builder`.
    """
    if callable(model) and not isinstance(model, keras.Model):
        return Builder(model, names, seed)
    check_model(model)
    for name in names:
        hyperparameter(name)
    return model
