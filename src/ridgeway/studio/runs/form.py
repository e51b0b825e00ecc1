"""What the form of a new run says, checked, as the words of `ridgeway fit`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ridgeway.errors import InputError
from ridgeway.studio.i18n import N_, Translator
from ridgeway.studio.runs.varied import OFFERED, Offered, parsed

#: Most lanes that a form may ask for.
MOST_LANES = 2000
_NAME = re.compile(r"[\w가-힣][\w가-힣.-]{0,59}")


@dataclass(frozen=True)
class Field:
    """A number of the form.

    Attributes:
        label: what it is called.
        hint: what to know of it.
        default: that it begins with; empty where it may stay empty.
        low: smallest that it may be.
        high: largest.
        whole: whether it is a whole number.
    """

    label: str
    hint: str
    default: str
    low: float
    high: float
    whole: bool = True


NUMBERS = {
    "epochs": Field(N_("Most epochs"), N_("A lane may stop earlier."), "50", 1, 5000),
    "patience": Field(N_("Patience"), N_("Epochs without a better validation loss before a lane stops."), "5", 0, 1000),
    "batch_size": Field(N_("Batch size"), N_("Rows a training step."), "32", 1, 65536),
    "validation_split": Field(
        N_("Share for validation"), N_("Of the shuffled rows, to choose by."), "0.2", 0.01, 0.9, whole=False
    ),
    "repeats": Field(N_("Repeats"), N_("Lanes a configuration, each with its own seed."), "1", 1, 50),
    "seed": Field(N_("Seed"), N_("The same seed gives the same run."), "0", 0, 2**31 - 1),
    "time_limit": Field(
        N_("Time limit in seconds"), N_("Lanes that are not done by then stop."), "", 1, 86400, whole=False
    ),
}


@dataclass
class NewRun:
    """A form as it was filled in, and what is wrong with it.

    Attributes:
        given: its fields.
        errors: what is wrong, by field, in the reader's language.
        quoted: what the library said of the data, in English.
    """

    given: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    quoted: str = ""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.given.get("name", "").strip()

    @property
    def target(self) -> str | None:
        """The column to predict."""
        return self.given.get("target")

    @property
    def task(self) -> str | None:
        """Classification or regression, None to let the labels tell."""
        return self.given.get("task") or None

    @property
    def searches(self) -> bool:
        """Whether the search for tables is wanted in place of a grid."""
        return self.given.get("method") == "search"

    @property
    def varied(self) -> list[tuple[Offered, str]]:
        """What is ticked, with its values."""
        return [
            (one, self.given.get(f"values_{one.name}", "").strip())
            for one in OFFERED
            if self.given.get(f"vary_{one.name}")
        ]


def defaults(found: Mapping[str, Any], name: str) -> dict[str, str]:
    """The form before anyone has touched it.

    Args:
        found: what is in the data.
        name: that the run would have.
    """
    given = {"name": name, "method": "vary", "task": "", **{key: one.default for key, one in NUMBERS.items()}}
    if found["kind"] == "table":
        given["target"] = found["names"][-1]
    for one in OFFERED:
        given[f"values_{one.name}"] = one.values
        if one.chosen:
            given[f"vary_{one.name}"] = "on"
    return given


def checked(given: Mapping[str, str], found: Mapping[str, Any], translate: Translator) -> NewRun:
    """A form with all that can be told to be wrong with it before the data are read.

    Args:
        given: its fields.
        found: what is in the data.
        translate: into the reader's language.
    """
    run = NewRun(given)
    if not _NAME.fullmatch(run.name):
        run.errors["name"] = translate(
            N_("Use letters, digits, hyphens and underscores, at most 60 of them; begin with a letter or a digit.")
        )
    if found["kind"] == "table" and run.target not in found["names"]:
        run.errors["target"] = translate(N_("Choose the column to predict."))
    if run.task not in (None, "classification", "regression"):
        run.errors["task"] = translate(N_("Choose one of the three."))
    for key in NUMBERS:
        _check_number(run, key, translate)
    if not run.searches:
        _check_varied(run, translate)
    return run


def _check_number(run: NewRun, key: str, translate: Translator) -> None:
    about = NUMBERS[key]
    told = run.given.get(key, "").strip()
    if not told and not about.default:
        return
    try:
        value = float(told)
        right = about.low <= value <= about.high and (not about.whole or value == int(value))
    except (ValueError, OverflowError):
        right = False
    if not right:
        said = (
            N_("Enter a whole number from %(low)s to %(high)s.")
            if about.whole
            else N_("Enter a number from %(low)s to %(high)s.")
        )
        run.errors[key] = translate(said) % {"low": f"{about.low:g}", "high": f"{about.high:,.10g}"}


def _check_varied(run: NewRun, translate: Translator) -> None:
    if not run.varied:
        run.errors["vary"] = translate(N_("Choose at least one hyperparameter to vary."))
        return
    for one, told in run.varied:
        try:
            _, values = parsed(f"{one.name}={told}")
        except InputError:
            values = []
        numbers = [value for value in values if isinstance(value, float)]
        right = bool(values) and len(set(values)) == len(values) <= 200
        if one.words:
            right = right and all(value in one.words for value in values)
        else:
            inside = all(math.isfinite(value) and one.low <= value < one.below for value in numbers)
            right = right and len(numbers) == len(values) and inside
        if not right:
            run.errors[f"values_{one.name}"] = _wanted(one, translate)
    lanes = None if run.errors else lanes_of(run)
    if lanes is not None and lanes > MOST_LANES:
        said = translate(N_("That is %(lanes)s lanes, and at most %(most)s are allowed. Choose fewer values."))
        run.errors["vary"] = said % {"lanes": f"{lanes:,}", "most": f"{MOST_LANES:,}"}


def _wanted(one: Offered, translate: Translator) -> str:
    if one.words:
        said = translate(N_("Enter words from this list with commas between them, each once: %(words)s."))
        return said % {"words": ", ".join(one.words)}
    if math.isfinite(one.below):
        said = translate(
            N_("Enter numbers from %(low)s up to but not including %(below)s with commas between them, each once.")
        )
        return said % {"low": f"{one.low:g}", "below": f"{one.below:g}"}
    return translate(N_("Enter numbers that are not negative with commas between them, each once."))


def lanes_of(run: NewRun) -> int | None:
    """How many lanes a form asks for; None for the search, which finds out by itself."""
    if run.searches:
        return None
    count = int(float(run.given.get("repeats") or 1))
    for one, told in run.varied:
        count *= len(parsed(f"{one.name}={told}")[1])
    return count


def words_of(run: NewRun, data: Path, out: Path, found: Mapping[str, Any], lang: str) -> tuple[str, ...]:
    """The words of the command line, after `ridgeway`.

    Args:
        run: a form that nothing is wrong with.
        data: the file.
        out: the run's directory.
        found: what is in the data.
        lang: of the report.
    """
    told: dict[str, str] = {"out": str(out), "lang": lang}
    numbers = {key: run.given.get(key, "").strip() for key in NUMBERS}
    if found["kind"] == "table":
        told["target"] = str(run.target)
    if run.task:
        told["task"] = run.task
    # The search decides the rest by itself.
    wanted = ("repeats", "seed", "time_limit") if run.searches else tuple(NUMBERS)
    told |= {key: numbers[key] for key in wanted if numbers[key]}
    words = ["fit", str(data)]
    for key, value in told.items():
        # In one word: a column may be called "--out".
        words.append(f"--{key.replace('_', '-')}={value}")
    if not run.searches:
        words += [f"--vary={one.name}={values}" for one, values in run.varied]
    return tuple(words)
