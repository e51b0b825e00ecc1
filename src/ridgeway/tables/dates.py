"""How one column of dates is prepared: days as a number, and the season, weekday and hour as points on circles."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from ridgeway.errors import InputError
from ridgeway.tables.cells import as_dates
from ridgeway.tables.columns import MISSING, LeftOut
from ridgeway.tables.robust_scaling import CHECKED, RobustScaling

Cycle = Literal["year", "week", "day"]

_DAY = np.timedelta64(1, "D")


def _known_zone(zone: str | None) -> str | None:
    if zone is not None:
        try:
            pd.DatetimeTZDtype("us", zone)
        except (KeyError, TypeError, ValueError, OSError):
            raise ValueError(f"there is no time zone {zone!r} on this machine") from None
    return zone


@dataclass(frozen=True, config=CHECKED)
class DateColumn:
    """Dates and times: days, scaled robustly, and sine and cosine of the place in the year, the week and the day.

    Days are counted in absolute time from 1970 (the origin falls out in the scaling); the cycles follow the calendar
    and the clock of the time zone. A missing cell is the median day, in the middle of all circles.

    Attributes:
        kind: "date".
        zone: time zone in fit, None of dates without one.
        scaling: of the days; None where the cells present don't vary.
        cycles: those in which the cells vary.
        missing: whether cells were missing in fit, and so have an indicator.
    """

    kind: Literal["date"]
    zone: Annotated[str | None, AfterValidator(_known_zone)]
    scaling: RobustScaling | None
    cycles: tuple[Cycle, ...]
    missing: bool

    @classmethod
    def fit(cls, name: str, column: pd.Series) -> DateColumn | LeftOut:
        """Learns scale, time zone and the cycles that vary; a constant is left out.

        Raises:
            InputError: dates can't be read, or their time zone has no name.
        """
        dates = as_dates(name, column)
        zone = None if dates.dt.tz is None else str(dates.dt.tz)
        try:
            _known_zone(zone)
        except ValueError as error:
            raise InputError(
                f"Column '{name}': {error}. Convert to one that has a name, as in dt.tz_convert('UTC')."
            ) from None
        days, local = _days_and_local(dates, zone)
        missing = np.isnan(days)
        cycles = tuple(cycle for cycle, turns in _turns(local[~missing]).items() if (turns != turns[:1]).any())
        scaling = RobustScaling.fit(days)
        indicated = bool(missing.any() and not missing.all())
        return cls("date", zone, scaling, cycles, indicated) if scaling or indicated else LeftOut()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Days, then sine and cosine of each cycle."""
        circles = tuple(f"_{cycle}_{axis}" for cycle in self.cycles for axis in ("sin", "cos"))
        return ("_days",) * (self.scaling is not None) + circles

    @property
    def indicators(self) -> tuple[str, ...]:
        """Whether the cell is missing."""
        return (MISSING,) if self.missing else ()

    def write(self, name: str, column: pd.Series, numbers: np.ndarray, indicators: np.ndarray) -> None:
        """Fills `numbers` and `indicators`, each `(row, ending)`.

        Raises:
            InputError: a cell is no date, or there is a time zone where there was none, or none where there was one.
        """
        dates = as_dates(name, column)
        if (dates.dt.tz is None) != (self.zone is None) and dates.notna().any():
            now, then = ("no time zone", self.zone) if dates.dt.tz is None else (dates.dt.tz, "none")
            raise InputError(
                f"The dates of column '{name}' have {now}, and had {then} in fit. Use dt.tz_localize or dt.tz_convert."
            )
        days, local = _days_and_local(dates, self.zone)
        place = 0
        if self.scaling:
            numbers[:, 0] = self.scaling.transform(days)
            place = 1
        missing = np.isnan(days)
        turns = _turns(local)
        for cycle in self.cycles:
            for axis in (np.sin, np.cos):
                numbers[:, place] = np.where(missing, 0, axis(2 * np.pi * turns[cycle]))
                place += 1
        if self.missing:
            indicators[:, 0] = missing


def _days_and_local(dates: pd.Series, zone: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970, float64 `(row,)` with NaN, and datetime64 of the clock in the zone."""
    absolute = dates if dates.dt.tz is None else dates.dt.tz_convert(None)
    local = dates if dates.dt.tz is None else dates.dt.tz_convert(zone).dt.tz_localize(None)
    moments = absolute.to_numpy("datetime64[us]")
    return (moments - np.datetime64(0, "us")) / _DAY, local.to_numpy("datetime64[us]")


def _turns(local: np.ndarray) -> dict[Cycle, np.ndarray]:
    """Of each cycle the part that has gone by, from 0 to below 1, `(row,)`: whole days of the year and the week."""
    day = local.astype("datetime64[D]")
    year = local.astype("datetime64[Y]")
    start = year.astype("datetime64[D]")
    length = (year + 1).astype("datetime64[D]") - start
    # 1970 began on a Thursday.
    weekday = np.remainder((day - np.datetime64(0, "D")) / _DAY + 3, 7)
    return {"year": (day - start) / length, "week": weekday / 7, "day": (local - day) / _DAY}
