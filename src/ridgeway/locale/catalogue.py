"""The catalogues of texts, one JSON file a language, key → text with named placeholders."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ridgeway.errors import InputError

LANGUAGES = ("en", "ko")


def check_language(lang: str) -> str:
    """Return the language, or refuse it.

    Raises:
        InputError: there is no catalogue of that language.
    """
    if lang not in LANGUAGES:
        raise InputError(f"Unknown language {lang!r}. Pass 'en' for English or 'ko' for Korean.")
    return lang


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All texts of a language by key.

    Args:
        lang: one of `LANGUAGES`.

    Raises:
        InputError: there is no catalogue of that language.
    """
    source = files(__package__).joinpath(f"{check_language(lang)}.json").read_text(encoding="utf-8")
    texts: dict[str, str] = json.loads(source)
    return MappingProxyType(texts)


def text(key: str, lang: str, **values: object) -> str:
    """The text of a key with its values put in.

    The result is plain text: whoever puts it into HTML escapes it.

    Args:
        key: as in the catalogues, e.g. `"report.title"`.
        lang: one of `LANGUAGES`.
        **values: one for each placeholder of the text.

    Raises:
        InputError: there is no catalogue of that language.
        KeyError: no such key, or a placeholder without a value: a mistake of ours, not to be passed over.
    """
    texts = catalogue(lang)
    if key not in texts:
        near = get_close_matches(key, texts, n=3)
        raise KeyError(f"No text {key!r} in locale/{lang}.json; the nearest keys are {near}.")
    return texts[key].format_map(values)
