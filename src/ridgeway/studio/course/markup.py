"""The lessons' Markdown as HTML: with formulas (`$…$[words]`), anchors (`{#name}`) and coloured Python."""

from __future__ import annotations

import html
import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ridgeway.studio.course.mathml import formula

__all__ = ["block", "inline"]

_ANCHOR = re.compile(r"\{#([a-z0-9-]+)\}\s*")
_WORDS = re.compile(r"\[([^\]]*)\]")


def block(text: str, lang: str) -> Markup:
    """Markdown of several paragraphs as HTML. `lang` is that of the words in which formulas are read aloud."""
    return Markup(_PARSER.render(text, {"lang": lang}))


def inline(text: str, lang: str) -> Markup:
    """Markdown of one line as HTML without a paragraph around it."""
    return Markup(_PARSER.renderInline(text, {"lang": lang}))


def _math(state: StateInline, silent: bool) -> bool:
    """`$source$` or `$$source$$`, and in brackets after it how it is read aloud."""
    if state.src[state.pos] != "$":
        return False
    fence = "$$" if state.src.startswith("$$", state.pos) else "$"
    start = state.pos + len(fence)
    end = state.src.find(fence, start)
    if end < 0:
        return False
    after = end + len(fence)
    words = _WORDS.match(state.src, after)
    if not silent:
        token = state.push("math", "", 0)
        token.content = state.src[start:end]
        token.meta = {"words": words[1] if words else None, "display": fence == "$$"}
    state.pos = words.end() if words else after
    return True


def _anchors(state: StateCore) -> None:
    """A paragraph or list item that begins with `{#name}` gets that id."""
    for place, token in enumerate(state.tokens):
        found = _ANCHOR.match(token.content) if token.type == "inline" else None
        if found is None or not token.children:
            continue
        token.children[0].content = token.children[0].content[found.end() :]
        opening = state.tokens[place - 1]
        if opening.hidden:
            opening = state.tokens[place - 2]
        opening.attrSet("id", found[1])


def _render_math(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return formula(token.content, env["lang"], token.meta["words"], token.meta["display"])


def _render_fence(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    if token.info.strip() != "python":
        return f'<pre tabindex="0"><code>{escapeHtml(token.content)}</code></pre>\n'
    coloured = highlight(token.content, PythonLexer(), HtmlFormatter(nowrap=True))
    # Can be scrolled sideways, so the keyboard must reach it.
    return f'<pre class="code" tabindex="0"><code>{coloured}</code></pre>\n'


def _render_table_open(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return '<div class="table-wrap" tabindex="0"><table>\n'


def _render_table_close(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _render_link_open(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    target = html.escape(str(tokens[index].attrGet("href")), quote=True)
    away = ' rel="noreferrer"' if "://" in target else ""
    return f'<a href="{target}"{away}>'


def _parser() -> MarkdownIt:
    # HTML in the texts is shown, not passed on: all markup is made here.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.inline.ruler.before("escape", "math", _math)
    parser.core.ruler.push("anchors", _anchors)
    parser.add_render_rule("math", _render_math)
    parser.add_render_rule("fence", _render_fence)
    parser.add_render_rule("table_open", _render_table_open)
    parser.add_render_rule("table_close", _render_table_close)
    parser.add_render_rule("link_open", _render_link_open)
    # Cells are aligned by inline styles otherwise, which the content security policy forbids.
    for cell in ("th_open", "td_open"):
        parser.add_render_rule(cell, _render_cell)
    return parser


def _render_cell(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    scope = ' scope="col"' if token.tag == "th" else ""
    right = ' class="number"' if "right" in str(token.attrGet("style")) else ""
    return f"<{token.tag}{scope}{right}>"


_PARSER = _parser()
