"""A run as server-sent events: what it reports, as it reports it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from ridgeway.studio.runs.following import Follower, News

#: Seconds between updates: at most five a second.
EVERY = 0.2
# Seconds after which a sign of life is sent, and between looks at the run's state.
_BEAT = 5.0
_LOOK = 1.0


async def updates(
    folder: Path, after: str, state: Callable[[], dict[str, Any]], busy: Callable[[dict[str, Any]], bool]
) -> AsyncIterator[str]:
    """The events of a run, from where the reader stopped, until the run ends.

    `news` has what lanes did: `again` where all before it is no longer so, `plan` of the run, `begun` lanes as
    `[lane, configuration, repeat, fold]`, `rows` of `[lane, epoch, value, …]` in the order of `names`, `stopped` lanes,
    and `weights` as `[lane, norm, share of zeros]` of those whose run says it. `state` has how the run stands; `beat`
    is a sign of life; `end` is the last.

    Args:
        folder: the run's.
        after: id of the last event that is known; empty for none.
        state: how the run stands.
        busy: whether by that state more may come.
    """
    follower = Follower(folder / "events.jsonl", after)
    names: list[str] = []
    told: dict[str, Any] = {}
    beaten = looked = 0.0
    while True:
        # The state before the events: when it says that a run has ended, all of them are there.
        now = time.monotonic()
        if now - looked >= _LOOK:
            looked, found = now, await asyncio.to_thread(state)
            if found != told:
                told, beaten = found, now
                yield _event("state", found)
        ending = not busy(told)
        news = await asyncio.to_thread(follower.read)
        if news.events or news.again:
            beaten = now
            yield _event("news", _told(news, names), news.id)
        elif ending:
            yield _event("end", told)
            return
        elif now - beaten >= _BEAT:
            beaten = now
            yield _event("beat", {})
        await asyncio.sleep(EVERY)


def _told(news: News, names: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"again": news.again, "begun": [], "rows": [], "stopped": [], "weights": []}
    for event in news.events:
        kind = event.get("event")
        logs = event.get("logs")
        if kind in ("start", "resume"):
            executor = event.get("executor") or {}
            told["plan"] = {
                "lanes": event.get("lanes"),
                "epochs": event.get("epochs"),
                "slots": executor.get("slots"),
                "time": event.get("time"),
            }
        elif kind == "begin" and isinstance(event.get("configuration"), dict):
            told["begun"].append([event.get("lane"), event["configuration"], event.get("repeat"), event.get("fold")])
        elif kind == "epoch" and isinstance(logs, dict):
            names += [name for name in logs if name not in names and not name.endswith("_se")]
            values = [_short(logs.get(name)) for name in names]
            told["rows"].append([event.get("lane"), event.get("epoch"), *values])
        elif kind == "lane":
            told["stopped"].append([event.get("lane"), event.get("stopped")])
            # Named as in the table of lanes; runs of earlier versions tell them there only.
            if "weight_norm" in event:
                weights = [_short(event.get(name)) for name in ("weight_norm", "zero_share")]
                told["weights"].append([event.get("lane"), *weights])
        told["time"] = event.get("time")
    # Names are told each time: whoever joins in the middle knows none.
    told["names"] = names
    return told


def _short(value: Any) -> float | None:
    return float(f"{value:.6g}") if isinstance(value, int | float) else None


def _event(kind: str, data: dict[str, Any], number: str = "") -> str:
    line = f"id: {number}\n" if number else ""
    return f"{line}event: {kind}\ndata: {json.dumps(data, allow_nan=False)}\n\n"
