"""Each statement of the lecture stands in a paragraph of a lesson, in both languages, in words of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from ridgeway.studio.course.lessons import LESSONS, lesson, source

LECTURE = Path(__file__).parents[2] / "lecture" / "lecture.ko.txt"
# Lines of the lecture in its order, and the paragraph that covers each: `lesson#anchor`, a section of a lesson
# (`lesson/section`), or `contents` for what the course's first page says.
COVERED = (
    ("정칙화", "overview/statement"),
    ("딥러닝 정칙화", "overview#methods"),
    ("- 정칙화(regularization): 모델의 과대적합을 막기 위한 방법들", "overview#regularization"),
    ("- Weight decay: 파라미터를 업데이트할 때마다 줄임", "overview#m-weight-decay"),
    ("- Early stopping: 파라미터 업데이트를 일찍 멈춤", "overview#m-early-stopping"),
    ("- Dropout: 일부 파라미터를 훈련에서 배제", "overview#m-dropout"),
    ("- Batch/Layer Normalization: 레이어의 출력값을 정규화", "overview#m-normalization"),
    ("- Label Smoothing: 모형 출력의 목표값을 줄임", "overview#m-label-smoothing"),
    ("weight decay", "weight-decay/statement"),
    ("- 원래의 경사하강법: w ← w - η(∂L/∂w)", "weight-decay#gradient-descent"),
    ("- weight decay: 파라미터를 업데이트를 할 때 가중치를 줄이는 것 w ← w(1 - ηλ) - η(∂L/∂w)", "weight-decay#update"),
    ("- 손실 함수에 L2 노름을 추가하고, SGD로 파라미터를 업데이트 한 것과 동일", "weight-decay#same-as-l2"),
    ("- 경사하강법 알고리즘에 weight_decay 인자", "weight-decay#argument"),
    ("- 위 수식의 λ와 같음(클 수록 더 많이 줄임)", "weight-decay#lambda-size"),
    ("노름 Norm", "norms/statement"),
    ("- 노름(norm): 길이 또는 크기를 일반화한 개념", "norms#norm"),
    ("- Lp 노름", "norms#lp"),
    ("손실 함수에 노름을 추가하면", "norms#penalty"),
    ("- L1 정칙화(LASSO): 파라미터를 0으로", "norms#l1"),
    ("- L2 정칙화(Ridge): 파라미터를 전반적으로 작게", "norms#l2"),
    ("얼리스톱핑 Early Stopping", "early-stopping/statement"),
    ("- 적합 중에 검증 데이터로 검증하여 성능이 향상되지 않으면 진행을 중단", "early-stopping#watch"),
    ("- 미리 정한 에포크보다 일찍(early) 멈춤(stop)", "early-stopping#early"),
    ("- 과대적합을 방지하기 위한 정칙화 방법", "early-stopping#regularizes"),
    ("- 파라미터는 0 근처의 초기값에서 시작 → 에포크를 거듭하면서 수정", "early-stopping#from-zero"),
    ("- 에포크를 줄여주면 파라미터를 작게(0에 가깝게) 만드는 효과가 있음", "early-stopping#small"),
    ("얼리스톱핑을 이용한 훈련", "early-stopping#training"),
    ("epochs=50, # 최대 에포크", "early-stopping#max-epochs"),
    ("validation_split=0.2, # 에포크마다 20%의 데이터로 검증", "early-stopping#validation-split"),
    ("# monitor: 검증 데이터의 손실을 기준으로 멈춤 여부를 결정", "early-stopping#monitor"),
    ("# patience: 몇 에포크 동안 개선이 없으면 멈출지 지정", "early-stopping#patience"),
    ("자동 저장", "saving-best/statement"),
    ("- 얼리스톱핑은 성능이 일시적으로 하락해도 정지", "saving-best#dip"),
    ("- patience라는 인자로 몇 번은 넘어가게 할 수 있으나 적절한 설정 값을 알기 어려움", "saving-best#patience"),
    (
        "- ModelCheckpoint 콜백을 이용해서 검증 성능이 가장 좋은 모델의 파라미터를 자동 저장할 수 있음",
        "saving-best#checkpoint",
    ),
    (
        "- 정해진 에포크의 훈련이 모두 끝난 후 가장 성능이 좋았던 에포크의 파라미터를 다시 불러올 수 있음",
        "saving-best#reload",
    ),
    ("# 저장된 파라미터 불러오기", "saving-best#reload"),
    ("드롭아웃 dropout", "dropout/statement"),
    ("- 학습 과정에서 배치마다 입력층과 은닉층의 출력값을 무작위로 0으로 대체", "dropout#mask"),
    ("- 특정한 특징에 과적합되는 것을 방지하기 위한 정칙화 방법", "dropout#why"),
    ("- 드롭아웃의 비율은 0-1 사이에서 조정", "dropout#rate"),
    (
        "- 예측시에는 드롭아웃 대신, 출력이 비율로 조정(훈련시에 출력 중 50%를 드롭아웃 했으면, 예측시에는 모든 출력의 "
        "크기를 50%로 줄임)",
        "dropout#prediction",
    ),
    ("keras.layers.Dropout(0.5), # 드롭아웃 비율 50%", "dropout/code"),
    ("Normalization", "input-normalization/statement"),
    ("- 넓은 의미로 통계학에서 변수값의 크기를 일정하게 만들어 주는 것", "input-normalization#broad"),
    ("- 대표적인 예로 표준화(standardization):", "input-normalization#standardization"),
    ("(x-μ)/σ", "input-normalization#standardization"),
    ("- X: 값, μ: 평균, σ: 표준편차", "input-normalization#symbols"),
    ("- 평균 = 0, 표준편차 = 1이 됨", "input-normalization#mean-sd"),
    ("- 서로 다른 평균과 표준편차를 가진 변수를 비교하기 쉽게 해줌", "input-normalization#compare"),
    ('- Normalization은 "정규화"로 많이 번 역하나, regularization과 혼동', "input-normalization#word"),
    (
        "- 좁은 의미로 0-1 범위로 변환하는 min-max scaling만을 normalization이라고 쓰는 사람들도 있음",
        "input-normalization#narrow",
    ),
    ("- 이 경우에는 표준화 ≠ normalization", "input-normalization#standardization-is-not"),
    ("입력 Normalization", "input-normalization/statement"),
    ("- 이미지 입력도 Normalization을 해주면 성능에 도움", "input-normalization#images"),
    ("- 보통 0-255 범위의 픽셀 값을 -1 - +1 또는 0-1 범위로 normalize", "input-normalization#pixels"),
    (
        "- 특징(feature, 이미지의 경우 픽셀값)에 따라 값의 크기가 매우 다른 경우, 특징들의 값의 범위를 비슷하도록 "
        "normalize하면 경사하강법에서 진동이 줄어들어 수렴이 더 빨라짐",
        "input-normalization#speed",
    ),
    ("Batch Normalization", "normalizations/statement"),
    ("- 각 레이어의 입력도 normalize하면 성능이 향상될 수 있음", "normalizations#layers"),
    (
        "- 모형의 입력과 달리 각 레이어의 입력은 학습 과정에서 매번 해줘야 하므로 계산 비용이 높음",
        "normalizations#cost",
    ),
    ("- batch 단위로 normalize 하여 효율을 향상", "normalizations#per-batch"),
    ("- 종류:", "normalizations#kinds"),
    ("- Batch Norm: 미니배치 전체에 걸쳐 채널별로 normalize", "normalizations#batch"),
    ("- Layer Norm : 각 사례의 모든 채널을 normalize", "normalizations#layer"),
    ("- Instance Norm : 각 사례를 채널별로 normalize", "normalizations#instance"),
    ("- Group Norm : 각 사례의 채널들을 그룹으로 묶어 normalize", "normalizations#group"),
    ("Covariance Shift", "covariate-shift/statement"),
    ("- 다층신경망에서는 한 은닉층의 출력이 다른 은닉층의 입력이 됨", "covariate-shift#chain"),
    ("- 학습 과정에서 각 층의 출력이 변화 → 다음 층의 입력이 변화", "covariate-shift#moves"),
    ("- 각 층이 받는 입력이 지속적으로 변화하므로 문제가 됨(covariance shift)", "covariate-shift#shift"),
    ("- BN은 이를 방지하여 학습 효율을 높인다는 지적(아니라는 의견도 있음)", "covariate-shift#disputed"),
    ("BN의 효과", "covariate-shift#effects"),
    ("- 포화를 억제", "covariate-shift#saturation"),
    ("- 신경망의 활성화 함수는 기울기가 0에 가까운 영역이 존재", "covariate-shift#flat"),
    ("- 신경망의 출력을 일정 범위로 제한하여 포화를 억제", "covariate-shift#bounded"),
    ("- 학습 속도 향상", "covariate-shift#speed"),
    ("- 높은 학습률에도 학습이 안정적으로 이뤄짐", "covariate-shift#high-rates"),
    ("- 활성화 함수에서 포화되는 영역에 빠지는 문제를 피할 수 있음", "covariate-shift#out-of-saturation"),
    ("- 경사가 사라지거나 폭발하는 문제를 완화", "covariate-shift#gradients"),
    ("- 정칙화 효과", "covariate-shift#regularizes"),
    ("- 배치에 따라 평균과 표준편차가 달라지므로 출력값에 일정한 오차가 생김", "covariate-shift#noise"),
    ("- Dropout과 비슷한 효과 → Dropout을 안 써도 된다 → 학습 속도도 빨라짐", "covariate-shift#no-dropout"),
    ("keras.layers.BatchNormalization(), # 배치 정규화", "normalizations/code"),
    ("one-hot encoding", "coding/statement"),
    ("- 머신러닝에서 범주형 변수를 표현하 는 방법", "coding#one-hot"),
    ("- 사례마다 변수의 값을 범주의 개수와 같은 길이의 벡터로 표현", "coding#length"),
    ("- 벡터의 다른 모든 원소는 0(cold)", "coding#cold"),
    ("- 사례의 범주에 해당하는 원소 하나만 1(hot)", "coding#hot"),
    ("- 예: 신문 기사를 정치, 사회, 경제, 문화 네 가지 범주로 분류하는 경우", "coding#example"),
    ("- 정치 → (1, 0, 0, 0)", "coding#politics"),
    ("- 사회 → (0, 1, 0, 0)", "coding#society"),
    ("- 경제 → (0, 0, 1, 0)", "coding#economy"),
    ("- 문화 → (0, 0, 0, 1)", "coding#culture"),
    ("- 범주 하나를 제외해서 벡터의 길이를 -1 한 것은 더미 코딩(dummy coding)이라고 함", "coding#dummy"),
    ("- 예) 사회 → (1, 0, 0) # 정치는 표시 제외", "coding#dummy-example"),
    ("- 머신러닝에서는 잘 사용하지 않고, 주로 통계에서 사용", "coding#statistics"),
    ("label smoothing", "label-smoothing/statement"),
    ("- 레이블은 부정확하게 붙어있을 수 있거나 예외적인 사례일 수 있음", "label-smoothing#wrong-labels"),
    ("- 이러한 데이터에 과적합될 경우 모형의 예측력이 떨어짐", "label-smoothing#overfit"),
    ("- 원 핫 인코딩에서 1을 조금 줄이고 그만큼 0을 키워줌", "label-smoothing#smooth"),
    (
        "- 데이터에 있는 레이블에 100%보다 낮은 확률을 부여(없는 레이블도 0%보다 높은 확률을 부여)",
        "label-smoothing#probability",
    ),
    ("- 예) (1, 0, 0, 0) → (0.85, 0.05, 0.05, 0.05)", "label-smoothing#example"),
    ("이항 분류:", "label-smoothing#binary"),
    ("keras.losses.BinaryCrossentropy(label_smoothing=0.15)", "label-smoothing#binary"),
    ("다항 분류:", "label-smoothing#categorical"),
    ("keras.losses.CategoricalCrossentropy(label_smoothing=0.15)", "label-smoothing#categorical"),
    ("keras.losses.SparseCategoricalCrossentropy는 지원X", "label-smoothing#sparse"),
    ("퀴즈", "contents"),
    ("사용자 정보 입력", "contents"),
    ("퀴즈를 시작하기 전에 이름과 소속을 입력해주세요.", "contents"),
)
# A line of Keras code, which the lessons' own code does too; the comments in it are statements like others.
CODE = re.compile(
    r"(model|best_model|keras\.(layers|callbacks)|loss=|metrics=|epochs=|validation_split=|callbacks=|\]\))"
)


def paragraph(name: str, anchor: str, lang: str) -> str:
    """What begins with an anchor, up to the next one or the end of its section, without markup."""
    text = re.split(r"^## ", source(name, lang), flags=re.MULTILINE)
    found = [part for part in text if f"{{#{anchor}}}" in part]
    assert len(found) == 1, (name, anchor, lang)
    return found[0].partition(f"{{#{anchor}}}")[2].partition("{#")[0].strip(" -\n")


def test_no_line_of_the_lecture_is_left_out() -> None:
    lines = [line.strip() for line in LECTURE.read_text(encoding="utf-8").splitlines() if line.strip()]
    covered = {line for line, _ in COVERED}
    assert [line for line in lines if line not in covered and not CODE.match(line)] == []
    assert [line for line in covered if line not in lines] == []
    assert [line for line in lines if CODE.match(line) and "# " in line and line not in covered] == []


@pytest.mark.parametrize(("statement", "place"), COVERED)
def test_its_place_is_there_in_both_languages(statement: str, place: str) -> None:
    if place == "contents":
        return
    name, sign, part = re.fullmatch(r"([\w-]+)([#/])([\w-]+)", place).groups()  # type: ignore[union-attr]
    for lang in ("ko", "en"):
        found = lesson(name, lang)
        if sign == "/":
            assert found.parts[part]
            continue
        assert f'id="{part}"' in found.parts["statement"], (place, lang)
        words = paragraph(name, part, lang)
        assert len(words) > 12, (place, lang)
        # Our own sentences: examples of vectors, code and names of a few words may be the lecture's.
        if "→ (" not in statement and "keras." not in statement and len(statement) > 15:
            assert statement.removeprefix("- ") not in words


def test_the_lessons_follow_the_lecture() -> None:
    order = [place.split("#")[0].split("/")[0] for _, place in COVERED if place != "contents"]
    # Batch normalization's code stands behind its effects in the lecture, beside its definition here.
    firsts = sorted(set(order), key=order.index)
    assert firsts == list(LESSONS)


# COURSE.md, "What the lecture says, more exactly": each of its rows.
EXACT = (
    ("weight-decay#squared", ("L2(0.1)", "weight_decay=0.2")),
    ("weight-decay#momentum", ("0.9",)),
    ("weight-decay#adam", ("AdamW", "0.88")),
    ("weight-decay#biases", ("exclude_from_weight_decay",)),
    ("norms#subgradient", ("17",)),
    ("early-stopping#patience-0-1", ("patience=0", "patience=1")),
    ("early-stopping#last-weights", ("restore_best_weights=True",)),
    ("early-stopping#split-tail", ("20%",)),
    ("early-stopping#like-ridge", ("0.651", "0.5")),
    ("saving-best#code-stops", ("9", "10", "5")),
    ("saving-best#keras-format", ("best_model.h5", ".keras")),
    ("dropout#activations", ("DropConnect",)),
    ("dropout#per-sample", ()),
    ("dropout#keras-inverted", ("1 - p",)),
    ("normalizations#keras-layer-norm", ("GroupNormalization(groups=1)",)),
    ("normalizations#keras-instance-norm", ("GroupNormalization(groups=-1)",)),
    ("normalizations#standardizes", ("gamma",)),
    ("normalizations#momentum", ("22%", "99%", "459", "momentum=0.9")),
    ("normalizations#batch-of-one", ("0",)),
    ("covariate-shift#internal", ("internal covariate shift", "covariance shift")),
    ("covariate-shift#santurkar", ("Santurkar", "2018")),
    ("covariate-shift#not-bounded", ("gamma",)),
    ("covariate-shift#before-activation", ("ReLU",)),
    ("label-smoothing#not-keras-015", ("0.8875", "0.0375", "0.2")),
    ("label-smoothing#sparse-error", ("TypeError",)),
    ("label-smoothing#from-logits", ("from_logits=True", "0.185")),
    ("label-smoothing#val-loss", ("val_loss", "0.475")),
    ("overview#not-parameters", ("DropConnect",)),
    ("overview#val-loss-trap", ("val_loss",)),
    ("overview#train-mode-trap", ()),
)


@pytest.mark.parametrize(("place", "words"), EXACT)
def test_what_is_more_exact_is_said(place: str, words: tuple[str, ...]) -> None:
    name, _, anchor = place.partition("#")
    for lang in ("ko", "en"):
        text = paragraph(name, anchor, lang)
        assert len(text) > 30
        assert [word for word in words if word not in text] == [], (place, lang)
