"""Kills real runs at random moments, lets them go on, and compares what comes out with runs that nobody killed.

Each kill is one SIGKILL to a process of its own, at a moment of the wall clock from its first epoch on: in an epoch, in
the writing of a checkpoint (which follows every epoch here), between rungs, in the writing of the results. The run then
goes on in another process, to its end. All tables and weights must be the same, bit for bit.

Run it by `make soak`; the exit code is 1 where one differs.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from test_resume import KINDS, assert_same, run_script

# A training of these takes about so many seconds from its first epoch on, with a checkpoint after each.
_SECONDS = 3.0


def main() -> int:
    """Prints a line a kill, and how many of them came out alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    folder = Path(tempfile.mkdtemp(prefix="ridgeway-soak-"))
    alike = 0
    for number in range(given.kills):
        kind = list(KINDS)[number % len(KINDS)]
        whole, out = folder / f"whole-{kind}", folder / "killed"
        if not whole.exists():
            done = run_script(whole, kind)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
        moment = float(random.uniform(0.0, _SECONDS))
        while run_script(out, kind, "--kill-after", f"{moment:.3f}").returncode != -signal.SIGKILL:
            # It had ended before.
            shutil.rmtree(out)
            moment *= 0.6
        done = run_script(out, kind)
        try:
            assert done.returncode == 0, done.stderr
            assert_same(whole, out)
        except AssertionError as error:
            print(f"[{number + 1}/{given.kills}] {kind}, killed at {moment:.3f} s: DIFFERS\n{error}", flush=True)
        else:
            alike += 1
            print(f"[{number + 1}/{given.kills}] {kind}, killed at {moment:.3f} s: the same", flush=True)
        shutil.rmtree(out)
    shutil.rmtree(folder)
    print(f"{alike} of {given.kills} the same, bit for bit.")
    return 0 if alike == given.kills else 1


if __name__ == "__main__":
    raise SystemExit(main())
