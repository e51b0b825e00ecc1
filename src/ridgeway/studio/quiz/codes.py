"""Codes that people copy by hand: an attempt's, to go on with it, and a class's."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from ridgeway.studio.storage import Attempt

# Crockford's base 32: no I, L, O, U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})

#: 80 bits: an attempt's code is all that its cookie holds, and can't be guessed.
ATTEMPT = 16
CLASS = 6


def new(length: int) -> str:
    """A code of so many characters, drawn by the system's own generator."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def of_browser(secret: str, browser: str, seed: int) -> str:
    """The code of an attempt that a browser starts: the same each time, so that a start may be sent again.

    Args:
        secret: the studio's.
        browser: its opaque number.
        seed: of the attempt.
    """
    digest = hmac.new(secret.encode(), f"attempt:{browser}:{seed}".encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[: 5 * ATTEMPT // 8])
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(ATTEMPT))


def read(text: str, length: int) -> str | None:
    """A code as somebody typed it: any case, with dashes and spaces, O for 0; None where it can't be one."""
    code = text.strip().upper().translate(_READ)
    return code if len(code) == length and all(one in _ALPHABET for one in code) else None


def shown(code: str) -> str:
    """A code in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def hashed(code: str) -> str:
    """What the database keeps of a code or token; both are random and long, so that a plain hash is enough."""
    return hashlib.sha256(code.encode()).hexdigest()


def renew(session: Session, attempt_id: int) -> str:
    """Gives an attempt another code, for a learner who has lost theirs; the old one opens nothing any more.

    Args:
        session: a transaction that writes.
        attempt_id: the attempt's number.

    Returns:
        The code; only its hash is kept.

    Raises:
        NoResultFound: there is no such attempt.
    """
    attempt = session.scalars(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one()
    code = new(ATTEMPT)
    attempt.code = hashed(code)
    return code
