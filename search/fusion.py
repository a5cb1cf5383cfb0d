"""One number for recall's order from what the channels say; bench/quality.py measures the weights."""

from __future__ import annotations

from dataclasses import dataclass

from core.types import Evidence


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation of a query's similarity to a random part of the catalog."""

    mean: float
    deviation: float

    def standardise(self, similarity: float) -> float:
        """How many deviations above what any product of this catalog would reach."""
        return (similarity - self.mean) / self.deviation if self.deviation > 1e-6 else 0.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence counts."""

    coverage: float
    agreement: float
    text: float
    picture: float


WORDS = Weights(coverage=1.0, agreement=0.3, text=0.1, picture=0.05)
"""For a query of words."""
PICTURE = Weights(coverage=0.0, agreement=0.0, text=0.0, picture=1.0)
"""For a query that is a picture."""
PICTURE_AND_WORDS = Weights(coverage=1.0, agreement=3.0, text=0.1, picture=1.0)
"""For "this one, but in red": the picture says what, the words say what is different."""


def fuse(evidence: Evidence, weights: Weights, text: Moments | None, picture: Moments | None) -> float:
    """The weighted sum; a similarity that is missing counts as the catalog's mean."""
    fused = weights.coverage * evidence.coverage + weights.agreement * evidence.agreement
    if text is not None and evidence.text_similarity is not None:
        fused += weights.text * text.standardise(evidence.text_similarity)
    if picture is not None and evidence.picture_similarity is not None:
        fused += weights.picture * picture.standardise(evidence.picture_similarity)
    return fused
