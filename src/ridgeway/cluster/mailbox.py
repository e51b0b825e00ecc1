"""Where tasks leave their news, and hear when to stop."""

from __future__ import annotations

import asyncio
from typing import Any


class Mailbox:
    """An actor of Ray on the cluster's head.

    What is posted are bytes, which it does not read: no machinery of training is imported here.
    """

    def __init__(self) -> None:
        self._news: list[bytes] = []
        self._arrived = asyncio.Event()
        self._word: Any = None

    async def post(self, news: bytes) -> Any:
        """Leaves news; gives the word that all tasks are told, None to go on."""
        self._news.append(news)
        self._arrived.set()
        return self._word

    async def take(self, seconds: float) -> list[bytes]:
        """All news, as soon as there are some, or after so many seconds."""
        try:
            await asyncio.wait_for(self._arrived.wait(), seconds)
        except TimeoutError:
            return []
        self._arrived.clear()
        news, self._news = self._news, []
        return news

    async def tell(self, word: Any) -> None:
        """What tasks are told from now on."""
        self._word = word
