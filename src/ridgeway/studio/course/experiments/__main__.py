"""Makes the results that are shipped: `python -m ridgeway.studio.course.experiments [ID ...]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ridgeway import devices
from ridgeway.studio.course.experiments.registry import IDS, experiment


def main(names: list[str]) -> None:
    """Computes each by its default settings, twice: the second time is that of a program that is compiled already."""
    # As in the studio's worker.
    devices.one_only()
    devices.compile_quickly()
    folder = Path(__file__).parent.parent / "results"
    folder.mkdir(exist_ok=True)
    for name in names or IDS:
        one = experiment(name)
        one.run(one.settings(), lambda share: None)
        result = one.run(one.settings(), lambda share: None)
        text = json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {result['milliseconds']} ms, {len(text) / 1000:.0f} kB")


main(sys.argv[1:])
