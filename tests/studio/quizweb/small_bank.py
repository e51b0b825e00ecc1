"""A bank of two questions a topic, of every kind, whose explanations and misconceptions hold a word of their own."""

import json
from pathlib import Path as FilePath

from ridgeway.studio.quiz.bank import Bank, read_bank
from ridgeway.studio.topics import LESSONS

#: Stands in every explanation, and in every misconception: no page may hold it before handing in.
SECRET = "GEHEIMNIS"

EXPLAINED = {"ko": f"{SECRET} 해설입니다.", "en": f"{SECRET} explanation."}
MISTAKEN = {"ko": f"{SECRET} 오해입니다.", "en": f"{SECRET} misconception."}


def _single(topic: str) -> dict:
    options = [
        {"id": "a", "ko": "보기 하나 <b>", "en": "option one <b>", "right": True},
        {"id": "b", "ko": "보기 둘", "en": "option two", "misconception": MISTAKEN},
        {"id": "c", "ko": "보기 셋", "en": "option three", "misconception": MISTAKEN},
    ]
    return {"kind": "single", "text": {"ko": f"{topic}: 무엇입니까?", "en": f"{topic}: which one?"}, "options": options}


_KINDS: list[dict] = [
    {
        "kind": "several",
        "text": {"ko": "모두 고르세요.", "en": "Choose all."},
        "options": [
            {"id": "a", "ko": "맞는 하나", "en": "right one", "right": True},
            {"id": "b", "ko": "맞는 둘", "en": "right two", "right": True},
            {"id": "c", "ko": "틀린 하나", "en": "wrong one", "misconception": MISTAKEN},
            {"id": "d", "ko": "틀린 둘", "en": "wrong two", "misconception": MISTAKEN},
        ],
    },
    {
        "kind": "number",
        "text": {"ko": "{factor}의 세 배는?", "en": "Three times {factor}?"},
        "parameters": {"factor": {"from": 2, "to": 9, "step": 1}},
        "unit": {"ko": "개", "en": "pieces"},
        "answer": "3 * factor",
        "wrong": [{"value": "2 * factor", "misconception": MISTAKEN}],
        "example": {"factor": 2, "answer": 6, "wrong": [4]},
    },
    {
        "kind": "order",
        "text": {"ko": "순서대로 놓으세요.", "en": "Put in order."},
        "items": [{"id": one, "ko": f"{one} 단계", "en": f"step {one}"} for one in ("one", "two", "three", "four")],
        "wrong": [{"first": "four", "then": "one", "misconception": MISTAKEN}],
    },
    {
        "kind": "match",
        "text": {"ko": "짝을 지으세요.", "en": "Match them."},
        "pairs": [
            {
                "id": one,
                "ko": f"왼쪽 {one}",
                "en": f"left {one}",
                "right": {"ko": f"오른쪽 {one}", "en": f"right {one}"},
                "misconception": MISTAKEN,
            }
            for one in ("x", "y")
        ],
        "distractors": [{"id": "z", "ko": "남는 것", "en": "left over", "misconception": MISTAKEN}],
    },
    {
        "kind": "code",
        "text": {"ko": "빈칸을 채우세요.", "en": "Fill the gap."},
        "code": "keras.layers.[[1]](0.5)",
        "gaps": {"1": "dropout"},
        "tokens": [
            {"id": "dropout", "text": "Dropout"},
            {"id": "dense", "text": "Dense", "misconception": MISTAKEN},
        ],
    },
]


def small_bank(folder: FilePath) -> Bank:
    """Writes the bank and reads it."""

    # JSON is YAML, and quicker to write.
    def write(name: str, content: object) -> None:
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    folder.mkdir(parents=True, exist_ok=True)
    write("topics.yaml", {one: {"ko": f"주제 {one}", "en": f"Topic {one}"} for one in LESSONS})
    write("sources.yaml", {"lecture": {"text": {"ko": "강의", "en": "the lecture"}, "url": "https://example.org/l"}})
    write("statements.yaml", {"lines": {1: "한 줄"}, "unasked": {}})
    shared = {"covers": [1], "source": ["lecture"], "explanation": EXPLAINED}
    for place, topic in enumerate(LESSONS):
        other = _KINDS[place % len(_KINDS)]
        write(
            f"{topic}.yaml",
            [
                {"id": f"{topic}-1", **shared, **_single(topic)},
                {"id": f"{topic}-2", **shared, **json.loads(json.dumps(other))},
            ],
        )
    return read_bank(folder)
