"""Learners and teachers at their browsers, who know only what a page shows them."""

import re
import warnings
from html.parser import HTMLParser
from typing import Any

from fastapi import FastAPI

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

from ridgeway.studio.quiz.attempts import drawn_for
from ridgeway.studio.quiz.draw import DrawnQuestion
from ridgeway.studio.storage import Attempt

ADDRESS = "http://127.0.0.1:8000"
JSON = {"Accept": "application/json"}


class Forms(HTMLParser):
    """The fields of each form of a page, with their values, by the form's action."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self._fields: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self._fields = self.forms.setdefault(str(given.get("action")), {})
        elif tag in ("input", "button", "select", "option") and (name := given.get("name")):
            self._fields.setdefault(name, []).append(given.get("value") or "")


class Browser:
    """A browser with cookies of its own."""

    def __init__(self, app: FastAPI, lang: str = "ko", address: str = "127.0.0.1") -> None:
        self.http = TestClient(app, ADDRESS, follow_redirects=False, client=(address, 50_000))
        self.http.cookies.set("lang", lang)

    def get(self, path: str, **keywords: Any) -> Any:
        return self.http.get(path, **keywords)

    def token(self, path: str = "/quiz") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(path).text)
        assert found, f"no form at {path}"
        return found.group(1)

    def post(self, path: str, data: dict[str, Any] | None = None, *, token: str | None = None, **keywords: Any) -> Any:
        sent = {"csrf": self.token() if token is None else token, **(data or {})}
        return self.http.post(path, data=sent, **keywords)


class Student(Browser):
    """A learner."""

    attempt = 0

    def start(self, name: str = "김하늘", affiliation: str = "서울대학교", **more: str) -> Any:
        """Fills in the first page; the answer of the server."""
        data = {"name": name, "affiliation": affiliation, "class_code": "", "consent": "yes", **more}
        answer = self.post("/quiz/start", data)
        if answer.status_code == 303:
            self.attempt = int(answer.headers["location"].rsplit("/", 1)[1])
        return answer

    def begin(self, name: str = "김하늘", affiliation: str = "서울대학교", **more: str) -> int:
        answer = self.start(name, affiliation, **more)
        assert answer.status_code == 303, answer.text
        return self.attempt

    def page(self, number: int | str) -> Any:
        return self.get(f"/quiz/{self.attempt}/{number}")

    def fields(self, number: int) -> dict[str, list[str]]:
        page = self.page(number)
        assert page.status_code == 200, page.text
        return Forms(page.text).forms[f"/quiz/{self.attempt}/{number}"]

    def give(
        self,
        number: int,
        fields: dict[str, Any],
        *,
        script: bool = False,
        page: dict[str, Any] | None = None,
        **keywords: Any,
    ) -> Any:
        """Sends a question's form; from a page that was opened before where one is given, else from a fresh one."""
        headers = JSON if script else {}
        known = (self.knows(number) if page is None else page) | ({"sent": "1"} if script and page is None else {})
        return self.post(f"/quiz/{self.attempt}/{number}", {**known, **fields}, headers=headers, **keywords)

    def knows(self, number: int) -> dict[str, Any]:
        """What a question's page sends along of what it shows."""
        page = self.page(number)
        fields = Forms(page.text).forms.get(f"/quiz/{self.attempt}/{number}", {})
        return {name: fields[name] for name in ("page", "sent", "seen", "shown") if name in fields}

    def hand_in(self) -> Any:
        return self.post(f"/quiz/{self.attempt}/hand-in")

    @property
    def code(self) -> str:
        found = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", self.page("review").text)
        assert found
        return found.group()


def drawn_of(app: FastAPI, attempt_id: int) -> tuple[DrawnQuestion, ...]:
    """What only the server knows of an attempt."""
    with app.state.storage.reading() as session:
        return drawn_for(app.state.bank, session.get_one(Attempt, attempt_id))


def right_fields(drawn: DrawnQuestion) -> dict[str, Any]:
    """The form's fields of the right answer."""
    right = drawn.right
    if isinstance(right, float):
        return {"answer": repr(right)}
    if isinstance(right, dict):
        left = (lambda key: drawn.opaque("left", key)) if drawn.kind == "match" else str
        return {f"answer.{left(one)}": drawn.opaque("option", other) for one, other in right.items()}
    return {"answer": [drawn.opaque("option", key) for key in right], "go": "order" if drawn.kind == "order" else ""}


def wrong_fields(drawn: DrawnQuestion) -> dict[str, Any]:
    """The form's fields of an answer that is worth nothing."""
    right = drawn.right
    if isinstance(right, float):
        return {"answer": repr(drawn.wrong[0])}
    if isinstance(right, dict):
        left = (lambda key: drawn.opaque("left", key)) if drawn.kind == "match" else str
        other = next(key for key in drawn.order if key not in right.values())
        return {f"answer.{left(one)}": drawn.opaque("option", other) for one in right}
    if drawn.kind == "order":
        return {"answer": [drawn.opaque("option", key) for key in reversed(right)], "go": "order"}
    return {"answer": [drawn.opaque("option", key) for key in drawn.order if key not in right][:1]}
