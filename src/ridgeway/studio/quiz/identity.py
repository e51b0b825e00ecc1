"""A learner's name and affiliation: any script, nothing invisible."""

from __future__ import annotations

import hashlib
import unicodedata

from ridgeway.studio.i18n import N_

#: Most characters of a name, an affiliation, the name of a class.
LONGEST = 80

# Joiners that Persian and the scripts of India write with. All other format characters are invisible or turn the
# direction of what follows them.
_JOINERS = "\u200c\u200d"


class NameRefused(ValueError):
    """A name that can't be used; the message is in English, for a translator."""


def clean(text: str) -> str:
    """A name as it is stored: NFC, trimmed, one space where there were several.

    Raises:
        NameRefused: it is empty, longer than 80 characters, or has control characters.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    text = " ".join(part for part in text.split(" ") if part)
    kinds = [unicodedata.category(one) for one in text]
    if any(
        kind in ("Cc", "Cs", "Co", "Zl", "Zp") or (kind == "Cf" and one not in _JOINERS)
        for kind, one in zip(kinds, text, strict=True)
    ):
        raise NameRefused(N_("Control characters can't be used here. Type it again by hand."))
    if not any(kind[0] in "LNSP" for kind in kinds):
        raise NameRefused(N_("Fill in this field."))
    if len(text) > LONGEST:
        raise NameRefused(N_("Use at most 80 characters."))
    return text


def key(text: str) -> str:
    """What is compared and searched: without regard to case and to compatible forms of a character."""
    return unicodedata.normalize("NFKC", text).casefold()


def identity(class_id: int | None, name: str, affiliation: str) -> str:
    """Equal for two entries of the same person in the same class."""
    parts = (str(class_id or ""), key(name), key(affiliation))
    # The separator is a control character, which no name holds.
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
