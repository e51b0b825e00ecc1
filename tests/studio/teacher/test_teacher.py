"""The whole way of a teacher, on both databases."""

import datetime
import io
import re

import pandas as pd
import pytest
from fastapi import FastAPI
from sqlalchemy import func, inspect, select

from ridgeway.errors import InputError
from ridgeway.studio.quiz.attempts import close_overdue
from ridgeway.studio.storage import Answer, Attempt, Classroom, Event, Learner, TeacherSession, now
from ridgeway.studio.teacher import accounts, listing
from studio.quizweb.people import Browser, Forms, Student, drawn_of, right_fields, wrong_fields

PASSWORD = "correct horse battery"


class Teacher(Browser):
    """A teacher at a browser."""

    def log_in(self, name: str = "이선생", password: str = PASSWORD, **more: str) -> object:
        token = self.token("/teacher/login")
        return self.post("/teacher/login", {"name": name, "password": password, **more}, token=token)

    def token(self, path: str = "/teacher") -> str:
        return super().token(path)

    def make_class(self, name: str = "월요일 반", **rules: str) -> str:
        data = {"name": name, "attempts": "1", "minutes": "", "questions": "5", **rules}
        answer = self.post("/teacher/classes", data)
        assert answer.status_code == 303, answer.text
        page = self.get(answer.headers["location"]).text
        found = re.search(r'class="class-code"><code>([0-9A-Z]{6})<', page)
        assert found
        return found.group(1)


@pytest.fixture
def teacher(app: FastAPI) -> Teacher:
    accounts.add(app.state.storage, "이선생", PASSWORD)
    browser = Teacher(app)
    assert browser.log_in().status_code == 303
    return browser


def take(app: FastAPI, name: str, right: int, affiliation: str = "서울대학교", code: str = "") -> Student:
    """A learner who answers so many questions right, and the others wrong."""
    student = Student(app)
    student.begin(name, affiliation, class_code=code)
    token = student.token()
    for number, question in enumerate(drawn_of(app, student.attempt), 1):
        student.give(number, right_fields(question) if number <= right else wrong_fields(question), token=token)
    student.hand_in()
    return student


def seen(app: FastAPI, attempt: int) -> None:
    """As if the learner had looked at the result."""
    with app.state.storage.writing() as session:
        session.get_one(Attempt, attempt).result_seen_at = now()


def test_classes_are_made_and_changed(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class(minutes="30")
    page = teacher.get("/teacher/classes/1").text
    assert f'value="http://127.0.0.1:8000/quiz?code={code}"' in page
    assert "월요일 반" in teacher.get("/teacher").text
    changed = {"name": "화요일 반", "attempts": "", "minutes": "", "questions": "7", "closed": "yes"}
    changed |= {"release": "teacher", "retention_days": "30"}
    assert teacher.post("/teacher/classes/1", changed).status_code == 303
    with app.state.storage.reading() as session:
        one = session.get_one(Classroom, 1)
        assert (one.name, one.attempts, one.minutes, one.questions, one.closed) == ("화요일 반", None, None, 7, True)
        assert (one.release, one.retention_days) == ("teacher", 30)
    page = Forms(teacher.get("/teacher/classes/1").text).forms["/teacher/classes/1"]
    assert page["retention_days"] == ["30"] and page["questions"] == ["7"] and page["attempts"] == [""]
    wrong = {"name": "", "attempts": "0", "minutes": "x", "questions": "1000", "retention_days": "-1", "release": "x"}
    for path in ("/teacher/classes", "/teacher/classes/1"):
        answer = teacher.post(path, wrong)
        assert answer.status_code == 422 and answer.text.count('class="error"') == 6
    assert teacher.get("/teacher/classes/99").status_code == 404
    assert teacher.get(f"/teacher/classes/{10**30}").status_code == 404


def test_data_are_not_kept_for_longer_than_learners_agreed_to(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class(retention_days="30")

    def change(days: str) -> int:
        fields = {"name": "월요일 반", "questions": "5", "retention_days": days}
        return teacher.post("/teacher/classes/1", fields).status_code

    assert change("60") == change("30") == 303, "nobody has agreed yet"
    Student(app).begin(class_code=code)
    assert [change(days) for days in ("31", "0", "", "30", "29", "30")] == [422, 422, 422, 303, 303, 422]
    assert (
        "더 짧은 보관 기간에 동의"
        in teacher.post("/teacher/classes/1", {"name": "x", "questions": "5", "retention_days": "90"}).text
    )


def test_attempts_are_found(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class()
    take(app, "Åsa Öberg", 5, "KAIST", code)
    take(app, "김하늘", 3, "부산대학교", code)
    Student(app).begin("100%_sicher", "kaist")

    def names(query: str) -> list[str]:
        page = teacher.get(f"/teacher/attempts?{query}")
        assert page.status_code == 200
        return re.findall(r'<a href="/teacher/attempts/\d+">([^<]*)</a>', page.text)

    assert names("") == ["100%_sicher", "김하늘", "Åsa Öberg"]
    assert names("sort=name") == ["100%_sicher", "Åsa Öberg", "김하늘"]
    assert names("sort=points") == ["Åsa Öberg", "김하늘", "100%_sicher"]
    assert names("classroom=1") == ["김하늘", "Åsa Öberg"]
    assert names("classroom=none") == ["100%_sicher"]
    assert names("affiliation=KAIST") == ["100%_sicher", "Åsa Öberg"]
    assert names("words=åSA") == ["Åsa Öberg"]
    assert names("words=부산") == ["김하늘"]
    assert names("words=%25_") == ["100%_sicher"], "no joker in a search"
    assert names("words=_") == ["100%_sicher"]
    assert names("state=open") == ["100%_sicher"]
    assert names("state=done&words=ö") == ["Åsa Öberg"]
    assert names("words=nobody") == names("classroom=99999999999") == names("affiliation=x%00") == []
    detail = teacher.get("/teacher/attempts/1").text
    number = re.search(r"1-[0-9a-f]{8}", detail)
    assert number and names(f"words={number.group()}") == ["Åsa Öberg"]


def test_pages(app: FastAPI, teacher: Teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    for number in range(5):
        Student(app).begin(f"학생 {number}")
    found = []
    for page in ("1", "2", "3"):
        text = teacher.get(f"/teacher/attempts?page={page}").text
        found += re.findall(r"학생 \d", text)
        assert ('rel="next"' in text) == (page != "3") and ('rel="prev"' in text) == (page != "1")
    assert found == [f"학생 {number}" for number in (4, 3, 2, 1, 0)]
    for odd in ("99", "0", "-1", "x", "9" * 40):
        assert teacher.get(f"/teacher/attempts?page={odd}").status_code == 200


def test_one_attempt(app: FastAPI, teacher: Teacher) -> None:
    take(app, "김하늘", 9)
    page = teacher.get("/teacher/attempts/1").text
    assert "김하늘" in page and "9 / 15" in page and page.count('class="panel graded"') == 15
    Student(app).begin("이바다")
    page = teacher.get("/teacher/attempts/2").text
    assert "이바다" in page and "graded-list" not in page
    assert teacher.get("/teacher/attempts/99").status_code == 404


def test_more_time(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class(minutes="30")
    student = Student(app)
    student.begin(class_code=code)
    assert teacher.post("/teacher/attempts/1/time", {"minutes": "15"}).status_code == 303
    with app.state.storage.writing() as session:
        one = session.get_one(Attempt, 1)
        assert one.extra_minutes == 15
        one.started_at -= datetime.timedelta(minutes=40)
    assert student.page(1).status_code == 200
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=20)
    assert close_overdue(app.state.storage, app.state.bank) == 1
    assert student.page(1).status_code == 303
    assert teacher.post("/teacher/attempts/1/time", {"minutes": "10"}).status_code == 303
    page = student.page(1)
    assert page.status_code == 200
    left = int(re.search(r'data-seconds="(\d+)"', page.text).group(1))
    assert 9 * 60 <= left <= 11 * 60, "they count from now"
    student.hand_in()
    refused = teacher.post("/teacher/attempts/1/time", {"minutes": "10"})
    assert refused.status_code == 422 and "이미 제출한" in refused.text
    for odd in ("", "0", "-5", "1e3", "601", "²"):
        assert teacher.post("/teacher/attempts/1/time", {"minutes": odd}).status_code == 422


def test_no_more_time_once_the_result_was_seen(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class(minutes="30")
    student = Student(app)
    student.begin(class_code=code)
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=40)
    close_overdue(app.state.storage, app.state.bank)
    assert 'action="/teacher/attempts/1/time"' in teacher.get("/teacher/attempts/1").text
    seen(app, 1)
    assert 'action="/teacher/attempts/1/time"' not in teacher.get("/teacher/attempts/1").text
    refused = teacher.post("/teacher/attempts/1/time", {"minutes": "10"})
    assert refused.status_code == 422 and "정답을 보았으므로" in refused.text
    assert student.page(1).status_code == 303, "it stays closed"


def test_who_knew_the_key_has_no_first_attempt(app: FastAPI, teacher: Teacher) -> None:
    """As it was before such attempts stayed closed: seen, opened again, handed in."""
    take(app, "김하늘", 15)
    take(app, "이바다", 3)
    take(app, "이바다", 15)
    assert "제출된 첫 응시: 2건" in teacher.get("/teacher/items").text
    with app.state.storage.writing() as session:
        one = session.get_one(Attempt, 2)
        one.result_seen_at = one.handed_in_at - datetime.timedelta(minutes=5)
    page = teacher.get("/teacher/items").text
    assert "제출된 첫 응시: 1건" in page and ">1.00<" in page and ">0.50<" not in page


def test_a_new_code(app: FastAPI, teacher: Teacher) -> None:
    student, other = Student(app), Student(app)
    student.begin()
    old = student.code
    page = teacher.post("/teacher/attempts/1/code")
    assert page.status_code == 200
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", page.text).group()
    assert code != old and code not in teacher.get("/teacher/attempts/1").text, "it is shown once"
    assert other.post("/quiz/resume", {"resume_code": old}).status_code == 422
    assert other.post("/quiz/resume", {"resume_code": code}).headers["location"] == "/quiz/1"
    assert student.page(1).status_code == 404, "the old device opens it no more"
    assert "새 코드 발급" in teacher.get("/teacher/record").text and code not in teacher.get("/teacher/record").text
    for none in (99, 0, 10**30):
        assert teacher.post(f"/teacher/attempts/{none}/code").status_code == 404


def test_results_are_released(app: FastAPI, teacher: Teacher) -> None:
    teacher.make_class(release="teacher")

    def released() -> datetime.datetime | None:
        with app.state.storage.reading() as session:
            return session.get_one(Classroom, 1).released_at

    assert (
        "지금 결과 공개하기" in teacher.get("/teacher/classes/1").text and "결과 비공개" in teacher.get("/teacher").text
    )
    teacher.post("/teacher/classes/1/results")
    first = released()
    assert first is not None and "결과 비공개" not in teacher.get("/teacher").text
    teacher.post("/teacher/classes/1/results")
    assert released() == first, "released is released"
    teacher.post("/teacher/classes/1/results", {"do": "hold"})
    assert released() is None
    teacher.post("/teacher/classes/1/results")
    fields = {"name": "월요일 반", "questions": "5"}
    teacher.post("/teacher/classes/1", {**fields, "release": "at once"})
    assert "지금 결과 공개하기" not in teacher.get("/teacher/classes/1").text
    teacher.post("/teacher/classes/1", {**fields, "release": "teacher"})
    assert released() is None, "the rule set anew begins with nothing released"


def test_all_that_is_kept_of_a_learner(app: FastAPI, teacher: Teacher) -> None:
    code = teacher.make_class(retention_days="30")
    student = take(app, "김하늘", 3, code=code)
    take(app, "이바다", 3, code=code)
    teacher.post("/teacher/attempts/1/code")
    page = teacher.get("/teacher/learners/1").text
    assert "김하늘" in page and "(30일)" in page
    answer = teacher.get("/teacher/learners/1/data.json")
    assert "attachment" in answer.headers["content-disposition"] and "이바다" not in answer.text
    kept = answer.json()
    assert kept["learner"]["name"] == "김하늘" and kept["learner"]["affiliation"] == "서울대학교"
    assert kept["class"] == {"name": "월요일 반", "code": code} and kept["days_kept"] == 30
    (attempt,) = kept["attempts"]
    assert attempt["points"] == 3 and len(attempt["answers"]) == 5 and attempt["started_at"].endswith("+00:00")
    for given, drawn in zip(attempt["answers"], drawn_of(app, student.attempt), strict=True):
        assert given["question"] == drawn.id and given["text"] and given["value"] and given["saved_at"]
    assert [one["what"] for one in kept["what_teachers_did"]] == ["new code"]
    for row, left_out in ((kept["learner"], "identity"), (attempt, "code"), (attempt, "seed"), (attempt, "drawn")):
        assert left_out not in row
    with app.state.storage.reading() as session:
        assert {one.key for one in inspect(Attempt).columns} - set(attempt) == {"code", "seed", "drawn"}
        assert session.scalar(select(func.count(Event.id)).where(Event.what == "export learner")) == 1
    for none in (99, 10**30):
        for path in ("", "/data.json", "/delete"):
            assert teacher.get(f"/teacher/learners/{none}{path}").status_code == 404


def test_graded_again_after_a_mended_key(app: FastAPI, teacher: Teacher) -> None:
    take(app, "김하늘", 15)
    with app.state.storage.writing() as session:
        one = session.get_one(Attempt, 1)
        one.points = 3.0
        for row in session.scalars(select(Answer)):
            row.points, row.correct = 0.0, False
    assert "점수가 바뀌었습니다" in teacher.post("/teacher/attempts/1/grade").text
    assert "15 / 15" in teacher.get("/teacher/attempts/1").text
    assert "점수는 그대로" in teacher.post("/teacher/attempts/1/grade").text


def test_item_analysis(app: FastAPI, teacher: Teacher) -> None:
    for number in range(4):
        take(app, f"학생 {number}", 15 if number < 3 else 0)
    again = take(app, "학생 3", 15)
    assert again.attempt == 5
    page = teacher.get("/teacher/items").text
    assert "제출된 첫 응시: 4건" in page, "second attempts don't count"
    assert ">0.75<" in page
    assert page.count('<details class="item"') >= 15
    for word in ("오른쪽 x", "3 * factor", "Dropout", "단계"):
        assert word in page
    assert "<b>" not in page.replace("&lt;b&gt;", "") or "보기 하나 <b>" not in page
    assert teacher.get("/teacher/items?classroom=none&affiliation=x").status_code == 200


def test_csv_is_read_back_by_pandas(app: FastAPI, teacher: Teacher) -> None:
    teacher.get("/language/en")
    code = teacher.make_class("=반+")
    take(app, '=HYPERLINK("http://x")', 4, "+82 소속", code)
    Student(app).begin('한글, "이름"', "@소속")
    answer = teacher.get("/teacher/attempts.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and answer.content.startswith(b"\xef\xbb\xbf")
    assert re.fullmatch(
        r'attachment; filename="ridgeway-attempts-\d{8}-\d{4}\.csv"', answer.headers["content-disposition"]
    )
    table = pd.read_csv(io.BytesIO(answer.content), encoding="utf-8-sig").sort_values("attempt")
    assert table["name"].tolist() == ['\'=HYPERLINK("http://x")', '한글, "이름"']
    assert table["affiliation"].tolist() == ["'+82 소속", "'@소속"]
    assert table["class"].tolist()[0] == "'=반+"
    assert table["points"].tolist()[0] == 4 and table["per cent"].tolist()[0] == 80
    assert pd.isna(table["points"].tolist()[1])
    pd.to_datetime(table["started (UTC)"])
    answers = pd.read_csv(io.BytesIO(teacher.get("/teacher/answers.csv").content), encoding="utf-8-sig")
    assert len(answers) == 5 + 15
    assert answers.groupby("attempt")["points"].sum()[1] == 4
    assert (
        len(pd.read_csv(io.BytesIO(teacher.get("/teacher/answers.csv?classroom=1").content), encoding="utf-8-sig")) == 5
    )


@pytest.mark.parametrize("file", ["attempts", "answers"])
def test_what_is_over_is_closed_before_it_is_downloaded(app: FastAPI, teacher: Teacher, file: str) -> None:
    teacher.get("/language/en")
    student = Student(app)
    student.begin(class_code=teacher.make_class(minutes="10"))
    for number, question in enumerate(drawn_of(app, student.attempt), 1):
        student.give(number, right_fields(question))
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).started_at -= datetime.timedelta(minutes=20)
    table = pd.read_csv(io.BytesIO(teacher.get(f"/teacher/{file}.csv").content), encoding="utf-8-sig")
    assert table["points"].sum() == 5
    if file == "attempts":
        assert table["closed by"].tolist() == ["clock"]


def test_numbers_are_downloaded_as_typed_and_as_read(app: FastAPI, teacher: Teacher) -> None:
    teacher.get("/language/en")
    student = Student(app)
    student.begin()
    numeric = [number for number, one in enumerate(drawn_of(app, student.attempt), 1) if one.kind == "number"]
    typed = ["-0.4", "1/8", "12.5%"][: len(numeric)]
    for number, text in zip(numeric, typed, strict=False):
        student.give(number, {"answer": text})
    table = pd.read_csv(io.BytesIO(teacher.get("/teacher/answers.csv").content), encoding="utf-8-sig", dtype=str)
    found = table.dropna(subset=["answer as a number"])
    assert found["answer"].tolist() == typed
    assert found["answer as a number"].tolist() == ["-0.4", "0.125", "0.125"][: len(typed)]


def test_deleting_and_making_anonymous(app: FastAPI, teacher: Teacher) -> None:
    first, second = take(app, "김하늘", 3), take(app, "이바다", 4)
    teacher.post("/teacher/learners/1/anonymize")
    assert "김하늘" in teacher.get("/teacher/attempts").text, "not without the tick"
    answer = teacher.post("/teacher/learners/1/anonymize", {"sure": "yes"})
    assert answer.headers["location"] == "/teacher/learners/1"
    assert "김하늘" not in teacher.get("/teacher/attempts").text + teacher.get("/teacher/attempts/1").text
    with app.state.storage.reading() as session:
        assert "김하늘" not in str([vars(one) for one in session.scalars(select(Learner))])
        assert session.scalar(select(func.count(Answer.id)).where(Answer.attempt_id == 1)) == 15, "answers stay"
    assert first.page("result").status_code == 200
    take(app, "김하늘", 1)
    assert teacher.post("/teacher/learners/2/delete").headers["location"] == "/teacher/learners/2/delete"
    asks = teacher.get("/teacher/learners/2/delete").text
    assert "이바다" in asks and "되돌릴 수 없습니다" in asks
    assert Forms(asks).forms["/teacher/learners/2/delete"]["sure"] == ["yes"]
    assert teacher.post("/teacher/learners/2/delete", {"sure": "yes"}).status_code == 303
    with app.state.storage.reading() as session:
        assert session.get(Learner, 2) is None
        assert session.scalar(select(func.count(Answer.id)).where(Answer.attempt_id == 2)) == 0
    assert second.page("result").status_code == 404
    assert teacher.post("/teacher/learners/2/delete", {"sure": "yes"}).status_code == 404
    teacher.make_class()
    take(app, "박산", 1, code=teacher.make_class("다른 반"))
    teacher.post("/teacher/classes/2/delete", {"sure": "yes"})
    with app.state.storage.reading() as session:
        assert session.scalars(select(Classroom.id)).all() == [1]
        assert not session.scalars(select(Learner).where(Learner.class_id.is_not(None))).all()
    record = teacher.get("/teacher/record").text
    for word in ("학습자 익명 처리", "학습자 정보 삭제", "수업과 학습자 정보 삭제", "로그인"):
        assert word in record
    assert "김하늘" not in record and "이바다" not in record


def test_logins(app: FastAPI, teacher: Teacher) -> None:
    cookie = next(one for one in teacher.http.cookies.jar if one.name == "teacher")
    assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "lax"
    with app.state.storage.reading() as session:
        assert cookie.value not in session.scalars(select(TeacherSession.token)).all(), "only its hash is kept"
    assert teacher.get("/teacher/login").headers["location"] == "/teacher"
    teacher.post("/teacher/logout")
    other = Browser(app)
    other.http.cookies.set("teacher", cookie.value)
    assert other.get("/teacher").headers["location"] == "/teacher/login", "it has ended at the server"


def test_a_login_ends_by_itself(app: FastAPI, teacher: Teacher) -> None:
    with app.state.storage.writing() as session:
        session.scalars(select(TeacherSession)).one().used_at -= datetime.timedelta(hours=11)
    assert teacher.get("/teacher").status_code == 200
    with app.state.storage.writing() as session:
        session.scalars(select(TeacherSession)).one().used_at -= datetime.timedelta(hours=13)
    assert teacher.get("/teacher").status_code == 303


def test_the_login_leads_on_to_pages_of_ours_only(app: FastAPI, teacher: Teacher) -> None:
    stranger = Teacher(app)
    assert (
        stranger.get("/teacher/attempts?words=a").headers["location"].endswith("next=%2Fteacher%2Fattempts%3Fwords%3Da")
    )
    assert stranger.log_in(next="/teacher/attempts?words=a").headers["location"] == "/teacher/attempts?words=a"
    for evil in ("//evil.example", "https://evil.example", "/teacher/..//evil", "/\\evil", "/teacherx", "javascript:1"):
        assert Teacher(app).log_in(next=evil).headers["location"] == "/teacher"


def test_accounts(app: FastAPI, teacher: Teacher) -> None:
    storage = app.state.storage
    for name, password, message in (
        ("이선생", PASSWORD, "already"),
        ("새 선생", "short", "choose one of 10"),
        ("새 선생", "x" * 201, "choose one of 10"),
        ("", PASSWORD, "can't be a teacher's name"),
        ("a\x00b", PASSWORD, "can't be a teacher's name"),
    ):
        with pytest.raises(InputError, match=message):
            accounts.add(storage, name, password)
    with pytest.raises(InputError, match="no teacher"):
        accounts.add(storage, "niemand", PASSWORD, replace=True)
    accounts.add(storage, "이선생", "another good password", replace=True)
    assert teacher.get("/teacher").status_code == 303, "logins of before have ended"
    assert accounts.log_in(storage, "이선생", PASSWORD) is None
    assert accounts.log_in(storage, " 이선생 ", "another good password")
    for name in ("", "a\x00b", "x" * 5000, "' OR 1=1 --"):
        assert accounts.log_in(storage, name, PASSWORD) is None
    with storage.reading() as session:
        assert "another good" not in str(session.scalars(select(Event)).all())
