"""The whole way of a learner, without a script, in both languages and on both databases."""

import datetime
from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Answer, Attempt, Classroom, Learner
from studio.quizweb.people import JSON, Browser, Forms, Student, drawn_of, right_fields, wrong_fields
from studio.quizweb.small_bank import SECRET
from studio.quizweb.studios import studio_app

WORDS = {
    "ko": ("퀴즈", "사용자 정보 입력", "퀴즈를 시작하기 전에 이름과 소속을 입력해주세요.", "결과", "해설"),
    "en": ("Quiz", "Your details", "Enter your name and affiliation before the quiz starts.", "Result", "Explanation"),
}


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_whole_way(app: FastAPI, lang: str) -> None:
    student = Student(app, lang)
    first = student.get("/quiz").text
    for word in WORDS[lang][:3]:
        assert word in first
    assert student.begin(name="  김  하늘 ") == 1
    assert student.get("/quiz/1").headers["location"] == "/quiz/1/1"
    drawn = drawn_of(app, 1)
    assert len(drawn) == 15
    points = 0
    for number, question in enumerate(drawn, 1):
        page = student.page(number).text
        assert SECRET not in page
        fields = right_fields(question) if number % 3 else wrong_fields(question)
        points += bool(number % 3)
        following = "review" if number == 15 else str(number + 1)
        # An order is given by a button of its own.
        go = {} if question.kind == "order" else {"go": following}
        answer = student.give(number, {**fields, **go})
        assert answer.status_code == 303, answer.text
        here = f"/quiz/1/{number}" if question.kind == "order" else f"/quiz/1/{following}"
        assert answer.headers["location"] == here
    assert student.get("/quiz/1").headers["location"] == "/quiz/1/review"
    assert student.page("review").status_code == 200
    assert student.page("result").headers["location"] == "/quiz/1", "not before handing in"
    assert student.hand_in().headers["location"] == "/quiz/1/result"
    result = student.page("result").text
    assert "김 하늘" in result and f"<strong>{points}</strong>" in result and SECRET in result
    for word in WORDS[lang][3:]:
        assert word in result
    assert f'href="/course/{drawn[0].lesson}"' in result
    certificate = student.page("certificate").text
    assert "김 하늘" in certificate and f"{points} / 15" in certificate
    for number in ("1", "review"):
        assert student.page(number).headers["location"] == "/quiz/1/result", "nothing can be changed any more"


def test_partly_right(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    drawn = drawn_of(app, 1)
    number, several = next((n, one) for n, one in enumerate(drawn, 1) if one.kind == "several")
    student.give(number, {"answer": [several.opaque("option", "a")]})
    student.hand_in()
    assert "<strong>0.5</strong>" in student.page("result").text


def test_every_way_to_answer_comes_back_on_the_page(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    for number, question in enumerate(drawn_of(app, 1), 1):
        fields = right_fields(question)
        student.give(number, fields)
        page = student.page(number).text
        match question.kind:
            case "single" | "several":
                ids = [line.split('value="')[1].split('"')[0] for line in page.splitlines() if " checked" in line]
                assert sorted(ids) == sorted(fields["answer"])
            case "number":
                assert f'value="{fields["answer"]}"' in page
            case "order":
                assert Forms(page).forms[f"/quiz/1/{number}"]["answer"] == fields["answer"]
            case _:
                for value in fields.values():
                    assert f'value="{value}" selected' in page


def test_an_order_is_moved_by_buttons(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number = next(n for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == "order")
    before = student.fields(number)["answer"]
    student.give(number, {"answer": before, "go": "1"})
    with app.state.storage.reading() as session:
        assert not session.scalars(select(Answer).where(Answer.value.is_not(None))).all(), "looking is no answer"
    student.give(number, {"answer": before, "move": f"{before[1]}:up"})
    assert student.fields(number)["answer"] == [before[1], before[0], *before[2:]]
    student.give(number, {"answer": before, "move": f"{before[0]}:up"})
    assert student.fields(number)["answer"] == before


def test_an_answer_can_be_taken_back(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    number, several = next((n, one) for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == "several")
    assert student.give(number, right_fields(several), script=True).json()["has_answer"] is True
    body = student.give(number, {}, script=True).json()
    assert body["has_answer"] is False and body["answered"] == 0


def test_what_can_not_be_read_is_told_and_changes_nothing(app: FastAPI) -> None:
    student = Student(app, "en")
    student.begin()
    number, question = next((n, one) for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == "number")
    student.give(number, right_fields(question))
    answer = student.give(number, {"answer": "seven-ish", "flag": "on"})
    assert answer.status_code == 422
    assert "be read as a number" in answer.text and 'value="seven-ish"' in answer.text
    assert "be read as a number" in student.give(number, {"answer": "x"}, script=True).json()["detail"]
    page = student.page(number).text
    assert f'value="{right_fields(question)["answer"]}"' in page and 'aria-pressed="true"' in page


def test_flags(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    assert student.give(2, {"flag": "on"}, script=True).json()["flagged"] is True
    assert 'aria-pressed="true"' in student.page(2).text
    assert student.give(2, {"flag": "off"}).status_code == 303
    assert 'aria-pressed="false"' in student.page(2).text


def test_the_same_browser_goes_on_where_it_was(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    student.give(1, right_fields(drawn_of(app, 1)[0]))
    assert 'href="/quiz/1"' in student.get("/quiz").text
    student.start(affiliation="서울대학교 ")
    assert student.attempt == 1, "no second one while the first is open"
    cookie = next(one for one in student.http.cookies.jar if one.name == "quiz")
    assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "lax"
    assert cookie.expires is not None


def test_another_device_goes_on_by_the_code(app: FastAPI) -> None:
    student, tablet = Student(app), Student(app)
    student.begin()
    student.give(1, right_fields(drawn_of(app, 1)[0]))
    code = student.code
    assert tablet.get("/quiz/1").status_code == 404
    wrong = tablet.post("/quiz/resume", {"resume_code": "0000-0000-0000-0000"})
    assert wrong.status_code == 422 and 'id="resume_code-error"' in wrong.text
    answer = tablet.post("/quiz/resume", {"resume_code": code.lower().replace("-", " ")})
    assert answer.headers["location"] == "/quiz/1"
    assert tablet.get("/quiz/1").headers["location"] == "/quiz/1/2"
    with app.state.storage.reading() as session:
        assert code.replace("-", "") not in str(session.get_one(Attempt, 1).__dict__), "only its hash is kept"


def test_a_computer_of_others_forgets(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    code = student.code
    student.post("/quiz/forget")
    assert "김하늘" not in student.get("/quiz").text and student.get("/quiz/1").status_code == 404
    assert student.post("/quiz/resume", {"resume_code": code}).status_code == 303


def test_the_language_may_change_in_mid_attempt(app: FastAPI) -> None:
    student = Student(app, "ko")
    student.begin()
    drawn = drawn_of(app, 1)
    number, question = next((n, one) for n, one in enumerate(drawn, 1) if one.kind == "single")
    student.give(number, right_fields(question))
    korean = student.fields(number)["answer"]
    assert student.get(f"/language/en?next=/quiz/1/{number}").headers["location"] == f"/quiz/1/{number}"
    page = student.page(number).text
    assert "which one?" in page and f'value="{right_fields(question)["answer"][0]}" checked' in page
    assert student.fields(number)["answer"] == korean, "same options in the same order"


@pytest.mark.parametrize("field", ["name", "affiliation"])
def test_both_fields_are_needed(app: FastAPI, field: str) -> None:
    for bad in ("", "   ", "가" * 81, "a\x00b", "a\u202eb"):
        answer = Student(app).start(**{field: bad})
        assert answer.status_code == 422 and f'id="{field}-error"' in answer.text, bad
    with app.state.storage.reading() as session:
        assert not session.scalars(select(Learner)).all()


def test_nothing_without_consent(app: FastAPI) -> None:
    student = Student(app)
    answer = student.start(consent="")
    assert answer.status_code == 422 and 'id="consent-error"' in answer.text and 'value="김하늘"' in answer.text
    for part in ("수집·이용 목적", "수집 항목", "보유 기간", "365일", "거부할 권리", "삭제"):
        assert part in answer.text


def test_as_often_as_the_settings_allow(app: FastAPI) -> None:
    for _ in range(3):
        student = Student(app)
        student.begin()
        student.hand_in()
    assert "더 응시할 수 없습니다" in student.page("result").text
    for name, affiliation in (("김하늘", "서울대학교"), ("김하늘 ", "서울대학교")):
        answer = Student(app).start(name, affiliation)
        assert answer.status_code == 422 and "더 응시할 수 없습니다" in answer.text
    assert Student(app).start("김하늘", "부산대학교").status_code == 303
    with app.state.storage.reading() as session:
        assert len(session.scalars(select(Learner)).all()) == 2


@pytest.fixture
def classroom(app: FastAPI) -> Iterator[str]:
    with app.state.storage.writing() as session:
        session.add(Classroom(name="월요일 반", code="ABC234", attempts=1, minutes=30, questions=5))
    yield "ABC234"


def test_a_class_has_its_own_rules(app: FastAPI, classroom: str) -> None:
    student = Student(app)
    page = student.get(f"/quiz?code={classroom}").text
    assert "월요일 반" in page and "30분" in page and f'value="{classroom}"' in page
    student.begin(class_code=" abc-234 ")
    assert len(drawn_of(app, 1)) == 5
    assert "남은 시간" in student.page(1).text
    student.hand_in()
    assert Student(app).start(class_code=classroom).status_code == 422
    assert Student(app).start().status_code == 303, "outside the class they are another learner"
    wrong = Student(app).start(class_code="ZZZZZZ")
    assert wrong.status_code == 422 and "이 코드를 쓰는 수업이 없습니다" in wrong.text
    with app.state.storage.writing() as session:
        session.scalars(select(Classroom)).one().closed = True
    assert "마감되어" in Student(app).start(name="다른 이", class_code=classroom).text


def test_when_the_time_is_over(app: FastAPI, classroom: str) -> None:
    student = Student(app)
    student.begin(class_code=classroom)
    first = drawn_of(app, 1)[0]
    student.give(1, right_fields(first))
    token = student.token()
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=31)
    late = student.give(1, wrong_fields(first), script=True, token=token)
    assert late.status_code == 409 and late.json()["location"] == "/quiz/1/result"
    result = student.page("result").text
    assert "제한 시간이 끝나" in result and "<strong>1</strong>" in result
    with app.state.storage.reading() as session:
        attempt = session.get_one(Attempt, 1)
        assert attempt.closed_by == "clock" and attempt.handed_in_at == attempt.deadline


def test_again_starts_with_the_name_of_before(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    student.hand_in()
    assert 'value="김하늘"' in student.get("/quiz?again=1").text
    assert "김하늘" not in Browser(app).get("/quiz?again=1").text
    before = [one.id for one in drawn_of(app, 1)]
    assert student.begin() == 2
    seeds = [one.seed for one in (drawn_of(app, 1)[0], drawn_of(app, 2)[0])]
    assert seeds[0] != seeds[1] and len(before) == 15


def test_a_killed_server_loses_nothing(app: FastAPI, settings: Settings, tmp_path: FilePath) -> None:
    student = Student(app)
    student.begin()
    drawn = drawn_of(app, 1)
    student.give(1, right_fields(drawn[0]))
    # No farewell: the database is opened by another server.
    after = studio_app(settings, tmp_path / "bank")
    again = Student(after)
    again.http.cookies.update(student.http.cookies)
    again.attempt = 1
    assert again.get("/quiz/1").headers["location"] == "/quiz/1/2"
    again.give(2, right_fields(drawn[1]))
    again.hand_in()
    assert "<strong>2</strong>" in again.page("result").text
    after.state.storage.close()


def test_a_bank_that_grew_changes_nothing_and_one_that_lost_questions_is_told(app: FastAPI, tmp_path: FilePath) -> None:
    from dataclasses import replace
    from types import MappingProxyType

    open_one, done = Student(app), Student(app)
    open_one.begin("열린 이")
    done.begin("마친 이")
    done.hand_in()
    bank = app.state.bank
    lost = {drawn_of(app, one.attempt)[0].id for one in (open_one, done)}
    app.state.bank = replace(bank, version="grown", questions=MappingProxyType(dict(reversed(bank.questions.items()))))
    assert open_one.page(1).status_code == 200
    left = {key: one for key, one in bank.questions.items() if key not in lost}
    app.state.bank = replace(bank, version="lost", questions=MappingProxyType(left))
    assert open_one.page(1).headers["location"] == f"/quiz/{open_one.attempt}/result"
    assert "문제가 바뀌었습니다" in open_one.page("result").text
    assert "점수는 그대로" in done.page("result").text
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, open_one.attempt).closed_by == "bank"


def test_saving_by_script_says_how_things_stand(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    body = student.give(1, right_fields(drawn_of(app, 1)[0]), script=True).json()
    assert set(body) == {
        "saved_at",
        "has_answer",
        "flagged",
        "answered",
        "seconds_left",
        "seen",
        "shown",
        "refused",
    }
    assert body["has_answer"] and body["answered"] == 1 and body["seconds_left"] is None
    assert datetime.datetime.fromisoformat(body["saved_at"]).tzinfo is not None
    student.hand_in()
    assert student.post("/quiz/1/1", headers=JSON).status_code == 409
