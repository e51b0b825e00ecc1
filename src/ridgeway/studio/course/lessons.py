"""The lessons: their order, and what their text files hold.

A text file `texts/<lesson>.<language>.md` begins with lines `title:`, `summary:` and `able:` (what one can do after
it), and goes on with sections, each under `## <name>`, in the order of `SECTIONS`.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources

from ridgeway.studio.course.markup import block, inline
from ridgeway.studio.topics import LESSONS

__all__ = [
    "LESSONS",
    "SECTIONS",
    "Check",
    "Choice",
    "Lesson",
    "LessonError",
    "Prediction",
    "data_code",
    "lesson",
    "source",
]

# "experiment" has no text: the page makes room for it there.
SECTIONS = (
    "statement",
    "predict",
    "experiment",
    "explanation",
    "more",
    "code",
    "ridgeway",
    "wrong",
    "checks",
    "sources",
)


class LessonError(ValueError):
    """A lesson's text file lacks something."""


@dataclass(frozen=True)
class Choice:
    """One of the outcomes that the learner may predict, and what is to be said of it afterwards. Both are HTML."""

    text: str
    response: str


@dataclass(frozen=True)
class Prediction:
    """What the learner is asked before the experiment."""

    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Check:
    """A question at the end that is not graded, and its answer. Both are HTML."""

    question: str
    answer: str


@dataclass(frozen=True)
class Lesson:
    """One lesson in one language.

    Attributes:
        id: as in its address.
        lang: "ko" or "en".
        title: a few words.
        summary: one sentence, as HTML.
        able: what one can do after it, as HTML.
        prediction: the question before the experiment.
        checks: two questions at the end.
        parts: the other sections' HTML, by their names.
    """

    id: str
    lang: str
    title: str
    summary: str
    able: str
    prediction: Prediction
    checks: tuple[Check, ...]
    parts: dict[str, str]


def source(name: str, lang: str) -> str:
    """The text file of a lesson.

    Args:
        name: one of `LESSONS`, or "data".
        lang: "ko" or "en".

    Returns:
        Markdown.
    """
    file = resources.files("ridgeway.studio.course") / "texts" / f"{name}.{lang}.md"
    return file.read_text(encoding="utf-8")


@functools.cache
def lesson(name: str, lang: str) -> Lesson:
    """A lesson, read and rendered once.

    Args:
        name: one of `LESSONS`.
        lang: "ko" or "en".

    Returns:
        The lesson.

    Raises:
        LessonError: its file lacks a part.
    """
    where = f"{name}.{lang}.md"
    head, *pieces = re.split(r"^## (\S+)\n", source(name, lang), flags=re.MULTILINE)
    sections = dict(zip(pieces[::2], pieces[1::2], strict=True))
    expected = [section for section in SECTIONS if section != "experiment"]
    if list(sections) != expected:
        raise LessonError(f"{where} has the sections {list(sections)}. It needs {expected}, in that order.")
    about = dict(re.findall(r"^(\w+): (.+)$", head, flags=re.MULTILINE))
    if set(about) != {"title", "summary", "able"}:
        raise LessonError(f"{where} begins with {sorted(about)}. It needs title, summary and able.")
    return Lesson(
        id=name,
        lang=lang,
        title=about["title"],
        summary=inline(about["summary"], lang),
        able=inline(about["able"], lang),
        prediction=_prediction(sections.pop("predict"), lang, where),
        checks=_checks(sections.pop("checks"), lang, where),
        parts={section: block(text, lang) for section, text in sections.items()},
    )


@functools.cache
def data_code(lang: str) -> str:
    """Where the arrays that the lessons' code names come from, as HTML."""
    return block(source("data", lang), lang)


def _prediction(text: str, lang: str, where: str) -> Prediction:
    """A question, then `- choice :: response` for each choice."""
    question, *choices = re.split(r"^- ", text, flags=re.MULTILINE)
    parts = [choice.strip().split(" :: ") for choice in choices]
    if not 2 <= len(parts) <= 4 or any(len(part) != 2 for part in parts):
        raise LessonError(f"{where} has {len(parts)} choices to predict. It needs 2 to 4, each '- choice :: response'.")
    return Prediction(block(question, lang), tuple(Choice(inline(a, lang), inline(b, lang)) for a, b in parts))


def _checks(text: str, lang: str, where: str) -> tuple[Check, ...]:
    """Questions, each under `###` (a line of its own), each with its answer in lines that begin with `>`."""
    found = []
    for piece in re.split(r"^###\n", text, flags=re.MULTILINE)[1:]:
        answer = "\n".join(line[1:].strip() for line in piece.splitlines() if line.startswith(">"))
        question = "\n".join(line for line in piece.splitlines() if not line.startswith(">"))
        found.append(Check(block(question, lang), block(answer, lang)))
    if len(found) != 2 or not all(check.answer for check in found):
        raise LessonError(f"{where} has {len(found)} checks. It needs 2, each with its answer after '>'.")
    return tuple(found)
