"""Names and codes: what is taken, and what is refused."""

import unicodedata

import pytest
from markupsafe import Markup

from ridgeway.studio.quiz import codes
from ridgeway.studio.quiz.identity import NameRefused, clean, identity
from ridgeway.studio.quiz.result import in_short


@pytest.mark.parametrize(
    "name", ["김하늘", "O'Brien-Müller", "名前", "علي رضا", "नमस्ते", "می\u200cخواهم", "李", "😀", "<b>x</b>", "1=1"]
)
def test_any_script_is_taken(name: str) -> None:
    assert clean(name) == unicodedata.normalize("NFC", name)


def test_trimmed_and_composed() -> None:
    assert clean("  김   하늘\u3000 ") == "김 하늘"
    assert clean(unicodedata.normalize("NFD", "하늘")) == "하늘"
    assert len(clean("가" * 80)) == 80
    assert len(clean(unicodedata.normalize("NFD", "각" * 80))) == 80, "counted as people see them"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Fill in"),
        ("  \u3000\u00a0 ", "Fill in"),
        ("\u0301\u0301", "Fill in"),
        ("\u200d\u200c", "Fill in"),
        ("가" * 81, "at most 80"),
        ("a\x00b", "Control"),
        ("a\nb", "Control"),
        ("a\tb", "Control"),
        ("a\u202eb", "Control"),
        ("a\u200bb", "Control"),
        ("a\u2028b", "Control"),
        ("a\x1b[31mb", "Control"),
    ],
)
def test_what_can_not_be_seen_is_refused(name: str, message: str) -> None:
    with pytest.raises(NameRefused, match=message):
        clean(name)


def test_the_same_person() -> None:
    assert identity(1, "Kim", "KAIST") == identity(1, "ＫＩＭ", "kaist")
    assert identity(1, "Kim", "KAIST") != identity(2, "Kim", "KAIST")
    assert identity(None, "ab", "c") != identity(None, "a", "bc")


def test_codes_are_read_as_people_write_them() -> None:
    code = codes.new(codes.ATTEMPT)
    assert len(code) == 16 and len(set(codes.new(16) for _ in range(50))) == 50
    assert codes.read(f" {codes.shown(code).lower()} ", codes.ATTEMPT) == code
    assert codes.read("oil-Oil", 6) == "011011"
    for wrong in ("", "ABC", "ABCDEFG!ABCDEFGH", "가나다라마바", "U" * 16):
        assert codes.read(wrong, codes.ATTEMPT) is None


def test_a_question_in_one_line() -> None:
    text = Markup("<p>One &lt;b&gt;.</p><pre><code>a = 1</code></pre><p>Is <code>Dropout</code>(0.5) it?<br>Two</p>")
    assert in_short(text) == "One <b>. a = 1 Is Dropout(0.5) it? Two"
