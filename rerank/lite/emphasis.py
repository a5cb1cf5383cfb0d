"""What an instruction weighs: the attributes that it names cost more where they are wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SEVERITY: Mapping[str, float] = {"pattern": 2.2, "age": 3.0, "material": 2.2}
"""How much the contradiction of a detail costs: relevance is multiplied by the share of wishes left, to this power.

Set, not fitted: where shops judged, what contradicts is never relevant, and every detail would cost all. To a
shopper one wrong detail among many is "may fit", one of two is not.
"""
NAMED_SHARE = 1.4
"""What a severity is multiplied by when the instruction names the attribute."""
REFUSED_SHARE = 0.25
"""What is left of a relevance when something that was refused is there."""
_NAMES = {
    "pattern": r"patterns?|prints?|motifs?|embroider\w*|图案|花纹|纹样|印花|刺绣",
    "material": r"materials?|fabrics?|材质|面料|材料",
    "age": r"ages?|age groups?|年龄",
}
_COPIES = re.compile(
    r"same (?:work|picture|image|photo)|cop(?:y|ies|ied)|duplicates?|plagiari\w*|copyright|infring\w*"
    r"|同一(?:张|幅)|盗用|盗图|抄袭|侵权|版权|重复图",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"questions?|repl(?:y|ies)|提问|问题|回复|客服|解答", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Emphasis:
    """An instruction, read."""

    severity: Mapping[str, float] = field(default_factory=lambda: SEVERITY)
    wants_copies: bool = False
    """Whether pictures are to be the same work, and not merely alike."""
    wants_answers: bool = False
    """Whether documents are to answer a question: what it names is then no wish for a thing for sale."""

    @classmethod
    def of(cls, instruction: str) -> Emphasis:
        """What the instruction's words name, in English or Chinese; one that names nothing weighs as usual."""
        named = {
            kind
            for kind, names in _NAMES.items()
            if re.search(rf"(?<![a-z])(?:{names})(?![a-z])", instruction, re.I)
        }
        severity = {kind: cost * (NAMED_SHARE if kind in named else 1.0) for kind, cost in SEVERITY.items()}
        return cls(
            severity, _COPIES.search(instruction) is not None, _ANSWERS.search(instruction) is not None
        )
