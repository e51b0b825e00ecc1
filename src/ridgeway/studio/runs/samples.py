"""Data to try the studio with, those that scikit-learn brings: `python -m ridgeway.studio.runs.samples NAME FILE`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal

_PATIENCE = 60


@dataclass(frozen=True)
class Sample:
    """A set of data.

    Attributes:
        title: what it is.
        file: what it is called.
    """

    title: str
    file: str


SAMPLES = {
    "digits": Sample(N_("Handwritten digits: 1,797 images of 8 × 8 points, ten classes"), "digits.npz"),
    "breast_cancer": Sample(N_("Breast cancer: 569 patients, 30 measurements, two classes"), "breast_cancer.csv"),
    "diabetes": Sample(N_("Diabetes: 442 patients, 10 measurements, a number to predict"), "diabetes.csv"),
}


def written(name: str, file: Path) -> None:
    """Writes a sample, in a process of its own.

    Args:
        name: one of `SAMPLES`.
        file: to write; its ending is the sample's.

    Raises:
        Refusal: scikit-learn can't give it.
    """
    words = [sys.executable, "-m", "ridgeway.studio.runs.samples", name, str(file)]
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=True)
    except subprocess.SubprocessError:
        said = N_("The data %(name)s can't be written: scikit-learn gave an error. Send a file of your own.")
        raise Refusal(said, name=name) from None


def main(name: str, file: str) -> None:
    """Writes a sample in this process."""
    import numpy as np
    from sklearn import datasets

    if name == "digits":
        found = datasets.load_digits()
        np.savez_compressed(file, x=found.images.astype(np.float32) / 16, y=found.target.astype(np.int32))
        return
    if name == "breast_cancer":
        found = datasets.load_breast_cancer(as_frame=True)
        table = found.data.assign(diagnosis=found.target_names[found.target])
    else:
        found = datasets.load_diabetes(as_frame=True, scaled=False)
        table = found.data.assign(progression=found.target)
    table.to_csv(file, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
