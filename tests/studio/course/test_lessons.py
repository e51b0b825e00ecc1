"""The lessons' texts: whole, alike in both languages, and free of markup that went wrong."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from ridgeway.studio.course import lessons
from ridgeway.studio.course.lessons import LESSONS, SECTIONS, Lesson, LessonError, lesson, source
from ridgeway.studio.course.markup import block, inline
from ridgeway.studio.course.mathml import FormulaError, formula

BOTH = [(name, lang) for name in LESSONS for lang in ("ko", "en")]


def everything(found: Lesson) -> str:
    """All HTML of a lesson."""
    choices = [text for choice in found.prediction.choices for text in (choice.text, choice.response)]
    checks = [text for check in found.checks for text in (check.question, check.answer)]
    return "\n".join([found.summary, found.able, found.prediction.question, *choices, *checks, *found.parts.values()])


def prose(found: Lesson) -> str:
    """What is read of a lesson, without code and tags."""
    return re.sub(r"<[^>]+>", "", re.sub(r"<(pre|code|math)\b.*?</\1>", "", everything(found), flags=re.DOTALL))


@pytest.mark.parametrize(("name", "lang"), BOTH)
def test_a_lesson_is_whole(name: str, lang: str) -> None:
    found = lesson(name, lang)
    assert set(found.parts) == set(SECTIONS) - {"predict", "experiment", "checks"}
    assert found.title and found.able
    assert 2 <= len(found.prediction.choices) <= 4
    assert len(found.checks) == 2
    for part in ("code", "ridgeway"):
        assert found.parts[part].count('<pre class="code"') == 1
    assert found.parts["wrong"].count("<li>") >= 4
    # Authors, year, title.
    papers = re.findall(r"<li>(.*?)</li>", found.parts["sources"], re.DOTALL)
    assert len(papers) >= 2
    for paper in papers:
        assert re.search(r"\w+, .+\(\d{4}\)\. .*<em>.+</em>", paper), paper


@pytest.mark.parametrize(("name", "lang"), BOTH)
def test_no_markup_is_left_over_and_none_is_forbidden(name: str, lang: str) -> None:
    html = everything(lesson(name, lang))
    text = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"\*\*|\$|\{#|`|::|\\[a-z]", text)
    # The content security policy has no unsafe-inline.
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert "<script" not in html
    identifiers = re.findall(r'\bid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))
    # Those of the page.
    assert not {one for one in identifiers if one.startswith("s-") or one.endswith("-heading")}


class Nesting(HTMLParser):
    """Fails where tags do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("name", "lang"), BOTH)
def test_tags_nest(name: str, lang: str) -> None:
    parser = Nesting()
    parser.feed(everything(lesson(name, lang)))
    assert parser.open == []


@pytest.mark.parametrize("name", LESSONS)
def test_both_languages_say_the_same(name: str) -> None:
    korean, english = lesson(name, "ko"), lesson(name, "en")
    assert re.findall(r'\bid="([^"]+)"', everything(korean)) == re.findall(r'\bid="([^"]+)"', everything(english))
    assert len(korean.prediction.choices) == len(english.prediction.choices)
    for part in korean.parts:
        for tag in ("<li", "<p", "<tr", "<math", '<math display="block"', "<pre"):
            assert korean.parts[part].count(tag) == english.parts[part].count(tag), (part, tag)
    assert formulas(everything(korean)) == formulas(everything(english))
    assert set(re.findall(r'href="([^"]+)"', everything(korean))) == set(
        re.findall(r'href="([^"]+)"', everything(english))
    )


def formulas(html: str) -> list[str]:
    """Formulas without their words, sorted, since languages order sentences differently; labels may differ."""
    found = re.findall(r"<math[^>]*>(.*?)</math>", html)
    return sorted(re.sub(r"<mtext>.*?</mtext>", "", one) for one in found)


def code(name: str, lang: str) -> list[str]:
    """The Python of a text file."""
    return re.findall(r"```python\n(.*?)```", source(name, lang), re.DOTALL)


@pytest.mark.parametrize("name", [*LESSONS, "data"])
def test_both_show_the_same_code(name: str) -> None:
    """But for comments and for what is printed or named in words."""

    class WithoutWords(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            worded = isinstance(node.value, str) and (not node.value.isascii() or node.value in ENGLISH)
            return ast.Constant("word") if worded else node

    shown = [[ast.dump(WithoutWords().visit(ast.parse(block))) for block in code(name, lang)] for lang in ("ko", "en")]
    assert shown[0] == shown[1] and shown[0]


# Words of the English code that are Korean in the other.
ENGLISH = {
    "politics", "society", "economy", "culture", "weather", "one-hot", "dummy", "columns, rank", "exact zeros:",
    "epochs, the best was", "training:", "prediction:", "batch norm", "without", "batch", "layer", "instance", "group",
    "pairs, means",
}  # fmt: skip


SIGNS = {
    "early-stopping": ("SGD(learning_rate=0.001)", "epochs=50", "validation_split=0.2", "patience=1", "EarlyStopping"),
    "saving-best": ('EarlyStopping(monitor="val_loss", patience=3)', "save_best_only=True", "load_model"),
    "dropout": ('Dense(128, activation="relu")', "Dropout(0.5)"),
    "normalizations": ('Dense(128, activation="relu")', "BatchNormalization()"),
    "label-smoothing": ("BinaryCrossentropy(label_smoothing=0.15)", "CategoricalCrossentropy(label_smoothing=0.15"),
}


def test_the_lectures_own_code_is_shown() -> None:
    """The five snippets of the lecture, each in the lesson of its subject."""
    for name, signs in SIGNS.items():
        shown = code(name, "ko")[0]
        assert [sign for sign in signs if sign not in shown] == [], name


@pytest.mark.parametrize("name", LESSONS)
def test_words_are_those_of_the_lecture(name: str) -> None:
    korean = prose(lesson(name, "ko"))
    # 정칙화 is regularization and 정규화 normalization; terms are written one way.
    for other in (
        "규제",
        "조기 종료",
        "조기종료",
        "드랍아웃",
        "라벨",
        "오버피팅",
        "과적합",
        "원핫",
        "하이퍼 파라미터",
        "손실함수",
        "업데이트",
        "초기값",
        "근접 단계",
        "모형",
        "뉴런",
    ):
        assert other not in korean, other
    assert re.search("[가-힣]", prose(lesson(name, "en")).replace("정규화", "").replace("정칙화", "")) is None


def test_links_lead_to_lessons_and_paragraphs() -> None:
    for name, lang in BOTH:
        for target in re.findall(r'href="([^"]+)"', everything(lesson(name, lang))):
            to, _, anchor = target.removeprefix("/course/").partition("#")
            assert target.startswith("/course/") and to in LESSONS, target
            assert not anchor or f'id="{anchor}"' in everything(lesson(to, lang)), target


def test_a_file_that_lacks_something_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = source("dropout", "en")
    for text, said in (
        (whole.replace("## more", "## less"), "It needs"),
        (whole.replace("title:", "titel:"), "title, summary and able"),
        (re.sub(r"^- (Both|The) .* ::.*\n", "", whole, flags=re.MULTILINE), "2 to 4"),
        (whole.replace("###\n", "", 1), "2, each with its answer"),
    ):
        monkeypatch.setattr(lessons, "source", lambda name, lang, text=text: text)
        lesson.cache_clear()
        with pytest.raises(LessonError, match=said):
            lesson("dropout", "en")
    lesson.cache_clear()


def test_formulas_are_mathml_with_words() -> None:
    made = formula(r"w \leftarrow w(1 - \eta\lambda)", "ko", "새 w")
    assert made.startswith('<math alttext="새 w"><mrow><mi>w</mi><mo>←</mo>')
    assert formula(r"\frac{1}{2}", "ko") == ('<math alttext="2 분의 1"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>')
    assert 'alttext="one' not in formula("x", "en") and 'display="block"' in formula("x", "en", display=True)
    assert 'alttext="x squared"' in formula("x^2", "en") and "x 제곱" in formula("x^2", "ko")
    assert "<munder>" in formula(r"\sum_i w_i", "en") and "<msub>" in formula("w_i", "en")
    assert "&lt;" in formula(r"a \lt b", "en") and "<mo><" not in formula(r"a \lt b", "en")


@pytest.mark.parametrize("source", [r"\frac{1}", r"\nothing", "x}", "{x", "x^", r"\sqrt 2"])
def test_formulas_that_cannot_be_read_are_refused(source: str) -> None:
    with pytest.raises(FormulaError, match="formula"):
        formula(source, "en")


@pytest.mark.parametrize(("name", "lang"), BOTH)
def test_every_formula_is_read_aloud(name: str, lang: str) -> None:
    for words in re.findall(r'<math[^>]* alttext="([^"]*)"', everything(lesson(name, lang))):
        assert words.strip()
        # No sign that a voice would pass over, and no word of the other language.
        assert not re.search(r"[←≤≥≠≈Σ∑√\\_^{}]", words), words
        assert lang == "ko" or not re.search("[가-힣]", words), words
    for one in re.findall(r'<math display="block" alttext="([^"]*)"', everything(lesson(name, lang))):
        assert one.endswith("."), one


def test_html_in_texts_is_shown_and_not_passed_on() -> None:
    assert "&lt;b&gt;" in inline("a <b> c", "en")
    assert "<script" not in block("<script>alert(1)</script>", "en")
