"""What ridgeway raises when a user's input cannot be used, or nothing came of it."""

from __future__ import annotations

from typing import Any


class InputError(ValueError):
    """Something the user passed cannot be used.

    The message is one short passage: what is wrong, the value, what to do.
    """


class AllLanesDiverged(RuntimeError):
    """No lane's loss stayed finite.

    Attributes:
        path: the `ridgeway.Path` of what was trained, histories and last weights included; None after `pickle`.
    """

    def __init__(self, message: str, path: Any = None) -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        # Processes hand exceptions on by pickle, and a path holds models and compiled programs, which stay behind.
        return type(self), (str(self),)
