"""What came out of one experiment."""

from __future__ import annotations

from dataclasses import dataclass

HELD, REFUTED, OPEN = "held", "did not hold", "not told apart"


@dataclass(frozen=True)
class Outcome:
    """One claim, how it was tested and what came out; texts as (English, Korean).

    Attributes:
        name: of the figure's file.
        title: in a few words.
        claim: what the lecture says; the Korean text is quoted from it.
        experiment: model, data and what was compared.
        figure: what the figure shows.
        finding: the numbers.
        verdict: one of the words above.
    """

    name: str
    title: tuple[str, str]
    claim: tuple[str, str]
    experiment: tuple[str, str]
    figure: tuple[str, str]
    finding: tuple[str, str]
    verdict: str
