"""The question bank: its files read and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ridgeway.errors import InputError
from ridgeway.studio.quiz.questions import Question, Text
from ridgeway.studio.topics import LESSONS


class FigureAxis(BaseModel):
    """One axis of a figure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Text
    log: bool = False
    decimals: int | None = None


class Series(BaseModel):
    """One line of a figure, a value for each of the horizontal axis."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    label: Text
    values: tuple[float, ...]


class FigureData(BaseModel):
    """What a real training gave, with all that is needed to do it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: Text
    made_by: str
    seed: int
    settings: dict[str, Any]
    versions: dict[str, str]
    x: FigureAxis
    y: FigureAxis
    at: tuple[float, ...]
    series: tuple[Series, ...]


class Source(BaseModel):
    """Where a fact stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Text
    url: str | None = None


@dataclass(frozen=True)
class Bank:
    """All questions and what belongs to them.

    Attributes:
        topics: the name of each topic, in the order of the lecture.
        questions: by id, in the order of the files.
        figures: the real runs that questions show.
        sources: what questions refer to.
        statements: the lecture's lines by number.
        unasked: the lines that no question asks about, with the reason.
        version: changes with every change of the files.
    """

    topics: Mapping[str, Text]
    questions: Mapping[str, Question]
    figures: Mapping[str, FigureData]
    sources: Mapping[str, Source]
    statements: Mapping[int, str]
    unasked: Mapping[int, str]
    version: str

    def question(self, question_id: str) -> Question:
        """The question of an id.

        Raises:
            InputError: there is none.
        """
        if question_id not in self.questions:
            raise InputError(f"The question bank has no question {question_id!r}. It may come from another version.")
        return self.questions[question_id]


# libyaml reads the bank four times as fast; wheels of PyYAML bring it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _OnceLoader(_SafeLoader):
    """YAML that refuses a key given twice, which would silently lose the first."""


def _mapping(loader: _OnceLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.YAMLError(f"the key {key!r} stands twice, line {key_node.start_mark.line + 1}")
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_OnceLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@cache
def load_bank() -> Bank:
    """The bank that comes with ridgeway.

    Raises:
        InputError: a file of it is no YAML, or not what a question must be.
    """
    return read_bank(files(__package__).joinpath("bank"))


def read_bank(folder: Traversable) -> Bank:
    """The bank of a folder: a file a topic, and `topics`, `sources` and `statements` beside them.

    Raises:
        InputError: a file is missing, is no YAML, or not what a question must be.
    """
    digest = hashlib.sha256()

    def read(name: str) -> Any:
        try:
            content = folder.joinpath(name).read_bytes()
        except OSError as error:
            raise InputError(f"The question bank has no readable '{name}' ({error}). Add it.") from None
        digest.update(content)
        try:
            # JSON is YAML as well.
            return yaml.load(content.decode("utf-8"), _OnceLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"'{name}' of the question bank is no YAML: {error}. Mend it.") from None

    topics = _checked(dict[str, Text], read("topics.yaml"), "topics.yaml")
    sources = _checked(dict[str, Source], read("sources.yaml"), "sources.yaml")
    lecture = read("statements.yaml")
    questions: dict[str, Question] = {}
    for topic in LESSONS:
        for place, entry in enumerate(read(f"{topic}.yaml")):
            name = f"{topic}.yaml, question {entry.get('id', place + 1) if isinstance(entry, dict) else place + 1}"
            given = {"topic": topic, "lesson": topic, **entry} if isinstance(entry, dict) else entry
            question = _checked(Question, given, name)
            if question.id in questions:
                raise InputError(f"{name}: that id is taken. Give each question its own.")
            questions[question.id] = question
    names = sorted({question.figure for question in questions.values() if question.figure})
    figures = {name: _checked(FigureData, read(f"figures/{name}.json"), f"figures/{name}.json") for name in names}
    return Bank(
        MappingProxyType(topics),
        MappingProxyType(questions),
        MappingProxyType(figures),
        MappingProxyType(sources),
        MappingProxyType(_checked(dict[int, str], lecture["lines"], "statements.yaml")),
        MappingProxyType(_checked(dict[int, str], lecture["unasked"], "statements.yaml")),
        digest.hexdigest()[:12],
    )


def _checked(kind: Any, given: Any, name: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        raise InputError(f"{name}: {where}: {first['msg']}. Mend it.") from None
