"""Answers that could get lost: pages out of date, requests that overtake each other, starts without an answer."""

import datetime
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from ridgeway.studio.quiz import attempts, codes
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.held import MOST
from ridgeway.studio.storage import BY_TEACHER, Answer, Attempt, Classroom, Learner, now
from ridgeway.studio.storage.retention import remove_old
from studio.quizweb.people import JSON, Browser, Student, drawn_of, right_fields, wrong_fields
from studio.quizweb.small_bank import SECRET


def two_devices(app: FastAPI) -> tuple[Student, Student]:
    """A learner at two devices."""
    desk, phone = Student(app), Student(app)
    desk.begin()
    phone.post("/quiz/resume", {"resume_code": desk.code})
    phone.attempt = desk.attempt
    return desk, phone


def stored(app: FastAPI, question: str) -> Answer:
    with app.state.storage.reading() as session:
        return session.scalars(select(Answer).where(Answer.question == question)).one()


def number_of(app: FastAPI, kind: str) -> tuple[int, Any]:
    return next((n, one) for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == kind)


@pytest.mark.parametrize("kind", ["single", "several", "number", "order", "match", "code"])
def test_an_untouched_page_erases_nothing(app: FastAPI, kind: str) -> None:
    desk, phone = two_devices(app)
    number, question = number_of(app, kind)
    before = desk.knows(number)
    shown = {"answer": desk.fields(number)["answer"]} if kind == "order" else {}
    phone.give(number, right_fields(question))
    given = stored(app, question.id)
    going = desk.give(number, {**shown, "go": str(number + 1 if number < 15 else "review")}, page=before)
    assert going.status_code == 303 and "changed" not in going.headers["location"]
    assert stored(app, question.id).value == given.value
    desk.give(number, {**shown, "flag": "on"}, page=before)
    assert stored(app, question.id).value == given.value and stored(app, question.id).flagged


@pytest.mark.parametrize("script", [True, False])
def test_a_page_out_of_date_is_told_so(app: FastAPI, script: bool) -> None:
    desk, phone = two_devices(app)
    number, question = number_of(app, "single")
    before = desk.knows(number) | ({"sent": "1"} if script else {})
    phone.give(number, right_fields(question))
    answer = desk.give(number, wrong_fields(question), script=script, page=before)
    place = answer.json()["location"] if script else answer.headers["location"]
    assert place == f"/quiz/1/{number}?changed={number}"
    page = desk.get(place).text
    assert "그 답이 저장되어" in page and f'value="{right_fields(question)["answer"][0]}" checked' in page
    desk.give(number, wrong_fields(question))
    assert stored(app, question.id).value == wrong_fields(question)["answer"][0], "who has seen it may change it"


def test_a_page_that_knows_nothing_overwrites_nothing(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "single")
    student.give(number, right_fields(question))
    student.give(number, wrong_fields(question), page={})
    assert stored(app, question.id).value == right_fields(question)["answer"][0]


def test_an_older_request_of_the_same_page_comes_too_late(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "single")
    one, other = ({"answer": question.opaque("option", key)} for key in ("a", "b"))
    page = student.knows(number)
    student.give(number, other, script=True, page=page | {"sent": "2"})
    student.give(number, one, script=True, page=page | {"sent": "1"})
    assert stored(app, question.id).value == other["answer"]
    student.give(number, one, script=True, page=page | {"sent": "3"})
    assert stored(app, question.id).value == one["answer"], "its own answers a page may change"
    student.give(number, one, script=True, page=page | {"sent": "5"})
    student.give(number, other, script=True, page=page | {"sent": "4"})
    assert stored(app, question.id).value == one["answer"], "nor when the same was given again meanwhile"


def test_going_on_is_no_answer(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "several")
    student.give(number, right_fields(question))
    before = stored(app, question.id).saved_at
    student.give(number, {**right_fields(question), "go": "1"})
    student.give(number, right_fields(question), script=True)
    assert stored(app, question.id).saved_at == before
    student.give(number, {})
    assert stored(app, question.id).value is None, "an answer may be taken back"


def test_a_form_is_sent_again_from_the_history(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "single")
    page = student.knows(number)
    student.give(number, wrong_fields(question), page=page)
    student.give(number, right_fields(question), page=page)
    assert stored(app, question.id).value == right_fields(question)["answer"][0]


def test_a_start_whose_answer_is_lost(app: FastAPI) -> None:
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", attempts=1, minutes=30, questions=5))
    student = Student(app)
    student.get("/quiz")
    jar = [(one.name, one.value) for one in student.http.cookies.jar]
    assert student.start(class_code="ABC234").status_code == 303
    first = student.code

    def lost() -> None:
        student.http.cookies.clear()
        for name, value in jar:
            student.http.cookies.set(name, value)

    lost()
    assert student.page(1).status_code == 404
    assert student.start(class_code="ABC234").headers["location"] == "/quiz/1"
    assert student.code == first, "whichever answer arrives opens it"
    stranger = Student(app)
    assert stranger.start(class_code="ABC234").status_code == 422, "the name alone opens nothing"
    student.hand_in()
    lost()
    assert student.start(class_code="ABC234").status_code == 422, "what is handed in is not opened by a start"
    with app.state.storage.reading() as session:
        assert session.scalar(select(func.count(Attempt.id))) == 1


def test_nobody_starts_into_an_attempt_that_was_taken_off(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    student.post("/quiz/forget")
    assert student.start().headers["location"] == "/quiz/2"


def test_a_new_code(app: FastAPI) -> None:
    student, tablet = Student(app), Student(app)
    student.begin()
    old = student.code
    with app.state.storage.writing() as session:
        certificate = session.get_one(Attempt, 1).certificate
        code = codes.renew(session, 1)
    assert student.page(1).status_code == 404
    assert tablet.post("/quiz/resume", {"resume_code": old}).status_code == 422
    assert tablet.post("/quiz/resume", {"resume_code": codes.shown(code)}).status_code == 303
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, 1).certificate == certificate, "a printed number stays"


def test_the_code_is_shown_from_the_first_question_on(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    code = student.code
    assert all(code in student.page(page).text for page in (1, 15, "all", "review"))


def changed_bank(app: FastAPI, question_id: str, **changes: Any) -> Bank:
    bank: Bank = app.state.bank
    question = bank.questions[question_id].model_copy(update=changes)
    return replace(bank, version="changed", questions=MappingProxyType({**bank.questions, question_id: question}))


@pytest.mark.parametrize("when", ["before handing in", "before grading again"])
def test_numbers_of_the_bank_change_in_mid_attempt(app: FastAPI, when: str) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "number")
    factor = question.values["factor"]
    student.give(number, right_fields(question))
    text = student.page(number).text
    later = changed_bank(app, question.id, parameters={"factor": (20.0, 30.0)}, answer="4 * factor")
    if when == "before grading again":
        student.hand_in()
        app.state.bank = later
        assert attempts.regrade(app.state.storage, later, 1) == (1.0, 1.0)
    else:
        app.state.bank = later
        assert f"{factor:g}의 세 배는" in text and f"{factor:g}의 세 배는" in student.page(number).text
        student.hand_in()
    result = student.page("result").text
    assert "<strong>1</strong>" in result and f"{factor:g}의 세 배는" in result


def test_options_of_the_bank_change_in_mid_attempt(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "several")
    student.give(number, right_fields(question))
    options = question.question.options
    new = options[0].model_copy(update={"id": "new"})
    app.state.bank = changed_bank(app, question.id, options=(*options, new))
    assert student.fields(number)["answer"] == [question.opaque("option", key) for key in question.order]
    student.hand_in()
    assert attempts.regrade(app.state.storage, app.state.bank, 1) == (1.0, 1.0), "the option was never shown"
    app.state.bank = changed_bank(app, question.id, options=(*options[1:], new))
    assert "점수는 그대로" in student.page("result").text, "the word of an option is gone"


def test_a_mended_key_counts_when_it_is_graded_again(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, question = number_of(app, "single")
    student.give(number, {"answer": question.opaque("option", "b")})
    options = tuple(one.model_copy(update={"right": one.id == "b"}) for one in question.question.options)
    app.state.bank = changed_bank(app, question.id, options=options)
    student.hand_in()
    assert "<strong>0</strong>" in student.page("result").text, "graded by the key that was drawn"
    assert attempts.regrade(app.state.storage, app.state.bank, 1) == (0.0, 1.0)
    assert "<strong>1</strong>" in student.page("result").text


def test_a_shared_computer_forgets_from_every_last_page(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    student.hand_in()
    for page in ("result", "certificate"):
        assert 'action="/quiz/forget"' in student.page(page).text


def test_a_cookie_drops_closed_attempts_first(app: FastAPI) -> None:
    student = Student(app)
    student.begin("먼저 연 이")
    for number in range(25):
        student.begin(f"이름 {number}")
        student.hand_in()
    assert student.get("/quiz/1/1").status_code == 200, "the oldest, and open"
    assert student.get("/quiz/2/result").status_code == 404
    assert student.get("/quiz/26/result").status_code == 200
    for number in range(22):
        student.begin(f"열린 이 {number}")
    assert all(student.get(f"/quiz/{one}/1").status_code == 200 for one in (1, *range(27, 49)))
    assert len(student.http.cookies["quiz"]) < 3500
    assert MOST * 17 < 4000


def closed_by_clock(app: FastAPI) -> Student:
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", attempts=1, minutes=30, questions=5))
    student = Student(app)
    student.begin(class_code="ABC234")
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=31)
    attempts.close_overdue(app.state.storage, app.state.bank)
    return student


def test_no_more_time_once_the_key_was_seen(app: FastAPI) -> None:
    student = closed_by_clock(app)
    attempts.more_time(app.state.storage, 1, 5)
    assert student.page(1).status_code == 200, "nobody has seen the key"
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=31)
    assert SECRET in student.page("result").text or student.page("result").status_code == 303
    assert SECRET in student.page("result").text
    with pytest.raises(attempts.Refused, match="seen the result"):
        attempts.more_time(app.state.storage, 1, 5)
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, 1).handed_in_at is not None


def test_results_wait_for_the_teacher(app: FastAPI) -> None:
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", attempts=2, minutes=None, questions=5, release=BY_TEACHER))
    student = Student(app)
    student.begin(class_code="ABC234")
    student.give(1, right_fields(drawn_of(app, 1)[0]))
    assert "선생님이 공개한 뒤에" in student.page("review").text
    student.hand_in()
    page = student.page("result").text
    assert "결과는 선생님이 공개합니다" in page and SECRET not in page and 'class="score"' not in page
    assert student.page("certificate").headers["location"] == "/quiz/1"
    assert "제출 상태 보기" in student.get("/quiz").text
    with app.state.storage.writing() as session:
        assert session.get_one(Attempt, 1).result_seen_at is None
        session.scalars(select(Classroom)).one().released_at = now()
    assert SECRET in student.page("result").text and student.page("certificate").status_code == 200
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, 1).result_seen_at is not None


def test_each_class_forgets_after_its_own_days(app: FastAPI) -> None:
    with app.state.storage.writing() as session:
        for code, days in (("AAAAAA", 10), ("BBBBBB", 0), ("CCCCCC", None)):
            session.add(Classroom(name=code, code=code, questions=5, retention_days=days))
    for code in ("AAAAAA", "BBBBBB", "CCCCCC", ""):
        page = Student(app).get(f"/quiz?code={code}").text
        said = {"AAAAAA": "10일", "BBBBBB": "선생님이 삭제할 때까지"}.get(code, "365일")
        assert said in page
        Student(app).begin(class_code=code)
    names = {"AAAAAA": 11, "BBBBBB": 9999, "CCCCCC": 300, "": 400}
    with app.state.storage.writing() as session:
        for one in session.scalars(select(Attempt)):
            ago = names[one.learner.classroom.code if one.learner.classroom else ""]
            one.started_at -= datetime.timedelta(days=ago)
            one.learner.consented_at -= datetime.timedelta(days=ago)
    assert remove_old(app.state.storage, 365) == 2
    with app.state.storage.reading() as session:
        left = session.scalars(select(Learner)).all()
        assert sorted(one.classroom.code for one in left if one.classroom) == ["BBBBBB", "CCCCCC"] and len(left) == 2


def test_nobody_agrees_to_other_days_than_were_shown(app: FastAPI) -> None:
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", questions=5, retention_days=1000))
    answer = Student(app).start(class_code="ABC234", retention_days="365")
    assert answer.status_code == 422 and "1000일" in answer.text and 'id="consent-error"' in answer.text
    assert Student(app).start(class_code="ABC234", retention_days="1000").status_code == 303


def test_all_questions_on_one_page(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    page = student.page("all").text
    assert page.count("<form") == 15 and SECRET not in page
    number, question = number_of(app, "number")
    known = {**student.knows(number), "on": "all", "go": "all"}
    wrong = student.give(number, {**known, "answer": "zwölf"})
    assert wrong.status_code == 422 and wrong.text.count("<form") == 15 and 'value="zwölf"' in wrong.text
    given = student.give(number, {**known, **right_fields(question)})
    assert given.headers["location"] == f"/quiz/1/all#question-{number}"
    stale = student.give(number, {"on": "all", "answer": "1"}, page={"page": "0" * 12, "seen": "x.1"})
    assert stale.headers["location"] == f"/quiz/1/all?changed={number}#question-{number}"
    assert "그 답이 저장되어" in student.get(stale.headers["location"]).text
    student.hand_in()
    assert student.page("all").headers["location"] == "/quiz/1/result"
    assert Browser(app).get("/quiz/1/all", headers=JSON).status_code == 404
