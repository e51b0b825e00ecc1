"""Items made by a thread while the last one is used."""

from __future__ import annotations

import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item], count: int) -> Generator[Item]:
    """The same items, of which a thread makes up to `count` before they are asked for.

    Closing the iterator ends the thread and closes `items`. An error of theirs is raised where its item is asked for.

    Args:
        items: are asked for by the thread alone.
        count: at least 1; beside the item in use, so many are held.
    """
    room = threading.Semaphore(count)
    made: SimpleQueue[tuple[bool, Item | BaseException | None]] = SimpleQueue()
    ended = threading.Event()

    def make() -> None:
        try:
            while room.acquire() and not ended.is_set():
                made.put((True, next(items)))
        except StopIteration:
            made.put((False, None))
        except BaseException as error:
            made.put((False, error))
        finally:
            items.close()

    thread = threading.Thread(target=make, name="ridgeway-ahead", daemon=True)
    thread.start()
    try:
        while True:
            more, item = made.get()
            if not more:
                if isinstance(item, BaseException):
                    raise item
                return
            room.release()
            yield item  # type: ignore[misc]
            # Nothing is held for longer than it is used.
            del item
    finally:
        ended.set()
        room.release()
        thread.join()
