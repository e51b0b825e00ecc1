r"""Formulas as MathML, which browsers draw without a script, and in words for those who hear the page.

The source is a small part of LaTeX's language: letters, numbers, operators, `^`, `_`, `{…}`, and the commands below.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

__all__ = ["FormulaError", "formula"]

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "lambda": "λ", "mu": "μ",
    "sigma": "σ", "kappa": "κ", "partial": "∂", "infty": "∞", "ell": "ℓ",
}  # fmt: skip
_OPERATORS = {
    "times": "×", "div": "÷", "cdot": "·", "to": "→", "leftarrow": "←", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈",
    "in": "∈", "pm": "±", "ldots": "…", "equiv": "≡", "lt": "<", "gt": ">", "Rightarrow": "⇒",
}  # fmt: skip
_NAMES = ("max", "min", "exp", "ln", "log", "sign", "rank", "Var")
_ACCENTS = {"bar": "‾", "hat": "^", "tilde": "~"}
_FENCES = {"abs": ("|", "|"), "norm": ("‖", "‖")}

# After these a minus is a sign and not a subtraction.
_OPENING = ("", "(", ",", "=", "×", "·", "/", "→", "≈", "|")

_WORDS = {
    "ko": {
        "α": "알파", "β": "베타", "γ": "감마", "δ": "델타", "ε": "엡실론", "η": "에타", "λ": "람다", "μ": "뮤",
        "σ": "시그마", "κ": "카파", "∂": "라운드", "∞": "무한대", "ℓ": "엘", "×": "곱하기", "÷": "나누기",
        "·": "곱하기", "→": "화살표", "←": "왼쪽 화살표", "≤": "작거나 같다", "≥": "크거나 같다", "≠": "같지 않다",
        "≈": "약", "∈": "원소", "±": "플러스 마이너스", "…": "등등", "≡": "같다", "<": "작다", ">": "크다",
        "⇒": "이면", "=": "는", "+": "더하기", "−": "빼기", "/": "나누기", "(": "괄호 열고", ")": "괄호 닫고",
        "∑": "합", "′": "프라임", "%": "퍼센트", "|": "절댓값 기호", "‖": "노름 기호",
    },
    "en": {
        "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "η": "eta", "λ": "lambda", "μ": "mu",
        "σ": "sigma", "κ": "kappa", "∂": "partial", "∞": "infinity", "ℓ": "ell", "×": "times", "÷": "divided by",
        "·": "times", "→": "to", "←": "becomes", "≤": "at most", "≥": "at least", "≠": "is not", "≈": "about",
        "∈": "in", "±": "plus or minus", "…": "and so on", "≡": "is the same as", "<": "less than", ">": "more than",
        "⇒": "hence", "=": "equals", "+": "plus", "−": "minus", "/": "over", "(": "open parenthesis",
        ")": "close parenthesis", "∑": "sum", "′": "prime", "%": "percent", "|": "bar", "‖": "norm bar",
    },
}  # fmt: skip

_TOKEN = re.compile(r"\\([A-Za-z]+)|(\d+(?:\.\d+)?)|(\S)")


class FormulaError(ValueError):
    """A formula that this small language can't read."""


@dataclass(frozen=True)
class Node:
    """A piece of a formula: a MathML element with its text, or with its children."""

    tag: str
    text: str = ""
    children: tuple[Node, ...] = ()


def formula(source: str, lang: str, words: str | None = None, display: bool = False) -> str:
    r"""A formula as a `<math>` element.

    Args:
        source: such as `w \leftarrow w(1 - \eta\lambda)`.
        lang: "ko" or "en", of the words.
        words: how it is read aloud; made from the formula by default.
        display: on a line of its own.

    Returns:
        MathML, with the words as its `alttext`.

    Raises:
        FormulaError: the source can't be read.
    """
    node = _Reader(source).everything()
    alternative = html.escape(words or _speak(node, lang), quote=True)
    kind = ' display="block"' if display else ""
    return f'<math{kind} alttext="{alternative}">{_markup(node)}</math>'


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [match.groups() for match in _TOKEN.finditer(source)]
        self.position = 0

    def everything(self) -> Node:
        row = self.row()
        if self.position < len(self.tokens):
            raise FormulaError(f"The formula '{self.source}' has a '}}' too many.")
        return row

    def row(self) -> Node:
        found: list[Node] = []
        while self.position < len(self.tokens) and self.tokens[self.position][2] != "}":
            found.append(self.scripted())
        return found[0] if len(found) == 1 else Node("mrow", children=tuple(found))

    def scripted(self) -> Node:
        base = self.atom()
        scripts: dict[str, Node] = {}
        while self.position < len(self.tokens) and self.tokens[self.position][2] in ("^", "_"):
            sign = self.tokens[self.position][2]
            self.position += 1
            scripts[sign] = self.atom()
        if not scripts:
            return base
        limits = base.text == "∑"
        if len(scripts) == 2:
            return Node("munderover" if limits else "msubsup", children=(base, scripts["_"], scripts["^"]))
        sign, script = scripts.popitem()
        under = {"_": "munder", "^": "mover"} if limits else {"_": "msub", "^": "msup"}
        return Node(under[sign], children=(base, script))

    def group(self) -> Node:
        if self.position >= len(self.tokens) or self.tokens[self.position][2] != "{":
            raise FormulaError(f"The formula '{self.source}' lacks a '{{' after a command.")
        self.position += 1
        row = self.row()
        if self.position >= len(self.tokens):
            raise FormulaError(f"The formula '{self.source}' lacks a '}}'.")
        self.position += 1
        return row

    def atom(self) -> Node:
        if self.position >= len(self.tokens):
            raise FormulaError(f"The formula '{self.source}' ends too early.")
        command, number, sign = self.tokens[self.position]
        if sign == "{":
            return self.group()
        self.position += 1
        if number:
            return Node("mn", number)
        if sign:
            return Node("mi", sign) if sign.isalpha() else Node("mo", "−" if sign == "-" else sign)
        return self.command(command)

    def command(self, name: str) -> Node:
        if name in _GREEK:
            return Node("mi", _GREEK[name])
        if name in _OPERATORS:
            return Node("mo", _OPERATORS[name])
        if name in _NAMES:
            return Node("mi", name)
        if name == "sum":
            return Node("mo", "∑")
        if name == "frac":
            return Node("mfrac", children=(self.group(), self.group()))
        if name == "sqrt":
            return Node("msqrt", children=(self.group(),))
        if name in _ACCENTS:
            return Node("mover", children=(self.group(), Node("mo", _ACCENTS[name])))
        if name in _FENCES:
            left, right = _FENCES[name]
            return Node("mrow", children=(Node("mo", left), self.group(), Node("mo", right)))
        if name == "text":
            return Node("mtext", _flat(self.group()))
        raise FormulaError(f"The formula '{self.source}' has the unknown command '\\{name}'.")


def _flat(node: Node) -> str:
    return node.text + "".join(_flat(child) for child in node.children)


def _markup(node: Node, first: bool = True) -> str:
    if node.tag == "mrow":
        inside, before = [], ""
        for child in node.children:
            inside.append(_markup(child, first=before in _OPENING))
            before = child.text if child.tag == "mo" else "x"
        return f"<mrow>{''.join(inside)}</mrow>"
    if node.children:
        return f"<{node.tag}>{''.join(_markup(child) for child in node.children)}</{node.tag}>"
    attributes = ""
    if node.tag == "mo" and node.text in "()|‖":
        # Without a font for mathematics, browsers stretch fences askew and set bars apart.
        attributes = ' stretchy="false" lspace="0" rspace="0"'
    elif node.text == "−" and first:
        attributes = ' form="prefix" lspace="0" rspace="0"'
    # Where no font for mathematics is, Korean ones draw the double bar as wide as a syllable.
    text = "||" if node.text == "‖" else node.text
    return f"<{node.tag}{attributes}>{html.escape(text)}</{node.tag}>"


def _speak(node: Node, lang: str) -> str:
    said = [_speak(child, lang) for child in node.children]
    korean = lang == "ko"
    if node.tag == "mfrac":
        return f"{said[1]} 분의 {said[0]}" if korean else f"{said[0]} over {said[1]}"
    if node.tag == "msqrt":
        return f"루트 {said[0]}" if korean else f"root of {said[0]}"
    if node.tag == "msup":
        if said[1] == "2":
            return f"{said[0]} 제곱" if korean else f"{said[0]} squared"
        if said[1] in ("′", _WORDS[lang]["′"]):
            return f"{said[0]} {said[1]}"
        return f"{said[0]}의 {said[1]}제곱" if korean else f"{said[0]} to the power {said[1]}"
    if node.tag in ("msub", "munder"):
        return f"{said[0]} {said[1]}" if korean else f"{said[0]} sub {said[1]}"
    if node.children:
        return " ".join(part for part in said if part)
    return _WORDS[lang].get(node.text, node.text)
