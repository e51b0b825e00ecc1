"""What a question of the bank holds: one class a kind, checked when it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ridgeway.studio.quiz.expressions import Value
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.topics import Lesson

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Sentence = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """A text in both languages; written as one string where they are the same."""

    ko: Sentence
    en: Sentence

    @model_validator(mode="before")
    @classmethod
    def _from_one(cls, given: Any) -> Any:
        return {"ko": given, "en": given} if isinstance(given, str) else given

    def in_language(self, lang: Language) -> str:
        """The text in a language."""
        return self.ko if lang == "ko" else self.en


class _Worded(_Part):
    """Something with a key of its own and a text, which is written beside the key as `ko` and `en`, or `both`."""

    id: Key
    text: Text

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "text" in given:
            return given
        given = dict(given)
        if "both" in given:
            given["text"] = given.pop("both")
        else:
            given["text"] = {lang: given.pop(lang) for lang in ("ko", "en") if lang in given}
        return given


class Option(_Worded):
    """One of the answers to choose from. A wrong one says which misconception leads to it."""

    right: bool = False
    misconception: Text | None = None


class Item(_Worded):
    """One of the things to put in order."""


class Pair(_Worded):
    """What stands on the left and what belongs to it on the right.

    Attributes:
        right: its partner.
        misconception: what is mixed up by those who give the partner to another.
    """

    right: Text
    misconception: Text


class Distractor(_Worded):
    """A right-hand side that belongs to nothing."""

    misconception: Text


class Token(_Part):
    """A piece of code for a gap.

    Attributes:
        misconception: why it doesn't belong where it was put; needed unless there is one gap, and it is right there.
    """

    id: Key
    text: Sentence
    misconception: Text | None = None


class Swap(_Part):
    """A mistake in the order: `first` was put before `then`, which comes earlier."""

    first: Key
    then: Key
    misconception: Text


class Range(_Part):
    """Evenly spaced numbers, both ends included."""

    start: float = Field(alias="from")
    stop: float = Field(alias="to")
    step: float = Field(gt=0)

    def values(self) -> tuple[float, ...]:
        """The numbers, exact to the last decimal that was written."""
        start, stop, step = (Decimal(str(one)) for one in (self.start, self.stop, self.step))
        return tuple(float(start + step * place) for place in range(int((stop - start) / step) + 1))


class WrongValue(_Part):
    """A number that a known misconception leads to."""

    value: str
    misconception: Text


class Tolerance(_Part):
    """How far from the right number an answer may lie; the wider of both counts."""

    relative: float = Field(default=0, ge=0, le=0.1)
    absolute: float = Field(default=0, ge=0)

    def around(self, value: float) -> float:
        """The distance that is still right."""
        # What decimals lose in binary.
        return max(self.relative * abs(value), self.absolute, 1e-9 * max(1.0, abs(value)))


class Unit(_Part):
    """A unit that may stand behind the number, and is shown behind the field."""

    ko: Sentence
    en: Sentence
    others: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """All that is accepted."""
        return (self.ko, self.en, *self.others)


class _Question(_Part):
    """What all kinds share.

    Attributes:
        id: stable over versions of the bank; stored with attempts.
        topic: the file that it stands in.
        lesson: where to read on.
        covers: lines of the lecture, from 1, that it asks about.
        course: the number of the question in COURSE.md that it grew from.
        source: keys of `sources.yaml`.
        figure: the real run that it shows, a file of `figures`; its series are rows of numbers in expressions.
        parameters: what is drawn for each attempt: a list to choose from, or a range.
        computed: further values for explanations, in order, from parameters and the ones before.
        alternatives: words; of the questions that share one an attempt gets one at most, because they are alike, or
            because one shows what another asks for. A single word needs no list.
        linked: questions that share this word get the same values for parameters of the same name.
        example: values of all parameters, and what the answer, and with `wrong` the wrong values, then are.
    """

    id: Key
    topic: Lesson
    lesson: Lesson
    covers: tuple[int, ...] = Field(min_length=1)
    course: int | None = Field(default=None, ge=1, le=43)
    source: tuple[Key, ...] = Field(min_length=1)
    text: Text
    explanation: Text
    figure: Key | None = None
    parameters: dict[Name, tuple[float, ...] | tuple[tuple[float, ...], ...] | Range] = {}
    computed: dict[Name, str] = {}
    alternatives: tuple[Key, ...] = ()
    linked: Key | None = None
    example: dict[str, float | tuple[float, ...]] | None = None

    @field_validator("alternatives", mode="before")
    @classmethod
    def _word_or_words(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    def choices(self, name: str) -> tuple[Value, ...]:
        """The values that a parameter is drawn from."""
        declared = self.parameters[name]
        return declared.values() if isinstance(declared, Range) else declared


class Single(_Question):
    """One right option."""

    kind: Literal["single"]
    options: tuple[Option, ...] = Field(min_length=2)


class Several(_Question):
    """Any number of right options, one at least."""

    kind: Literal["several"]
    options: tuple[Option, ...] = Field(min_length=3)


class Number(_Question):
    """A number that is computed from what was drawn."""

    kind: Literal["number"]
    answer: str
    wrong: tuple[WrongValue, ...] = Field(min_length=1)
    tolerance: Tolerance = Tolerance(relative=0.005)
    unit: Unit | None = None


class Order(_Question):
    """Things to put in order; `items` has them right."""

    kind: Literal["order"]
    items: tuple[Item, ...] = Field(min_length=3)
    wrong: tuple[Swap, ...] = Field(min_length=1)


class Match(_Question):
    """Left sides to join with right sides, and right sides that belong to none."""

    kind: Literal["match"]
    pairs: tuple[Pair, ...] = Field(min_length=2)
    distractors: tuple[Distractor, ...] = ()


class Code(_Question):
    """Code with gaps, `[[1]]`, to fill with tokens. It is shown and compared, never run."""

    kind: Literal["code"]
    code: Sentence
    gaps: dict[str, Key] = Field(min_length=1)
    tokens: tuple[Token, ...] = Field(min_length=2)


Question = Annotated[Single | Several | Number | Order | Match | Code, Field(discriminator="kind")]
