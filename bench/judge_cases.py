"""Cases that users of lychee know, with the order and the bands that they were shown, against what the judge says."""

from __future__ import annotations

from dataclasses import dataclass

from core.types import Band, Score
from rerank.instructions import DEFAULT_INSTRUCTION, PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document, Reranker


@dataclass(frozen=True, slots=True)
class Case:
    """One query, its documents best first, and the bands that were shown; None where only the order was."""

    name: str
    query: str
    documents: tuple[str, ...]
    bands: tuple[Band | None, ...]
    instruction: str = DEFAULT_INSTRUCTION


HIGH, MEDIUM, LOW = Band.HIGH, Band.MEDIUM, Band.LOW
_BUTTERFLY = "浅粉色齐胸襦裙,带刺绣蝴蝶"
_BUTTERFLIES = ("浅粉色齐胸襦裙,刺绣蝴蝶", "浅粉色齐胸襦裙,印花蝴蝶")
_DRESSES = "浅粉色齐胸襦裙,带刺绣蝴蝶,适合160cm女生"
CASES = (
    Case(
        "capital",
        "中国的首都是哪里?",
        ("北京是中华人民共和国的首都", "上海是中国的经济中心"),
        (HIGH, LOW),
    ),
    Case(
        "hanfu photo",
        "穿汉服的少女在樱花树下",
        ("这是一张高清写真,少女着淡粉色齐胸襦裙,手持纸扇,背景为盛开的樱花树。",),
        (HIGH,),
    ),
    Case(
        "four photos",
        "穿汉服的少女在樱花树下",
        ("少女穿汉服在樱花树下拍照", "古装剧截图,人物在竹林中"),
        (None, None),
    ),
    Case("butterfly, product instruction", _BUTTERFLY, _BUTTERFLIES, (HIGH, MEDIUM), PRODUCT_INSTRUCTION),
    Case("butterfly, default instruction", _BUTTERFLY, _BUTTERFLIES, (HIGH, None)),
    Case(
        "three dresses",
        _DRESSES,
        (
            "HF-2024-087 浅粉色齐胸襦裙 刺绣蝴蝶 S-M码适合155-165cm 真丝混纺 高清实拍",
            "HF-2024-055 浅粉色齐胸襦裙 刺绣 A字版型 棉麻材质 平铺图",
            "HF-2024-112 浅粉色襦裙 同款改良 加宽腰带 模特图",
        ),
        (HIGH, HIGH, HIGH),
        PRODUCT_INSTRUCTION,
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the judge said of one case."""

    case: Case
    relevances: tuple[float, ...]

    @property
    def is_ordered(self) -> bool:
        """Whether each document is above the next one."""
        return all(a > b for a, b in zip(self.relevances, self.relevances[1:], strict=False))

    @property
    def bands_met(self) -> int:
        """How many of the shown bands were met."""
        return sum(
            wanted is not None and Band.of(relevance) is wanted
            for wanted, relevance in zip(self.case.bands, self.relevances, strict=True)
        )


def outcomes(judge: Reranker) -> list[Outcome]:
    """Every case, judged."""
    found = []
    for case in CASES:
        judged = judge.score(
            Asked(case.query, instruction=case.instruction), [Document(each) for each in case.documents]
        )
        relevances = tuple(each.relevance for each in judged if isinstance(each, Score))
        found.append(Outcome(case, relevances))
    return found
