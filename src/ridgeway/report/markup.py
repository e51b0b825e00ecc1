"""HTML in which whatever comes from data is text: markup is a type of its own, all else is escaped."""

import html
import re

from ridgeway.locale import text


class Html(str):
    """A string that is markup already. Only this module and constant templates make one."""

    __slots__ = ()


def escaped(value: object) -> Html:
    """The value as markup: itself if it is, else escaped, quotes too."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element; children and attribute values are escaped unless they are `Html`.

    Attribute names have `_` for `-` and a trailing `_` where Python reserves the word; None leaves one out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: object) -> Html:
    """Elements or texts one after the other."""
    return Html("".join(escaped(child) for child in children))


def say(key: str, lang: str, **values: object) -> Html:
    """A text of the catalogue as markup; values that are `Html` keep their tags, others are escaped."""
    marked = text(key, lang, **{name: f"\x02{name}\x03" for name in values})
    return Html(re.sub("\x02(.*?)\x03", lambda found: escaped(values[found[1]]), html.escape(marked, quote=True)))
