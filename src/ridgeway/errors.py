"""What ridgeway raises when a user's input cannot be used, nothing came of it, or there is no space for it."""

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


class ClusterFailure(RuntimeError):
    """A cluster's head is gone, or tasks are lost again and again; what was trained is in the attribute `path`."""


class StorageFull(OSError):
    """A file can't be written for want of space: the disk is full, a quota used up, or a limit on file sizes reached.

    What was written before is whole, and no part of the file is left.

    Attributes:
        file: the file.
        free: bytes that are free where it goes, or None where that can't be told.
    """

    def __init__(self, message: str, file: Any, free: int | None, code: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.free = free
        self.errno = code


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
