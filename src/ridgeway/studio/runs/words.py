"""Names and numbers of runs as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgeway.locale import catalogue, text
from ridgeway.selection import shown
from ridgeway.studio.i18n import N_, translator

#: What a run's state is called.
STATES = {
    "waiting": N_("waiting"),
    "starting": N_("starting"),
    "running": N_("training"),
    "saving": N_("saving"),
    "finished": N_("finished"),
    "interrupted": N_("stopped"),
    "failed": N_("failed"),
    "killed": N_("broken off"),
    "unreadable": N_("unreadable"),
}
#: Time spans, by their largest unit.
DURATIONS = {
    "hours": N_("%(hours)d h %(minutes)d min"),
    "minutes": N_("%(minutes)d min %(seconds)d s"),
    "seconds": N_("%(seconds)s s"),
}
#: What colour it has.
LOOKS = {
    "starting": "live",
    "running": "live",
    "saving": "live",
    "finished": "good",
    "interrupted": "warn",
    "failed": "bad",
    "killed": "bad",
    "unreadable": "bad",
}


def named(kind: str, word: str, lang: str) -> str:
    """A metric, a hyperparameter or a reason to stop as the report calls it, else as it is."""
    return text(f"{kind}.{word}", lang) if f"{kind}.{word}" in catalogue(lang) else word


def short(kind: str, word: str, lang: str) -> str:
    """The same without the name in the program behind it."""
    return named(kind, word, lang).partition(" (")[0]


def configuration(values: Mapping[str, Any], lang: str) -> str:
    """A configuration on one line."""
    return " · ".join(f"{short('hyperparameter', name, lang)} {shown(value, 4)}" for name, value in values.items())


def duration(seconds: float | None, lang: str) -> str:
    """A time span; a dash for none."""
    if seconds is None:
        return "–"
    said = translator(lang)
    if seconds < 59.5:
        return said(DURATIONS["seconds"]) % {"seconds": f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"}
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    if minutes >= 60:
        return said(DURATIONS["hours"]) % {"hours": minutes // 60, "minutes": minutes % 60}
    return said(DURATIONS["minutes"]) % {"minutes": minutes, "seconds": int(seconds % 60)}


def size(count: int) -> str:
    """Bytes, by thousands."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.1f} GB"
