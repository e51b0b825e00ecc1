"""The few words that the quiz's engine itself says, in both languages."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from ridgeway.errors import InputError

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")


@cache
def _words() -> dict[str, dict[str, str]]:
    return yaml.safe_load(files(__package__).joinpath("bank", "words.yaml").read_text(encoding="utf-8"))


def word(key: str, lang: Language, **values: object) -> str:
    """The text of a key, plain, with its values put in."""
    return _words()[key][lang].format_map(values)


class MalformedAnswer(InputError):
    """An answer that has not the form its question asks for. Its message is English; `message` has both languages."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(word(f"malformed.{key}", "en", **values))
        self._key, self._values = key, values

    def message(self, lang: Language) -> str:
        """What is wrong and what to do, for the learner."""
        return word(f"malformed.{self._key}", lang, **self._values)
