"""A fitted preparation as plain lists, dicts, numbers and text, and back, checked."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ridgeway.errors import InputError
from ridgeway.tables.categories import CategoryColumn
from ridgeway.tables.columns import BooleanColumn, LeftOut, NumberColumn
from ridgeway.tables.dates import DateColumn
from ridgeway.tables.robust_scaling import CHECKED

Column = Annotated[NumberColumn | BooleanColumn | CategoryColumn | DateColumn | LeftOut, Field(discriminator="kind")]


@dataclass(frozen=True, config=CHECKED)
class Description:
    """What `TablePreparation.to_json` gives.

    Attributes:
        names: of the columns in fit; None where they had none.
        columns: how each is prepared.
    """

    names: tuple[str, ...] | None
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        if self.names is not None and len(self.names) != len(self.columns):
            raise ValueError(f"there are {len(self.names)} names of {len(self.columns)} columns")


_COLUMNS: TypeAdapter[tuple[Column, ...]] = TypeAdapter(tuple[Column, ...])
_DESCRIPTION: TypeAdapter[Description] = TypeAdapter(Description)


def describe(columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """Columns as what `read_columns` reads."""
    return list(_COLUMNS.dump_python(columns, mode="json"))


def read_columns(described: Any) -> tuple[Column, ...]:
    """Reads what `describe` gave.

    Raises:
        InputError: it is something else.
    """
    return _checked(_COLUMNS, described)


def read_description(described: Any) -> Description:
    """Reads what `TablePreparation.to_json` gave.

    Raises:
        InputError: it is something else.
    """
    return _checked(_DESCRIPTION, described)


def _checked(adapter: TypeAdapter[Any], described: Any) -> Any:
    # Through JSON, whose lists are the tuples of the strict classes.
    try:
        return adapter.validate_json(json.dumps(described))
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    except (TypeError, ValueError) as error:
        problem = str(error)
    raise InputError(f"The preparation can't be read: {problem}. Pass one that TablePreparation.to_json wrote.")
