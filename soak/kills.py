"""Kills real runs at random moments, lets them go on, and compares what comes out with runs that nobody killed.

Each kill is one SIGKILL to a process of its own that has not ended its run, at a moment of the wall clock. Nine of
eleven fall after its first epoch: in an epoch, in the writing of a checkpoint (which follows every epoch here), between
rungs, in the writing of the results. Two fall anywhere from the start of the process on, be it in the making of the
directory or in the compiling. The run then goes on in another process, to its end. All tables and weights must be the
same, bit for bit. Nine kinds of small runs take turns with one at full size: 784-64-10 on 5,000 digits, 32 lanes.

Run it by `make soak`; the exit code is 1 where one differs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from test_resume import KINDS, assert_same, run_script

# Seconds that a training takes from its first epoch on, about, with a checkpoint after each.
_SECONDS, _LARGE = 3.0, 30.0
# Seconds from the start of a process until its first epoch, about.
_START = 12.0


def unfinished(out: Path) -> str | None:
    """Where a killed run stood, in words; None where it had ended before."""
    record = out / "run.json"
    if not record.exists():
        return "before it was begun"
    if json.loads(record.read_text())["status"] != "running":
        return None
    return "with a checkpoint" if list(out.glob("state/generation-*")) else "before its first checkpoint"


def main() -> int:
    """Prints a line a kill, and how many of them came out alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    kinds = [*KINDS, "large"]
    folder = Path(tempfile.mkdtemp(prefix="ridgeway-soak-"))
    alike = 0
    for number in range(given.kills):
        kind = kinds[number % len(kinds)]
        whole, out = folder / f"whole-{kind}", folder / "killed"
        if not whole.exists():
            done = run_script(whole, kind)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
        training = _LARGE if kind == "large" else _SECONDS
        # Not a divisor of the number of kinds: each has its turn.
        words = ["--of-all"] if number % 11 in (4, 9) else []
        moment = float(random.uniform(0.0, _START + training if words else training))
        while True:
            done = run_script(out, kind, "--kill-after", f"{moment:.3f}", *words)
            where = unfinished(out) if done.returncode == -signal.SIGKILL else None
            if where is not None:
                break
            # It had ended before.
            shutil.rmtree(out)
            moment *= 0.6
        told = f"[{number + 1}/{given.kills}] {kind}, killed at {moment:.3f} s{' of all' if words else ''}, {where}"
        done = run_script(out, kind)
        try:
            assert done.returncode == 0, done.stderr
            assert_same(whole, out)
        except AssertionError as error:
            print(f"{told}: DIFFERS\n{error}", flush=True)
        else:
            alike += 1
            print(f"{told}: the same", flush=True)
        shutil.rmtree(out)
    shutil.rmtree(folder)
    print(f"{alike} of {given.kills} the same, bit for bit.")
    return 0 if alike == given.kills else 1


if __name__ == "__main__":
    raise SystemExit(main())
