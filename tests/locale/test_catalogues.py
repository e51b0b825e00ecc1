"""Both catalogues say the same things, and nothing in them is dead."""

import re
import string
from pathlib import Path

import pytest

import ridgeway
from ridgeway.errors import InputError
from ridgeway.locale import LANGUAGES, catalogue, text


def placeholders(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert set(catalogue("en")) == set(catalogue("ko"))


@pytest.mark.parametrize("key", sorted(catalogue("en")))
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    assert placeholders(catalogue("en")[key]) == placeholders(catalogue("ko")[key])


def test_every_key_is_used() -> None:
    source = "\n".join(file.read_text("utf-8") for file in Path(ridgeway.__file__).parent.rglob("*.py"))
    whole = set(re.findall(r'"([a-z_]+\.[a-z_0-9. ]+)"', source))
    prefixes = tuple(re.findall(r'f"([a-z_]+\.(?:[a-z_]+[._])*)\{', source))
    unused = [key for key in catalogue("en") if key not in whole and not key.startswith(prefixes)]
    assert unused == []


def test_every_key_asked_for_exists() -> None:
    package = Path(ridgeway.__file__).parent
    files = [*(package / "report").glob("*.py"), *(package / "locale").glob("*.py")]
    source = "\n".join(file.read_text("utf-8") for file in files)
    asked = set(re.findall(r'\b(?:say|text)\(\s*"([^"]+)"', source))
    assert asked and asked <= set(catalogue("en"))


@pytest.mark.parametrize("key", sorted(catalogue("ko")))
def test_no_korean_particle_depends_on_a_value(key: str) -> None:
    # 은/는, 이/가, 을/를, 과/와, 으로/로 change with the last sound of the word before them.
    assert not re.search(r"\}[\u2060']?(은|는|이|가|을|를|과|와|으로|로)(?![가-힣])", catalogue("ko")[key])


def test_text_puts_values_in() -> None:
    assert text("figure.outside", "en", count=3) == "points beyond the axis: 3"
    assert text("figure.outside", "ko", count="{count}") == "축 밖의 점: {count}개"


def test_a_missing_key_or_value_raises() -> None:
    with pytest.raises(KeyError, match="nearest keys are.*report.title"):
        text("report.titel", "en")
    with pytest.raises(KeyError, match="count"):
        text("figure.outside", "en")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="Unknown language 'de'. Pass 'en' for English or 'ko' for Korean."):
        text("figure.best", "de")
    assert LANGUAGES == ("en", "ko")


def test_regularization_and_normalization_keep_their_words() -> None:
    """The lecture says 정칙화 for regularization and 정규화 for normalization, which are easily confused."""
    for key, english in catalogue("en").items():
        korean = catalogue("ko")[key]
        if re.search(r"\bregulariz", english, re.IGNORECASE):
            assert "정규화" not in korean or "normaliz" in english.lower(), key
        if re.search(r"\bnormaliz", english, re.IGNORECASE):
            assert "정칙화" not in korean or "regulariz" in english.lower(), key
