"""The bank as Moodle's XML, which carries everything: figures, feedback, units, questions to put in order.

Written after what Moodle's `question/format/xml/format.php` and `import_from_xml` of its question type `ordering` read.
Shares have five decimals because Moodle takes only those of its own list, which holds 33.33333 and 16.66667.
"""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

from ridgeway.studio.i18n import N_, translator
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.figures import Figure
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.teacher.exchange.items import Choices, Item, Matching, Numeric, Ordering, items

# What XML 1.0 can't hold.
_UNHOLDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# The kinds by which a question's answer is read.
_KINDS = {Choices: "multichoice", Numeric: "numerical", Matching: "matching", Ordering: "ordering"}


def moodle_xml(bank: Bank, lang: Language, seed: int = 0) -> str:
    """The whole bank in one file, a category for each topic.

    Args:
        bank: the questions.
        lang: of the texts.
        seed: by which numbers are drawn for questions that have them.
    """
    root = ET.Element("quiz")
    root.append(ET.Comment(f" ridgeway, question bank {bank.version}, {lang}; numbers drawn by seed {seed} "))
    topic = ""
    for item in items(bank, lang, seed):
        if item.topic != topic:
            topic = item.topic
            _category(root, bank.topics[topic].in_language(lang), lang)
        _question(root, item)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def category(topic: str) -> str:
    """Where a topic's questions go; a slash in a name is doubled, for a single one parts the names."""
    return f"$course$/top/ridgeway/{topic.replace('/', '//')}"


def _category(root: ET.Element, topic: str, lang: Language) -> None:
    question = ET.SubElement(root, "question", type="category")
    _text(ET.SubElement(question, "category"), category(topic))
    said = translator(lang)(N_("From ridgeway's quiz on regularization."))
    _text(ET.SubElement(question, "info", format="plain_text"), said)


def _question(root: ET.Element, item: Item) -> None:
    question = ET.SubElement(root, "question", type=_KINDS[type(item.answer)])
    _text(ET.SubElement(question, "name"), item.title)
    asked = ET.SubElement(question, "questiontext", format="html")
    _text(asked, item.text + (_picture(item.id, item.figure) if item.figure else ""))
    if item.figure:
        file = ET.SubElement(asked, "file", name=f"{item.id}.svg", path="/", encoding="base64")
        file.text = base64.b64encode(_alone(item.figure.svg).encode()).decode()
    _text(ET.SubElement(question, "generalfeedback", format="html"), item.explanation)
    for name, value in (("defaultgrade", "1"), ("penalty", "0.3333333"), ("hidden", "0"), ("idnumber", item.id)):
        ET.SubElement(question, name).text = value
    match item.answer:
        case Choices():
            _choices(question, item.answer)
        case Numeric():
            _numeric(question, item.answer)
        case Matching():
            _matching(question, item.answer)
        case Ordering():
            _ordering(question, item.answer)


def _choices(question: ET.Element, answer: Choices) -> None:
    for name, value in (
        ("single", str(answer.single).lower()),
        ("shuffleanswers", "true"),
        ("answernumbering", "none"),
    ):
        ET.SubElement(question, name).text = value
    for one in answer.choices:
        choice = ET.SubElement(question, "answer", fraction=_share(one.share), format="html")
        _text(choice, one.text)
        _text(ET.SubElement(choice, "feedback", format="html"), one.feedback)


def _numeric(question: ET.Element, answer: Numeric) -> None:
    for one in answer.values:
        number = ET.SubElement(question, "answer", fraction=_share(one.share), format="plain_text")
        _text(number, f"{one.value:.12g}")
        ET.SubElement(number, "tolerance").text = f"{one.tolerance:.6g}"
        _text(ET.SubElement(number, "feedback", format="html"), one.feedback)
    if answer.units:
        units = ET.SubElement(question, "units")
        for name in answer.units:
            unit = ET.SubElement(units, "unit")
            ET.SubElement(unit, "multiplier").text = "1"
            ET.SubElement(unit, "unit_name").text = name
    # A unit may be written behind the number, and need not be; 3 is a field for a number alone.
    for name, value in (("unitgradingtype", "0"), ("unitpenalty", "0.1"), ("showunits", "0" if answer.units else "3")):
        ET.SubElement(question, name).text = value
    ET.SubElement(question, "unitsleft").text = "0"


def _matching(question: ET.Element, answer: Matching) -> None:
    ET.SubElement(question, "shuffleanswers").text = "true"
    for left, right in answer.pairs:
        pair = ET.SubElement(question, "subquestion", format="html")
        _text(pair, left)
        _text(ET.SubElement(pair, "answer"), right)


def _ordering(question: ET.Element, answer: Ordering) -> None:
    for name, value in (
        ("layouttype", "VERTICAL"),
        ("selecttype", "ALL"),
        ("selectcount", str(len(answer.items))),
        # The nearest to pairs in the right order, by which the studio grades.
        ("gradingtype", "RELATIVE_ALL_PREVIOUS_AND_NEXT"),
        ("showgrading", "SHOW"),
        ("numberingstyle", "none"),
    ):
        ET.SubElement(question, name).text = value
    for place, text in enumerate(answer.items, 1):
        _text(ET.SubElement(question, "answer", fraction=str(place), format="html"), text)


def _picture(name: str, figure: Figure) -> Markup:
    """The figure as a picture, with its table for those who can't see it or want to read a value."""
    return Markup(
        '<p><img src="@@PLUGINFILE@@/{name}.svg" width="480" height="320" alt="{alt}"></p><p>{caption}</p>{table}'
    ).format(name=name, alt=figure.table.caption, caption=figure.caption, table=figure.table_html)


def _alone(svg: Markup) -> str:
    """The drawing as a file: on white, for there is no page whose colours it could take."""
    # As a plain string: Markup would escape what is put in.
    return str(svg).replace(">", ' width="480" height="320"><rect width="100%" height="100%" fill="#fff"/>', 1)


def _share(share: float) -> str:
    return f"{share:.5f}".rstrip("0").rstrip(".") if share else "0"


def _text(parent: ET.Element, text: str) -> None:
    ET.SubElement(parent, "text").text = _UNHOLDABLE.sub("", str(text))
