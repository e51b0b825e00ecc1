"""The course's pages: what they hold in both languages, with a script and without."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from fastapi.testclient import TestClient

from ridgeway.studio.course.lessons import LESSONS, lesson
from ridgeway.studio.course.routes import HEADINGS
from ridgeway.studio.i18n import translator

BOTH = [(name, lang) for name in LESSONS for lang in ("ko", "en")]


def page(client: TestClient, path: str, lang: str) -> str:
    answer = client.get(path, headers={"Accept-Language": lang})
    assert answer.status_code == 200, path
    return answer.text


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_contents(client: TestClient, lang: str) -> None:
    html = page(client, "/course", lang)
    assert re.findall(r'<h2><a href="/course/([\w-]+)">', html) == list(LESSONS)
    for name in LESSONS:
        found = lesson(name, lang)
        assert found.title in html and found.summary in html and found.able in html
    assert 'href="/course/playground"' in html


def test_the_quiz_is_named_where_there_is_one(client: TestClient) -> None:
    client.app.state.sections = (*{*client.app.state.sections, "quiz"},)  # type: ignore[attr-defined]
    html = page(client, "/course", "ko")
    assert 'href="/quiz"' in html and "이름과 소속을 입력합니다" in html
    assert 'href="/quiz"' in page(client, f"/course/{LESSONS[-1]}", "ko").partition('class="steps"')[2]
    client.app.state.sections = ("course",)  # type: ignore[attr-defined]
    assert "/quiz" not in page(client, "/course", "ko")


@pytest.mark.parametrize(("name", "lang"), BOTH)
def test_a_lesson(client: TestClient, name: str, lang: str) -> None:
    html = page(client, f"/course/{name}", lang)
    found, translate = lesson(name, lang), translator(lang)
    assert f'<html lang="{lang}">' in html and f"<h1>{found.title}</h1>" in html
    for key, heading in HEADINGS.items():
        assert f'id="s-{key}"' in html and f'href="#s-{key}"' in html and f">{translate(heading)}</h2>" in html
    for text in found.parts.values():
        assert text in html
    assert f'class="experiment" data-experiment="{name}" data-module="/static/course/experiments/{name}.js?v=' in html
    # Without a script: the choices, what is to be said of each, and the answers in parts that unfold by themselves.
    assert html.count('type="radio" name="prediction"') == len(found.prediction.choices)
    assert html.count('class="response"') == len(found.prediction.choices)
    assert all(choice.response in html for choice in found.prediction.choices)
    assert all(f"{check.answer}" in html for check in found.checks)
    # The policy that goes with each page lets none of these through.
    assert not re.search(r"<[a-z][^>]*\s(style|on[a-z]+)=", html)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    identifiers = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(identifiers) == sorted(set(identifiers))


def test_the_way_from_lesson_to_lesson(client: TestClient) -> None:
    for place, name in enumerate(LESSONS):
        html = page(client, f"/course/{name}", "en")
        assert re.findall(r'rel="prev" href="/course/([\w-]+)"', html) == list(LESSONS[max(place - 1, 0) : place])
        assert re.findall(r'rel="next" href="/course/([\w-]+)"', html) == list(LESSONS[place + 1 : place + 2])
        assert f"Lesson {place + 1} of 11" in html


@pytest.mark.parametrize("path", ["/course/nothing", "/course/overview.ko", "/course/Dropout", "/course/dropout/more"])
def test_no_such_lesson(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_static_file_for_each(client: TestClient) -> None:
    html = page(client, "/course/dropout", "ko")
    for address in re.findall(r'(?:href|src|data-module)="(/static/[^"]+)"', html):
        assert client.get(address).status_code == 200, address
