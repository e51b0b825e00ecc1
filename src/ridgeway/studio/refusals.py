"""What the studio itself refuses: said in the reader's language, unlike what the library refuses."""

from __future__ import annotations

from typing import Any

from ridgeway.errors import InputError


class Refusal(InputError):
    """Something that the studio itself refuses.

    Args:
        message: what is wrong and what to do, as the catalogues have it.
        **values: for the names in it.
    """

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message % values)
        self.message, self.values = message, values
