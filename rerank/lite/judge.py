"""The lite judge: what the evidence says, as a probability, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.encoder import Encoder
from core.errors import RerankerProblem, UnreadableImage
from core.language import Language
from core.types import Score
from rerank.judgement import Asked, Document, Judgement, Unscored
from rerank.lite.curves import Calibration, probability
from rerank.lite.emphasis import REFUSED_SHARE, Emphasis
from rerank.lite.weighing import Weighed, Weighing
from rerank.lite.wishes import Finding

DOUBTED_SHARE = 0.75
"""What is left of a relevance when the words and the picture of a document contradict each other."""
LEAST_LEFT = 0.03
"""What a wrong detail leaves in any case, so that what is wrong stays in order."""
CORE = ("kind", "gender", "color")
"""What makes a product another one."""
STATED = ("gender", "color")
CORE_WRONG, SQUEEZED_FROM = 0.38, 0.3
"""The most that a product with a wrong core can have, and from where on it is squeezed under that."""
STATED_SHARE = 0.7
"""What of that a wrong colour or gender leaves, which shops state outright, while what a thing is has to be guessed."""
MENTIONED_SHARE = 0.6
"""What is left where the thing asked for is only mentioned."""


class LiteReranker:
    """rerank.judgement.Reranker; safe for many threads."""

    micro_batch = 64
    is_pairwise = False
    """In a shop, what recall holds to be the best counts, too."""

    def __init__(self, encoder: Encoder, language: Language, calibration: Calibration) -> None:
        self._weighing = Weighing(encoder, language, calibration.typical_shares)
        self._calibration = calibration
        self.model = f"lite@{calibration.digest}"

    @classmethod
    def load(cls, encoder: Encoder, language: Language) -> LiteReranker:
        """With the packaged calibration."""
        return cls(encoder, language, Calibration.load())

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        """One judgement a document, in input order."""
        return [
            weighed if isinstance(weighed, Unscored) else self._score(weighed)
            for weighed in self.weigh(asked, documents)
        ]

    def weigh(self, asked: Asked, documents: Sequence[Document]) -> Iterator[Weighed | Unscored]:
        """The evidence of each document, in input order: what tools/fit_judge.py fits the calibration on."""
        try:
            case = self._weighing.case(asked)
        except UnreadableImage as error:
            raise RerankerProblem(self.model, f"the query's picture can't be read: {error.reason}") from error
        for side in self._weighing.sides.documents(documents):
            yield side if isinstance(side, Unscored) else self._weighing.weighed(case, side)

    def _score(self, weighed: Weighed) -> Score:
        curves = self._calibration.curves
        logits = [curves[name].logit(numbers) for name, numbers in weighed.parts.items()]
        fitting = probability(sum(logits) / len(logits))
        relevance = without_what_is_wrong(fitting, weighed.findings, weighed.emphasis)
        checks = tuple(each.check for each in weighed.findings if each.wish.concept)
        return Score(relevance, checks, weighed.basis, weighed.cut)


def without_what_is_wrong(relevance: float, findings: Sequence[Finding], emphasis: Emphasis) -> float:
    """The relevance of what would fit but for contradictions, with them: 0…1.

    A wrong core (thing, gender, colour) leaves it low, whatever else holds. Of other wishes it keeps the share that
    is left, to the power of their severity: one wrong detail among many may fit, one of two doesn't.
    """
    wanted = [each for each in findings if not each.wish.is_refused]
    whole = sum(each.wish.weight for each in wanted)
    for each in wanted:
        if each.standing < 0 and each.wish.kind not in CORE:
            rest = 1.0 + each.standing * each.wish.weight / whole
            relevance *= max(LEAST_LEFT, rest ** emphasis.severity.get(each.wish.kind, 1.0))
        if each.is_doubted:
            relevance *= DOUBTED_SHARE
    core = max((-each.standing for each in wanted if each.wish.kind in CORE), default=0.0)
    if core > 0:
        stated = any(each.standing < 0 and each.wish.kind in STATED for each in wanted)
        wrong = low(relevance) * (STATED_SHARE if stated else 1.0)
        relevance = (1.0 - core) * MENTIONED_SHARE * relevance + core * wrong
    broken = max((each.standing for each in findings if each.wish.is_refused), default=0.0)
    return relevance * (1.0 - (1.0 - REFUSED_SHARE) * broken)


def low(relevance: float) -> float:
    """Squeezed below 0.4, in the same order: what was low already stays what it is."""
    if relevance <= SQUEEZED_FROM:
        return relevance
    return SQUEEZED_FROM + (CORE_WRONG - SQUEEZED_FROM) * (relevance - SQUEEZED_FROM) / (1.0 - SQUEEZED_FROM)
