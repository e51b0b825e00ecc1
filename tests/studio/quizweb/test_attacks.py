"""What somebody might try at the quiz and at the teacher's pages, each a test, on both databases."""

import re
from pathlib import Path as FilePath
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, inspect, select

from ridgeway.studio.quiz import codes
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Answer, Attempt, Learner, TeacherSession, storage_of
from ridgeway.studio.teacher import accounts
from studio.quizweb.people import JSON, Browser, Forms, Student, drawn_of, right_fields
from studio.quizweb.small_bank import SECRET
from studio.quizweb.studios import studio_app

PASSWORD = "correct horse battery"

SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "%(name)s %s %",
    "javascript:alert(1)",
]
SQL = [
    "' OR 1=1 --",
    "'; DROP TABLE answers; --",
    '" OR ""="',
    "1) UNION SELECT password FROM teachers --",
    "\\'; --",
    "%",
    "_",
]


def teacher_of(app: FastAPI) -> Browser:
    accounts.add(storage_of(app), "선생", PASSWORD)
    browser = Browser(app)
    data = {"name": "선생", "password": PASSWORD}
    assert browser.post("/teacher/login", data, token=browser.token("/teacher/login")).status_code == 303
    return browser


def described(app: FastAPI) -> list[tuple[str, list[str]]]:
    """The addresses of both sections, with 1 for each number, and their methods."""
    paths = app.openapi()["paths"]
    return [
        (re.sub(r"\{[^}]+\}", "1", path), list(methods))
        for path, methods in paths.items()
        if path.startswith(("/quiz", "/teacher"))
    ]


def count(app: FastAPI, table: Any) -> int:
    with app.state.storage.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_scripts_in_names_are_text(app: FastAPI) -> None:
    teacher = teacher_of(app)
    for text in SCRIPTS:
        student = Student(app)
        student.begin(text, text)
        pages = [student.get("/quiz"), student.page(1), student.page("review")]
        student.hand_in()
        pages += [student.page("result"), student.page("certificate"), student.get(f"/quiz?again={student.attempt}")]
        pages.append(teacher.get(f"/teacher/attempts/{student.attempt}"))
        pages += [teacher.get(f"/teacher/learners/{student.attempt}{path}") for path in ("", "/delete")]
        pages.append(teacher.get("/teacher/attempts", params={"words": text, "affiliation": text, "classroom": text}))
        pages.append(teacher.get("/teacher/items", params={"affiliation": text}))
        pages.append(student.get("/quiz", params={"code": text, "again": text}))
        pages.append(student.start("", text, class_code=text))
        pages.append(student.post("/quiz/resume", {"resume_code": text}))
        for page in pages:
            assert page.status_code in (200, 422), (page.url, page.text)
            assert "default-src 'self'" in page.headers["content-security-policy"]
            for tag in re.findall(r"<[^>]*(?:alert\(|onerror=|onload=)[^>]*>", page.text):
                # Inside a value, with its quotes escaped, it is text.
                assert re.fullmatch(r'<input [^<>]*value="[^"<>]*"[^<>]*>', tag), tag
            assert "<script>alert" not in page.text and "<img src=x" not in page.text and "<svg/onload" not in page.text
            assert not re.search(r"\sstyle=|\son\w+=[\"']|<script(?![^>]* src=)", page.text.replace("&#34;", ""))
    assert "49" not in re.findall(r"<title>.*", teacher.get("/teacher/attempts/5").text)[0]


def test_scripts_in_classes_and_answers_are_text(app: FastAPI) -> None:
    teacher = teacher_of(app)
    data = {"name": SCRIPTS[1], "attempts": "", "minutes": "", "questions": "15"}
    place = teacher.post("/teacher/classes", data, token=teacher.token("/teacher")).headers["location"]
    for path in ("/teacher", place, "/teacher/attempts", "/teacher/items"):
        assert "<img src=x" not in teacher.get(path).text
    student = Student(app)
    student.begin()
    number = next(n for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == "number")
    assert "<img src=x" not in student.give(number, {"answer": SCRIPTS[1]}).text


def test_sql_in_every_field(app: FastAPI) -> None:
    teacher = teacher_of(app)
    student = Student(app)
    student.begin()
    before = count(app, Learner)
    for text in SQL:
        assert student.start(class_code=text).status_code == 422
        assert student.post("/quiz/resume", {"resume_code": text}).status_code == 422
        assert student.get("/quiz", params={"code": text, "again": text}).status_code == 200
        one = Student(app)
        one.begin(text, text)
        for number, question in enumerate(drawn_of(app, one.attempt), 1):
            fields = {name: text for name in Forms(one.page(number).text).forms[f"/quiz/{one.attempt}/{number}"]}
            answer = one.give(number, {**fields, "csrf": one.token()}, script=True)
            assert answer.status_code == 422 or question.kind == "order", (question.kind, answer.text)
        stranger = Browser(app)
        login = {"name": text, "password": text, "next": text}
        assert stranger.post("/teacher/login", login, token=stranger.token("/teacher/login")).status_code == 422
        wanted = {name: text for name in ("classroom", "affiliation", "words", "state", "sort", "page")}
        for path in ("attempts", "items", "attempts.csv", "answers.csv"):
            assert teacher.get(f"/teacher/{path}", params=wanted).status_code == 200
        fields = {name: text for name in ("name", "attempts", "minutes", "questions", "sure", "back", "minutes")}
        for path in ("classes", "attempts/1/time"):
            assert teacher.post(f"/teacher/{path}", fields, token=teacher.token("/teacher")).status_code == 422
    assert count(app, Learner) == before + len(SQL)
    assert set(inspect(app.state.storage.engine).get_table_names()) >= {"answers", "teachers", "attempts"}
    listed = teacher.get("/teacher/attempts", params={"words": "' OR 1=1"}).text
    assert len(re.findall(r'<a href="/teacher/attempts/\d+">', listed)) == 1, "found as the text that it is"


def test_forms_of_other_sites_are_refused(app: FastAPI) -> None:
    teacher, student = teacher_of(app), Student(app)
    student.begin()
    stranger = Student(app)
    places = [
        (student, "/quiz/start"),
        (student, "/quiz/resume"),
        (student, "/quiz/forget"),
        (student, "/quiz/1/1"),
        (student, "/quiz/1/hand-in"),
        (teacher, "/teacher/login"),
        (teacher, "/teacher/logout"),
        (teacher, "/teacher/classes"),
        (teacher, "/teacher/classes/1"),
        (teacher, "/teacher/classes/1/results"),
        (teacher, "/teacher/classes/1/delete"),
        (teacher, "/teacher/attempts/1/time"),
        (teacher, "/teacher/attempts/1/code"),
        (teacher, "/teacher/attempts/1/grade"),
        (teacher, "/teacher/learners/1/delete"),
        (teacher, "/teacher/learners/1/anonymize"),
    ]
    forms = {path for path, methods in described(app) if "post" in methods}
    assert len(forms) > 10
    assert forms <= {path for _, path in places}, "every form of both sections is tried"
    for browser, path in places:
        data = {"name": "x", "affiliation": "y", "consent": "yes", "sure": "yes", "minutes": "5"}
        for token in ("", "0" * 64, stranger.token()):
            answer = browser.http.post(path, data={**data, "csrf": token})
            assert answer.status_code == 403, path
        assert browser.http.post(path, data=data).status_code == 403
        own = browser.token("/quiz")
        crossed = browser.http.post(path, data={**data, "csrf": own}, headers={"Sec-Fetch-Site": "cross-site"})
        assert crossed.status_code == 403
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, 1).handed_in_at is None and session.get(Learner, 1) is not None
    for path in ("/quiz/1/hand-in", "/teacher/logout", "/teacher/learners/1/delete"):
        assert student.get(path).status_code in (303, 404, 405), "nothing is changed by a link"


def test_a_planted_login_is_worth_nothing(app: FastAPI) -> None:
    accounts.add(app.state.storage, "선생", PASSWORD)
    victim = Browser(app)
    victim.get("/teacher/login")
    victim.http.cookies.set("teacher", "planted")
    number = victim.http.cookies["studio"]
    data = {"name": "선생", "password": PASSWORD}
    before = victim.token("/teacher/login")
    assert victim.post("/teacher/login", data, token=before).status_code == 303
    fresh = [one.value for one in victim.http.cookies.jar if one.name == "teacher"]
    assert "planted" not in fresh[-1:]
    assert victim.http.cookies["studio"] != number, "forms of before are void"
    assert victim.http.post("/teacher/logout", data={"csrf": before}).status_code == 403
    thief = Browser(app)
    thief.http.cookies.set("teacher", "planted")
    assert thief.get("/teacher").status_code == 303
    again = Browser(app)
    again.http.cookies.set("teacher", fresh[-1])
    again.post("/teacher/login", data, token=Browser(app).token("/teacher/login"))
    assert count(app, TeacherSession) == 1


def crawl(browser: Browser, start: str) -> dict[str, str]:
    """All pages and files that a browser reaches by links, scripts and forms, but for handing in."""
    found: dict[str, str] = {}
    todo = [start, "/openapi.json", "/static/quiz/quiz.js"]
    while todo:
        path = todo.pop()
        if path in found or "hand-in" in path or "forget" in path or path.startswith("/language"):
            continue
        answer = browser.get(path)
        found[path] = answer.text
        if answer.is_redirect:
            todo.append(answer.headers["location"])
        todo += re.findall(r'(?:href|src|action)="(/(?:quiz|static/quiz|teacher)[^"]*)"', answer.text)
    return found


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_hunting_for_the_key_before_handing_in(app: FastAPI, lang: str) -> None:
    student = Student(app, lang)
    student.begin()
    drawn = drawn_of(app, 1)
    pages = crawl(student, "/quiz")
    pages.update(crawl(student, "/quiz/1"))
    for number in range(1, 16):
        pages[f"page {number}"] = student.page(number).text
        for headers in (JSON, {}, {"Accept": "*/*"}):
            answer = student.post(f"/quiz/1/{number}", {"go": str(number)}, headers=headers)
            pages[f"answer {number} {headers}"] = answer.text + str(answer.headers)
    for path in ("result", "certificate", "0", "16", "999", "key", "answers", "1.json", "1/explanation"):
        answer = student.page(path)
        assert answer.status_code in (303, 404), path
        pages[path] = answer.text
    assert len(pages) > 30
    for name, page in pages.items():
        assert SECRET not in page, name
        assert "misconception" not in page and "tolerance" not in page, name
        for question in drawn:
            assert str(question.seed) not in page, name
    for number, question in enumerate(drawn, 1):
        page = pages[f"page {number}"]
        right = question.right
        if isinstance(right, float):
            assert repr(right) not in page
        # No option can be told from the others: same markup but for id and text.
        options = re.findall(r"<input type=\"(?:radio|checkbox)\" name=\"answer\" value=\"[0-9a-f]{12}\"([^>]*)>", page)
        assert len(set(options)) <= 1
        if question.kind in ("single", "several"):
            assert len(options) == len(question.order)


def test_two_attempts_share_no_ids(app: FastAPI) -> None:
    one, other = Student(app), Student(app)
    one.begin("하나")
    other.begin("둘")
    ids = [
        set(re.findall(r'value="([0-9a-f]{12})"', "".join(who.page(n).text for n in range(1, 16))))
        for who in (one, other)
    ]
    assert ids[0] and not ids[0] & ids[1], "what one learner tells another doesn't say which option is right"


def test_no_attempt_with_the_cookie_of_another(app: FastAPI) -> None:
    mine, other = Student(app), Student(app)
    mine.begin("하나")
    other.begin("둘")
    first = drawn_of(app, 1)[0]
    mine.give(1, right_fields(first))
    token = other.token()
    for attempt in (1, 3, 999, 2**31 - 1, 2**31, 2**63, 10**40):
        for rest in ("", "/1", "/review", "/result", "/certificate"):
            answer = other.get(f"/quiz/{attempt}{rest}")
            assert answer.status_code == 404 and "하나" not in answer.text, (attempt, rest)
        for rest in ("/1", "/hand-in"):
            assert other.post(f"/quiz/{attempt}{rest}", {"answer": "x"}, token=token).status_code == 404
    for odd in ("-1", "1.0", "1e0", "%31%00", "１", "abc", "0x1"):
        assert other.get(f"/quiz/{odd}/1").status_code == 404
    with app.state.storage.reading() as session:
        assert session.get_one(Attempt, 1).handed_in_at is None
        assert [one.attempt_id for one in session.scalars(select(Answer))] == [1]


def test_guessed_cookies_open_nothing(app: FastAPI) -> None:
    mine = Student(app)
    mine.begin()
    with app.state.storage.reading() as session:
        stored = session.get_one(Attempt, 1).code
    for cookie in (
        "",
        "1",
        stored,
        codes.new(16),
        ".".join(codes.new(16) for _ in range(500)),
        "%",
        "\x7f",
        "' OR 1=1 --",
    ):
        thief = Student(app)
        thief.http.cookies.set("quiz", cookie)
        assert thief.get("/quiz/1/1").status_code == 404
        assert "김하늘" not in thief.get("/quiz").text


def test_the_answers_of_an_attempt_are_for_its_questions(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    drawn = drawn_of(app, 1)
    singles = [(n, one) for n, one in enumerate(drawn, 1) if one.kind == "single"]
    (number, _), (_, other) = singles[:2]
    assert student.give(number, right_fields(other), script=True).status_code == 422
    key = drawn[number - 1].order[0]
    assert student.give(number, {"answer": key}, script=True).status_code == 422, "nor by the bank's own keys"
    several = next(n for n, one in enumerate(drawn, 1) if one.kind == "several")
    option = drawn[several - 1].opaque("option", "a")
    assert student.give(several, {"answer": [option, option]}, script=True).status_code == 422
    typed = next(n for n, one in enumerate(drawn, 1) if one.kind == "number")
    assert student.give(typed, {"answer": "9" * 100_000}, script=True).status_code == 422
    sent = student.http.post(
        f"/quiz/1/{number}", data={"csrf": student.token()}, files={"answer": ("a.txt", b"x")}, headers=JSON
    )
    assert sent.status_code == 200 and sent.json()["has_answer"] is False, "a file is no answer"
    assert student.post("/quiz/start", {"name": ["a", "b"], "affiliation": "x", "consent": "y"}).status_code == 303


@pytest.fixture
def strict(settings: Settings, tmp_path: FilePath) -> Any:
    limits = {"quiz": (5, 0.001), "login": (4, 0.001)}
    made = studio_app(settings, tmp_path / "bank", limits=limits, attempts=None)
    yield made
    made.state.storage.close()


def test_attempts_in_masses(strict: FastAPI) -> None:
    answers = [Student(strict).start(f"로봇 {number}").status_code for number in range(8)]
    assert answers == [303] * 5 + [429] * 3
    assert count(strict, Attempt) == 5
    robot = Student(strict, address="10.0.0.9")
    answers = [robot.post("/quiz/resume", {"resume_code": codes.new(16)}) for _ in range(7)]
    assert [one.status_code for one in answers] == [422] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0


def test_guessing_passwords(strict: FastAPI) -> None:
    accounts.add(strict.state.storage, "선생", PASSWORD)
    thief = Browser(strict, address="10.0.0.8")
    token = thief.token("/teacher/login")
    answers = [thief.post("/teacher/login", {"name": "선생", "password": f"guess {n}"}, token=token) for n in range(6)]
    assert [one.status_code for one in answers] == [422] * 4 + [429] * 2
    assert thief.post("/teacher/login", {"name": "선생", "password": PASSWORD}, token=token).status_code == 429
    unknown = Browser(strict, address="10.0.0.7")
    said = unknown.post(
        "/teacher/login", {"name": "niemand", "password": PASSWORD}, token=unknown.token("/teacher/login")
    )
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", said.text) == strip.sub("", answers[0].text), "the same answer for a name that there isn't"


def test_teachers_pages_are_closed_to_others(app: FastAPI) -> None:
    student = Student(app)
    student.begin()
    open_to_all = ("/teacher/login", "/teacher/logout")
    paths = [one for one in described(app) if one[0].startswith("/teacher") and one[0] not in open_to_all]
    assert len(paths) >= 12
    token = student.token()
    for path, methods in paths:
        for method in methods:
            answer = student.http.request(
                method, path, data={"csrf": token, "sure": "yes"} if method == "post" else None
            )
            assert answer.status_code == 303 and answer.headers["location"].startswith("/teacher/login"), path
            assert "김하늘" not in answer.text
    for cookie in ("x", "1", "선생", "' OR 1=1 --"):
        sent = student.http.get("/teacher", headers={"Cookie": f"teacher={cookie}".encode()})
        assert sent.status_code == 303
