"""`ridgeway quiz export`: the question bank as a file for Moodle and others."""

from __future__ import annotations

from pathlib import Path

import typer

from ridgeway.errors import InputError
from ridgeway.studio.quiz.bank import load_bank
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.teacher.exchange import FORMATS


def export(file: Path, format_name: str, lang: Language, seed: int) -> None:
    """Writes the bank.

    Args:
        file: where to; one that is there is replaced.
        format_name: one of `FORMATS`.
        lang: of the texts.
        seed: by which numbers are drawn.

    Raises:
        InputError: the file can't be written.
    """
    bank = load_bank()
    text = FORMATS[format_name].write(bank, lang, seed)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"'{file}' can't be written ({error.strerror}). Choose another place.") from None
    typer.echo(f"{file}: {len(bank.questions)} questions, numbers drawn by seed {seed}.")
    left_out = sum(one.kind == "order" for one in bank.questions.values()) if format_name == "gift" else 0
    if left_out:
        typer.echo(f"GIFT holds no questions to put in order: {left_out} are left out. --format moodle has them.")
