"""What an attempt keeps of its questions gives them again, through JSON, in both languages and with their key."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from ridgeway.studio.quiz import draw_question, explained, load_bank
from ridgeway.studio.quiz.kept import drawn_from, kept, mended

BANK = load_bank()


@pytest.mark.parametrize("question_id", BANK.questions)
def test_a_question_comes_back_as_it_was_drawn(question_id: str) -> None:
    drawn = draw_question(BANK, 7, question_id)
    again = drawn_from(BANK, 7, question_id, json.loads(json.dumps(kept(drawn))))
    assert (again.right, again.wrong, again.order, again.left) == (drawn.right, drawn.wrong, drawn.order, drawn.left)
    assert dict(again.values) == dict(drawn.values)
    for lang in ("ko", "en"):
        assert again.shown(lang) == drawn.shown(lang)
        assert explained(again, None, lang) == explained(drawn, None, lang)
    assert mended(BANK, again).right == drawn.right
