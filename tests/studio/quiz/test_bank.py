"""The bank as it is: whole, and covering the lecture; and that its check sees what is wrong."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ridgeway.errors import InputError
from ridgeway.studio.quiz import LESSONS, load_bank
from ridgeway.studio.quiz import bank as banks
from ridgeway.studio.quiz.bank import read_bank
from ridgeway.studio.quiz.check import problems, question_problems, texts
from ridgeway.studio.quiz.command import app

BANK = load_bank()
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LECTURE = Path(__file__).parents[2] / "lecture" / "lecture.ko.txt"


def test_nothing_is_wrong_with_it() -> None:
    assert problems(BANK) == []


def test_its_size() -> None:
    questions = BANK.questions.values()
    assert len(questions) >= 64
    assert {question.topic for question in questions} == set(LESSONS)
    assert {"single", "several", "number", "order", "match", "code"} == {question.kind for question in questions}
    assert sum(question.figure is not None for question in questions) >= 8
    assert {question.course for question in questions} - {None} == set(range(1, 44))


def test_it_holds_the_lecture_word_for_word() -> None:
    lines = LECTURE.read_text(encoding="utf-8").splitlines()
    assert dict(BANK.statements) == {number: line for number, line in enumerate(lines, 1) if line.strip()}


def test_every_statement_of_the_lecture_is_asked_about() -> None:
    asked = {line for question in BANK.questions.values() for line in question.covers}
    bullets = {line for line, text in BANK.statements.items() if text.startswith("- ")}
    assert bullets <= asked | set(BANK.unasked)
    # Of the bullets only the head of a list is left out.
    assert [BANK.statements[line] for line in sorted(bullets - asked)] == ["- 종류:"]


def test_right_options_are_not_told_by_their_length() -> None:
    """In about as many questions as chance has it is the right option the longest."""
    for lang in ("ko", "en"):
        longest, chance = 0, 0.0
        for question in BANK.questions.values():
            if question.kind == "single":
                lengths = {one.id: len(one.text.in_language(lang)) for one in question.options}
                (right,) = (one.id for one in question.options if one.right)
                longest += all(lengths[right] > length for one, length in lengths.items() if one != right)
                chance += 1 / len(lengths)
        assert longest < 1.6 * chance, (
            f"{lang}: {longest} right options are the longest; chance would have {chance:.0f}"
        )


def test_words_are_those_of_the_lessons() -> None:
    """Besides the lecture's own lines, which stand in statements.yaml as they are."""
    for question in BANK.questions.values():
        korean = " ".join(text.ko for _, text, _ in texts(question))
        for other in ("업데이트", "초기값", "근접 단계", "뉴런", "모형", "세기", "정답 범주", "과적합되", "규제"):
            assert other not in korean, (question.id, other)


def test_check_prints_a_summary() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0, result.output
    assert f"{len(BANK.questions)} questions in 11 topics" in result.output
    assert "No problems found." in result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with_source = files(banks.__package__).joinpath("bank")
    return Path(shutil.copytree(str(with_source), tmp_path / "bank"))


def change(folder: Path, name: str, question: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / name
    entries = yaml.load(file.read_text(encoding="utf-8"), FAST)
    edit(next(one for one in entries if one["id"] == question))
    file.write_text(yaml.safe_dump(entries, allow_unicode=True, sort_keys=False), encoding="utf-8")


def test_a_change_changes_the_version(folder: Path) -> None:
    assert read_bank(folder).version == BANK.version
    change(folder, "coding.yaml", "coding-where", lambda entry: entry["text"].update(en="Where?"))
    assert read_bank(folder).version != BANK.version


FAULTS: list[tuple[str, str, Callable[[dict[str, Any]], Any], str]] = [
    ("weight-decay.yaml", "decay-step", lambda one: one.update(answer="w - eta * g"), "keep its wrong values apart"),
    # With a step of 1 two of the mistakes come to the same: half of the sets could never be drawn.
    ("weight-decay.yaml", "decay-step", lambda one: one["parameters"].update(eta=[0.1, 1]), "only 26 of 54"),
    ("weight-decay.yaml", "decay-step", lambda one: one["example"].update(answer=1.94), "states 1.94 as answer"),
    ("weight-decay.yaml", "decay-step", lambda one: one["example"].update(w=7), "can't be drawn"),
    ("weight-decay.yaml", "decay-step", lambda one: one.update(answer="w / 0"), "can't be computed"),
    ("weight-decay.yaml", "decay-step", lambda one: one.update(answer="w + momentum"), "has no value"),
    ("weight-decay.yaml", "decay-step", lambda one: one["text"].update(en="What is w?"), "same placeholders"),
    ("weight-decay.yaml", "decay-step", lambda one: one["text"].update(ko="{answer}", en="{answer}"), "is not drawn"),
    ("weight-decay.yaml", "decay-step", lambda one: one.pop("example"), "has no example"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["options"][1].pop("misconception"), "no misconception"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["options"][1].update(right=True), "2 options are right"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["options"][1].update(id="shrink"), "stands 2 times"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["text"].update(en="무엇인가요?"), "the English is Korean"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["text"].update(ko="What?"), "no Korean letter"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["text"].update(ko="`가"), "is not closed"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one["text"].update(ko="가 {b", en="a {b"), "no placeholder"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one.update(source=["nowhere"]), "has no 'nowhere'"),
    ("weight-decay.yaml", "decay-stronger", lambda one: one.update(covers=[999]), "no line 999"),
    ("weight-decay.yaml", "decay-code", lambda one: one.update(gaps={"2": "decay"}), "differ"),
    ("weight-decay.yaml", "decay-code", lambda one: one.update(gaps={"1": "nothing"}), "needs the token"),
    ("overview.yaml", "overview-epoch", lambda one: one["wrong"][0].update(first="loss", then="update"), "right order"),
    ("overview.yaml", "overview-how", lambda one: one["pairs"][0].update(id="dropout"), "stands 2 times"),
    ("overview.yaml", "overview-how", lambda one: one["pairs"][0].update(right="a", ko="b", en="c"), "no Korean"),
    ("label-smoothing.yaml", "smoothing-loss", lambda one: one["parameters"].update(k=[4]), "draws k otherwise"),
    ("coding.yaml", "coding-where", lambda one: one["options"][1].update(one["options"][0], id="x", right=False,
     misconception={"ko": "가", "en": "a"}), "read the same"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "question", "edit", "said"), FAULTS, ids=[f"{one[1]}: {one[3]}" for one in FAULTS])
def test_faults_are_found(folder: Path, name: str, question: str, edit: Callable[..., Any], said: str) -> None:
    change(folder, name, question, edit)
    changed = read_bank(folder)
    found = question_problems(changed, changed.question(question))
    assert any(said in problem for problem in found), found


SCHEMA_FAULTS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda one: one.pop("explanation"), "explanation"),
    (lambda one: one["text"].pop("ko"), "ko"),
    (lambda one: one.update(lesson="cooking"), "lesson"),
    (lambda one: one.update(kind="essay"), "kind|tag"),
    (lambda one: one.update(surprise=1), "surprise"),
    (lambda one: one.update(covers=[]), "covers"),
    (lambda one: one.update(figure="no-figure"), "no-figure"),
]


@pytest.mark.parametrize(("edit", "said"), SCHEMA_FAULTS, ids=[one[1] for one in SCHEMA_FAULTS])
def test_what_is_no_question_is_not_read(folder: Path, edit: Callable[..., Any], said: str) -> None:
    change(folder, "coding.yaml", "coding-where", edit)
    with pytest.raises(InputError, match=said):
        read_bank(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- id: a\n  id: b\n", "stands twice"),
        ("- [", "is no YAML"),
        ("- 3\n", "question 1"),
        ("- !!python/object/apply:os.system ['true']\n", "is no YAML"),
    ],
)
def test_files_that_are_no_bank(folder: Path, content: str, said: str) -> None:
    (folder / "coding.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_bank(folder)


def test_a_missing_file(folder: Path) -> None:
    (folder / "norms.yaml").unlink()
    with pytest.raises(InputError, match="no readable 'norms.yaml'"):
        read_bank(folder)


def test_check_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    few = dataclasses.replace(BANK, questions={"decay-step": BANK.question("decay-step")})
    monkeypatch.setattr("ridgeway.studio.quiz.command.load_bank", lambda: few)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert "No question covers line 3 of the lecture" in result.output
    assert "The bank has 1 questions. Write 60 at least." in result.output
