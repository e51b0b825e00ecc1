"""The bank's files, read back as Moodle's importers read them."""

from __future__ import annotations

import base64
import dataclasses
import html
import re
from html.parser import HTMLParser
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from ridgeway.cli import app as cli
from ridgeway.studio.quiz import load_bank
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import draw_question
from ridgeway.studio.quiz.grading import is_right
from ridgeway.studio.quiz.questions import Text
from ridgeway.studio.quiz.words import LANGUAGES, Language
from ridgeway.studio.teacher import accounts
from ridgeway.studio.teacher.exchange import gift, moodle_xml
from studio.quizweb.people import Browser
from studio.quizweb.small_bank import small_bank

BANK = load_bank()
HOSTILE = "]]> <script>alert(1)</script> =1+1 {~%100%x} } #### # \\n \\ // ::a:: -> = ~ : & \"'"
# The shares that Moodle takes when grades must be listed (question/engine/bank.php), in per cent.
LISTED = [
    100,
    90,
    100 / 1.2,
    80,
    75,
    70,
    200 / 3,
    60,
    50,
    40,
    100 / 3,
    30,
    25,
    20,
    50 / 3,
    100 / 7,
    12.5,
    100 / 9,
    10,
    5,
]
KINDS = {
    "multichoice": {"single", "several", "code"},
    "numerical": {"number"},
    "matching": {"match", "code"},
    "ordering": {"order"},
}
TAGS = {"p", "br", "code", "pre", "strong", "em", "img", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Tags(HTMLParser):
    """Everything of a page that isn't text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(page: str) -> None:
    for tag, attributes in Tags(page).tags:
        assert tag in TAGS, page
        assert set(attributes) <= {"class", "scope", "src", "alt", "width", "height"}, page
        assert (attributes.get("src") or "@@PLUGINFILE@@/").startswith("@@PLUGINFILE@@/"), page


def text_of(element: ET.Element | None) -> str:
    """What `import_text` of Moodle gives."""
    assert element is not None
    return (element.findtext("text") or "").strip()


def questions_of(xml: str) -> dict[str, ET.Element]:
    """The questions by their idnumber."""
    root = ET.fromstring(xml)
    found = [one for one in root if one.get("type") != "category"]
    by_id = {one.findtext("idnumber") or "": one for one in found}
    assert len(by_id) == len(found)
    return by_id


def shares(question: ET.Element) -> list[float]:
    return [float(one.get("fraction") or 0) for one in question.findall("answer")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_moodle_xml_holds_the_whole_bank(lang: Language) -> None:
    found = questions_of(moodle_xml(BANK, lang, 3))
    assert set(found) == set(BANK.questions)
    for key, question in found.items():
        known = BANK.questions[key]
        assert known.kind in KINDS[question.get("type") or ""]
        assert len(text_of(question.find("name"))) <= 255
        assert ("(seed 3)" in text_of(question.find("name"))) == bool(known.parameters)
        asked = question.find("questiontext")
        assert asked is not None and asked.get("format") == "html"
        texts = [text_of(asked), text_of(question.find("generalfeedback"))]
        for answer in question.findall("answer"):
            if answer.get("format") == "html":
                texts.append(text_of(answer))
            if answer.find("feedback") is not None:
                texts.append(text_of(answer.find("feedback")))
        for text in texts:
            harmless(text)
        assert texts[0] and texts[1]
        assert (asked.find("file") is not None) == (known.figure is not None)


def test_shares_are_moodles_and_sum_to_a_hundred() -> None:
    for key, question in questions_of(moodle_xml(BANK, "en")).items():
        if question.get("type") == "multichoice":
            given = shares(question)
            assert all(one == 0 or any(abs(abs(one) - other) < 1e-3 for other in LISTED) for one in given), key
            single = question.findtext("single") == "true"
            assert single == (BANK.questions[key].kind != "several")
            assert sum(one for one in given if one > 0) == pytest.approx(100, abs=1e-4)
            assert sum(one for one in given if one < 0) == pytest.approx(0 if single else -100, abs=1e-4)
            if single:
                assert sorted(given)[-2:] == [0, 100], key
            # Whoever is wrong is told why.
            for answer, share in zip(question.findall("answer"), given, strict=True):
                assert bool(text_of(answer.find("feedback"))) == (share <= 0), key


def test_numbers_are_graded_as_in_the_studio() -> None:
    seed = 11
    for key, question in questions_of(moodle_xml(BANK, "ko", seed)).items():
        if question.get("type") != "numerical":
            continue
        drawn = draw_question(BANK, seed, key)
        right = drawn.right
        assert isinstance(right, float)
        first, *others = question.findall("answer")
        assert shares(question) == [100, *([0] * len(others))]
        value, tolerance = float(text_of(first)), float(first.findtext("tolerance") or "nan")
        assert value == pytest.approx(right, rel=1e-11, abs=1e-11) and tolerance > 0
        for off in (-0.99, 0.99, -1.01, 1.01):
            assert is_right(drawn, value + off * tolerance) == (abs(off) < 1), key
        for other, wrong in zip(others, drawn.wrong, strict=True):
            assert float(text_of(other)) == pytest.approx(wrong, rel=1e-11, abs=1e-11)
            assert abs(value - wrong) > tolerance, "no known mistake counts as right"
        units = [one.findtext("unit_name") for one in question.iterfind("units/unit")]
        unit = getattr(drawn.question, "unit", None)
        assert set(units) == set(unit.words() if unit else ()) and (not units or units[0] == unit.ko)


def test_pairs_and_orders() -> None:
    for key, question in questions_of(moodle_xml(BANK, "ko")).items():
        drawn = draw_question(BANK, 0, key)
        if question.get("type") == "matching":
            pairs = [(text_of(one), text_of(one.find("answer"))) for one in question.findall("subquestion")]
            asked = [one for one in pairs if one[0]]
            right = drawn.right
            assert isinstance(right, dict) and len(asked) == len(right) and len(pairs) == len(drawn.order)
            assert len(pairs) >= 3 and all(answer and "<" not in answer for _, answer in pairs)
        if question.get("type") == "ordering":
            assert shares(question) == list(range(1, len(drawn.order) + 1))
            assert question.findtext("selecttype") == "ALL"
            assert question.findtext("selectcount") == str(len(drawn.order))
            texts = [text_of(one) for one in question.findall("answer")]
            assert [html.unescape(Tags(one).text) for one in texts] == [
                one.text.ko.replace("`", "") for one in drawn.question.items
            ]


def test_figures_are_pictures() -> None:
    found = 0
    for key, question in questions_of(moodle_xml(BANK, "ko")).items():
        file = question.find("questiontext/file")
        if file is None:
            continue
        found += 1
        assert file.get("encoding") == "base64" and file.get("name") == f"{key}.svg" and file.get("path") == "/"
        picture = ET.fromstring(base64.b64decode(file.text or "", validate=True))
        assert picture.tag.endswith("svg") and not [one for one in picture.iter() if one.tag.endswith("script")]
        text = text_of(question.find("questiontext"))
        images = [attributes for tag, attributes in Tags(text).tags if tag == "img"]
        assert [one["src"] for one in images] == [f"@@PLUGINFILE@@/{key}.svg"] and images[0]["alt"]
        assert "<table" in text, "its numbers are there for those who can't see it"
    assert found == sum(one.figure is not None for one in BANK.questions.values()) >= 8


def read_gift(file: str) -> list[dict[str, Any]]:
    """Questions as `readquestion` of `question/format/gift/format.php` takes them apart."""
    placeholders = {one: f"&&{ord(one):03};" for one in ":#={}~"} | {"n": "&&010;"}

    def plain(text: str) -> str:
        for one, other in placeholders.items():
            text = text.replace(other, "\n" if one == "n" else one)
        return text.strip()

    found = []
    for block in re.split(r"\n\s*\n", file):
        text = "\n".join(" " if line.strip().startswith("//") else line for line in block.split("\n")).strip()
        if not text:
            continue
        text = text.replace("\\\\", "&&092;")
        for one, other in placeholders.items():
            text = text.replace(f"\\{one}", other)
        text = text.replace("&&092;", "\\")
        if text.startswith("$CATEGORY:"):
            found.append({"category": text[10:].strip()})
            continue
        name, rest = re.fullmatch(r"::(.*?)::(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        start, end = rest.index("{"), rest.index("}")
        assert end == len(rest) - 1
        body, _, feedback = rest[start + 1 : end].strip().rpartition("####")
        kind = "numerical" if body.startswith("#") else "multichoice" if "~" in body else "match"
        parts = [one.strip() for one in re.split("=|~", body.lstrip("#").replace("=", "~=")) if one.strip("~ \n\t")]
        if kind == "multichoice":
            parts = [one.strip() for one in body.replace("=", "~=").split("~") if one.strip()]
        found.append(
            {
                "name": plain(name),
                "text": plain(rest[:start]),
                "kind": kind,
                "parts": [[plain(piece) for piece in one.split("->" if kind == "match" else "#", 1)] for one in parts],
                "feedback": plain(feedback),
            }
        )
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_gift_holds_all_but_the_orders(lang: Language) -> None:
    file = gift(BANK, lang, 5)
    found = [one for one in read_gift(file) if "name" in one]
    by_id = {re.split(r"[ :]", one["name"], maxsplit=1)[0]: one for one in found}
    orders = {key for key, one in BANK.questions.items() if one.kind == "order"}
    assert set(by_id) == set(BANK.questions) - orders and orders
    for key in orders:
        assert re.search(rf"^// {key}: ", file, re.MULTILINE), "what is left out is named"
    for key, question in by_id.items():
        drawn = draw_question(BANK, 5, key)
        assert question["text"].startswith("[html]<p>") and question["feedback"].startswith("<p>")
        harmless(question["text"].removeprefix("[html]"))
        if question["kind"] == "numerical":
            weights = [re.match(r"%(\d+)%([^:]+):(.+)", one[0]) for one in question["parts"]]
            assert [float(one[1]) for one in weights if one] == [100, *([0] * len(drawn.wrong))]
            assert weights[0] and is_right(drawn, float(weights[0][2]))
        elif question["kind"] == "match":
            assert len(question["parts"]) == len(drawn.order) and all(len(one) == 2 for one in question["parts"])
        elif drawn.kind == "several":
            given = [float(one[0].split("%")[1]) for one in question["parts"]]
            assert sum(one for one in given if one > 0) == pytest.approx(100, abs=1e-4)
            assert sum(one for one in given if one < 0) == pytest.approx(-100, abs=1e-4)
        else:
            assert sum(one[0].startswith("=") for one in question["parts"]) == 1
            assert len(question["parts"]) == len(drawn.order)
    assert sum("category" in one for one in read_gift(file)) == len(BANK.topics)


def hostile_bank(folder: FilePath) -> Bank:
    """A bank all of whose texts try to be something else."""
    bank, evil = small_bank(folder), Text(ko=HOSTILE, en=HOSTILE)
    questions = {}
    for key, question in bank.questions.items():
        changes: dict[str, Any] = {"text": evil, "explanation": evil, "parameters": {}}
        if question.kind == "number":
            changes = {"text": evil, "explanation": evil}
        for field in ("options", "items", "pairs", "distractors"):
            if hasattr(question, field):
                parts = [
                    one.model_copy(
                        update={
                            name: evil
                            for name in ("text", "misconception", *(("right",) if field == "pairs" else ()))
                            if getattr(one, name, None) is not None
                        }
                    )
                    for one in getattr(question, field)
                ]
                changes[field] = tuple(parts)
        questions[key] = question.model_copy(update=changes)
    topics = MappingProxyType(dict.fromkeys(bank.topics, Text(ko="a/b", en="a/b")))
    return dataclasses.replace(bank, questions=MappingProxyType(questions), topics=topics)


def test_nothing_in_a_text_becomes_markup(tmp_path: FilePath) -> None:
    bank = hostile_bank(tmp_path)
    xml = moodle_xml(bank, "en")
    assert "<script" not in xml and "]]>" not in xml
    seen = [text_of(one.find("questiontext")) for one in questions_of(xml).values()]
    for text in seen:
        harmless(text)
        assert Tags(text).text.startswith(HOSTILE)
    found = [one for one in read_gift(gift(bank, "en")) if "name" in one]
    assert len(found) == sum(one.kind != "order" for one in bank.questions.values())
    for question in found:
        harmless(question["text"].removeprefix("[html]"))
        assert Tags(question["text"]).text.startswith(f"[html]{HOSTILE}")
        assert Tags(question["feedback"]).text == HOSTILE
    assert {one["category"] for one in read_gift(gift(bank, "en")) if "category" in one} == {
        "$course$/top/ridgeway/a//b"
    }


def test_the_same_seed_gives_the_same_file() -> None:
    assert moodle_xml(BANK, "ko", 1) == moodle_xml(BANK, "ko", 1) != moodle_xml(BANK, "ko", 2)
    assert gift(BANK, "ko", 1) == gift(BANK, "ko", 1) != gift(BANK, "ko", 2)


def test_the_command(tmp_path: FilePath) -> None:
    for format, lang in (("moodle", "ko"), ("gift", "en")):
        file = tmp_path / f"bank.{format}"
        done = CliRunner().invoke(cli, ["quiz", "export", "--format", format, "--lang", lang, "--seed", "4", str(file)])
        assert done.exit_code == 0, done.output
        assert "125 questions" in done.output and ("left out" in done.output) == (format == "gift")
        assert file.read_text("utf-8") == (moodle_xml if format == "moodle" else gift)(BANK, lang, 4)
    done = CliRunner().invoke(cli, ["quiz", "export", str(tmp_path / "no" / "folder.xml")])
    assert done.exit_code != 0 and "Choose another place" in f"{done.output}{done.exception}"


def test_the_download(app: FastAPI) -> None:
    stranger = Browser(app)
    assert stranger.get("/teacher/bank/file").status_code == 303, "the key is for teachers"
    accounts.add(app.state.storage, "이선생", "correct horse battery")
    teacher = Browser(app)
    token = teacher.token("/teacher/login")
    teacher.post("/teacher/login", {"name": "이선생", "password": "correct horse battery"}, token=token)
    page = teacher.get("/teacher/bank").text
    assert "22문제" in page.replace(" ", "") and "Moodle XML" in page
    file = teacher.get("/teacher/bank/file?format=moodle&lang=en&seed=7")
    assert file.headers["content-disposition"] == 'attachment; filename="ridgeway-quiz-en.xml"'
    assert file.text == moodle_xml(app.state.bank, "en", 7)
    assert "ridgeway-quiz-ko.gift.txt" in teacher.get("/teacher/bank/file?format=gift").headers["content-disposition"]
    for odd in ("format=exe", "lang=de", "seed=-1", "seed=x", f"seed={10**30}"):
        assert teacher.get(f"/teacher/bank/file?{odd}").status_code == 422
