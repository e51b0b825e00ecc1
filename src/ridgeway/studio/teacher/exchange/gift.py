"""The bank as GIFT, plain text that Moodle and others read. It has neither files nor questions to put in order.

Written after what `question/format/gift/format.php` of Moodle reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from ridgeway.studio.i18n import N_, translator
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.teacher.exchange.items import Choices, Item, Matching, Numeric, items
from ridgeway.studio.teacher.exchange.moodle import category

_ESCAPED = str.maketrans({one: f"\\{one}" for one in "\\~=#{}:"} | {"\n": "\\n", "\r": ""})


def gift(bank: Bank, lang: Language, seed: int = 0) -> str:
    """The whole bank in one file, a category for each topic; of questions to put in order only a comment says so.

    Args:
        bank: the questions.
        lang: of the texts.
        seed: by which numbers are drawn for questions that have them.
    """
    blocks = [f"// ridgeway, question bank {bank.version}, {lang}; numbers drawn by seed {seed}"]
    topic = ""
    for item in items(bank, lang, seed):
        if item.topic != topic:
            topic = item.topic
            blocks.append(f"$CATEGORY: {category(bank.topics[topic].in_language(lang))}")
        blocks.append("\n".join(_question(item, lang)))
    # An empty line ends a question.
    return "\n\n".join(blocks) + "\n"


def _question(item: Item, lang: Language) -> Iterator[str]:
    translate = translator(lang)
    text = item.text
    if item.figure:
        text += Markup("<p>{}</p>{}").format(item.figure.caption, item.figure.table_html)
    match item.answer:
        case Choices(choices=choices, single=single):
            mark, lines = "", [f"{_weight(one.share, single)}{_answer(one.text, one.feedback)}" for one in choices]
        case Numeric(values=values, units=units):
            mark = "#"
            lines = [f"=%{one.share:g}%{one.value:.12g}:{one.tolerance:.6g}{_feedback(one.feedback)}" for one in values]
            if units:
                said = translate(N_("Write the number alone, without a unit."))
                text += Markup("<p><em>{}</em></p>").format(said)
        case Matching(pairs=pairs):
            mark, lines = "", [f"={_escaped(left)} -> {_escaped(right)}" for left, right in pairs]
        case _:
            # GIFT has no word for it; what some versions write is read by their own plugin only.
            said = translate(N_("to put in order, which GIFT can't hold; it is in the XML file."))
            yield f"// {item.id}: {said}"
            return
    yield f"::{_escaped(item.title)}::[html]{_escaped(text)}{{{mark}"
    yield from (f"\t{line}" for line in lines)
    yield f"\t####{_escaped(item.explanation)}"
    yield "}"


def _weight(share: float, single: bool) -> str:
    if single:
        return "=" if share else "~"
    return f"~%{f'{share:.5f}'.rstrip('0').rstrip('.')}%"


def _answer(text: Markup, feedback: Markup) -> str:
    # A per cent sign at the beginning would be read as a weight.
    return _escaped("&#37;" + text[1:] if text.startswith("%") else text) + _feedback(feedback)


def _feedback(text: Markup) -> str:
    return f"#{_escaped(text)}" if text else ""


def _escaped(text: str) -> str:
    return str(text).translate(_ESCAPED)
