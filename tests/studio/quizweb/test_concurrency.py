"""Things that happen at once: two answers, two hand-ins, a hand-in and an answer, two starts; on both databases."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from ridgeway.studio.quiz import attempts, codes, saving, starting
from ridgeway.studio.quiz.forms import given
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Answer, Attempt, Learner
from studio.quizweb.people import Student, drawn_of, right_fields, wrong_fields


def give(app: FastAPI, code: str, place: int, value: Any, flagged: bool | None = None, keep: bool = False) -> Any:
    """Saves an answer from a page of its own that showed the question when it had none."""
    page = saving.Page(uuid.uuid4().hex[:12])
    given = saving.Given(value, page, flagged, keep)
    return saving.save(app.state.storage, app.state.bank, 1, [code], place, lambda drawn: given)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Runs them in threads of their own that start together; what each gave, or its error."""
    gate = threading.Barrier(len(works))
    given: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            given[place] = work()
        except Exception as error:
            given[place] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return given


def begun(app: FastAPI) -> tuple[str, list[Any], list[Any], list[Any]]:
    """An attempt: its code, its questions, and a right and a wrong answer to each as JSON."""
    student = Student(app)
    student.begin()
    from starlette.datastructures import FormData

    def value(drawn: Any, fields: dict[str, Any]) -> Any:
        pairs = [(name, one) for name, many in fields.items() for one in (many if isinstance(many, list) else [many])]
        return given(drawn, FormData(pairs))

    drawn = list(drawn_of(app, 1))
    right = [value(one, right_fields(one)) for one in drawn]
    wrong = [value(one, wrong_fields(one)) for one in drawn]
    return str(codes.read(student.code, codes.ATTEMPT)), drawn, right, wrong


def test_two_answers_at_once(app: FastAPI) -> None:
    """One of them counts, and the other is told so; flags stand beside them."""
    code, drawn, right, wrong = begun(app)
    works: list[Callable[[], Any]] = []
    for place, answers in enumerate(zip(right, wrong, strict=True), 1):
        works += [lambda p=place, a=answer: give(app, code, p, a) for answer in answers]
        works.append(lambda p=place: give(app, code, p, None, True, True))
    told = at_once(*works)
    assert not [one for one in told if isinstance(one, Exception)]
    with app.state.storage.reading() as session:
        rows = {one.question: one for one in session.scalars(select(Answer))}
        assert session.scalar(select(func.count(Answer.id))) == len(rows) == 15, "one row a question"
    for place, question in enumerate(drawn):
        first, second, flag = told[3 * place : 3 * place + 3]
        assert {first.refused, second.refused} == {True, False} and not flag.refused
        assert rows[question.id].value == (wrong if first.refused else right)[place] and rows[question.id].flagged


def test_handing_in_twice_at_once(app: FastAPI) -> None:
    code, drawn, right, _ = begun(app)
    storage, bank = app.state.storage, app.state.bank
    for place, answer in enumerate(right, 1):
        give(app, code, place, answer)
    given = at_once(*[lambda: attempts.hand_in(storage, bank, 1, [code])] * 6)
    assert given == [None] * 6
    with storage.reading() as session:
        assert session.get_one(Attempt, 1).points == 15
        assert session.scalar(select(func.count(Answer.id))) == 15
        handed_in = session.get_one(Attempt, 1).handed_in_at
    attempts.hand_in(storage, bank, 1, [code])
    with storage.reading() as session:
        assert session.get_one(Attempt, 1).handed_in_at == handed_in


def test_an_answer_and_a_hand_in_at_once(app: FastAPI) -> None:
    """Each answer that was acknowledged is graded; one that came too late is told so."""
    code, drawn, right, _ = begun(app)
    storage, bank = app.state.storage, app.state.bank
    works: list[Callable[[], Any]] = [
        lambda p=place, a=answer: give(app, code, p, a) for place, answer in enumerate(right, 1)
    ]
    works.insert(7, lambda: attempts.hand_in(storage, bank, 1, [code]))
    given = at_once(*works)
    assert given.pop(7) is None
    late = [one for one in given if isinstance(one, Exception)]
    assert all(isinstance(one, attempts.Closed) for one in late)
    with storage.reading() as session:
        assert session.get_one(Attempt, 1).points == 15 - len(late)
        answered = session.scalar(select(func.count(Answer.id)).where(Answer.value.is_not(None)))
        assert answered == 15 - len(late)
        assert session.scalar(select(func.count(Answer.id))) == 15


@pytest.mark.parametrize("same", [True, False])
def test_starts_at_once_keep_the_rules(app: FastAPI, settings: Settings, same: bool) -> None:
    storage, bank = app.state.storage, app.state.bank
    values = {"affiliation": "소속", "class_code": "", "language": "ko", "held": ()}
    given = at_once(
        *[
            lambda n=number: starting.start(
                storage, bank, settings, name="하나" if same else f"이름 {n}", browser=f"browser {n}", **values
            )
            for number in range(8)
        ]
    )
    refused = [one for one in given if isinstance(one, Exception)]
    assert all(isinstance(one, attempts.Refused) for one in refused)
    assert len(refused) == (5 if same else 0), "three attempts a learner"
    with storage.reading() as session:
        assert session.scalar(select(func.count(Learner.id))) == (1 if same else 8)
        assert session.scalar(select(func.count(Attempt.id))) == (3 if same else 8)
        assert len(set(session.scalars(select(Attempt.seed)))) == (3 if same else 8)


def test_handed_in_while_a_teacher_gives_time(app: FastAPI) -> None:
    code, *_ = begun(app)
    storage, bank = app.state.storage, app.state.bank
    with storage.writing() as session:
        session.get_one(Attempt, 1).minutes = 30
    given = at_once(
        lambda: attempts.hand_in(storage, bank, 1, [code]), *[lambda: attempts.more_time(storage, 1, 5)] * 4
    )
    assert given[0] is None
    late = [one for one in given[1:] if isinstance(one, Exception)]
    assert all(isinstance(one, attempts.Refused) for one in late)
    with storage.reading() as session:
        one = session.get_one(Attempt, 1)
        assert one.closed_by == "learner" and one.extra_minutes == 5 * (4 - len(late))
